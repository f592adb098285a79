"""Asks every provider for its models: all at once, each within its own limit, in the background.

Nobody waits for it: whoever needs a list reads the catalogue. Local servers are looked for on their well-known
ports here too.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlencode

import httpx

from proxy.catalog import ModelCatalog
from proxy.chores import Chores
from proxy.net.credentials import Credentials, NoCredential, client_credential, credential_headers
from proxy.net.exchange import Exchange
from proxy.net.upstream import UpstreamFault, Upstreams, read_body
from proxy.presets import PRESETS, Preset
from proxy.protocol.listing import ListedModel, NotAList, Page, read_page
from proxy.protocol.outcome import Seen, judge
from proxy.protocol.redact import redact
from proxy.protocol.usage import read_message
from proxy.providers import ProviderConfig

log = logging.getLogger(__name__)

LIST_TIMEOUT_S = 2.5
LIST_BYTES_MAX = 32 * 1024 * 1024
PAGES_MAX = 20
REFRESH_S = 3600.0
"""A list is asked for again after an hour."""
LIST_AGAIN_S = 600.0
"""A provider that lists nothing to a login, as Claude's may, is not asked again with every request."""
LOCAL_TIMEOUT_S = 1.0
WORDS_BYTES = 300

_VERSION = (b"anthropic-version", b"2023-06-01")
_JSON = (b"accept", b"application/json")


class Discovery:
    """Keeps the catalogue up to date."""

    def __init__(
        self,
        providers: Mapping[str, ProviderConfig],
        catalog: ModelCatalog,
        credentials: Credentials,
        upstreams: Callable[[], Upstreams],
        changed: Callable[[], None],
        chores: Chores,
        local_token: str,
    ) -> None:
        self._providers = providers
        self._catalog = catalog
        self._credentials = credentials
        self._upstreams = upstreams
        self._changed = changed
        self._chores, self._local_token = chores, local_token
        self._asked_by_login: dict[str, float] = {}
        """When a client's login last asked a provider for its models, monotonic."""
        self._running: asyncio.Task[None] | None = None

    async def refresh(self, names: Iterable[str] | None = None) -> None:
        """Ask the named providers (default: all) now. Callers that come together share one round."""
        if names is not None:
            await self._ask_all(names)
            return
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._ask_all(list(self._providers)), name="model lists")
        await asyncio.shield(self._running)

    def served(self, exchange: Exchange) -> None:
        """Where only clients have a credential, that of the one that was just served asks for the list, on the spot."""
        provider = self._providers.get(exchange.provider or "")
        if provider is None or not provider.waits_for_client or exchange.outcome != "served":
            return
        age_s, now = time.time() - (self._catalog.listing(provider.name).fetched_at or 0), time.monotonic()
        if age_s > REFRESH_S and now - self._asked_by_login.get(provider.name, -LIST_AGAIN_S) >= LIST_AGAIN_S:
            self._asked_by_login[provider.name] = now
            self._chores.start("model list by login", self._refresh_with(provider, list(exchange.raw_headers)))

    async def _refresh_with(self, provider: ProviderConfig, client_headers: list[tuple[bytes, bytes]]) -> None:
        """Ask ``provider`` with the credential of a client; it is not kept."""
        betas = [each for each in client_headers if each[0] == b"anthropic-beta"]
        own = client_credential(client_headers, self._local_token)
        if own:
            await self._ask(provider, [_VERSION, _JSON, *own, *betas])
            await self._catalog.save()
            self._changed()

    async def find_local(self, build: Callable[[Preset], ProviderConfig]) -> list[ProviderConfig]:
        """Local servers that answer on their port with a model list."""
        absent = [preset for preset in PRESETS if preset.local_port and preset.name not in self._providers]
        found = await asyncio.gather(*(self._probe(build(preset)) for preset in absent))
        return [config for config in found if config is not None]

    async def _ask_all(self, names: Iterable[str]) -> None:
        async with asyncio.TaskGroup() as group:
            for name in names:
                provider = self._providers.get(name)
                if provider is not None and provider.models_url and not provider.waits_for_client:
                    group.create_task(self._ask(provider), name=f"models of {name}")
        await self._catalog.save()
        self._changed()

    async def look(
        self, provider: ProviderConfig, patience_s: float, *, keyless: bool = False
    ) -> tuple[ListedModel, ...]:
        """What ``provider`` lists now; the catalogue does not learn of it. Raises ``Declined``."""
        headers = [_VERSION, _JSON] if keyless else None
        return await self._listed(provider, headers, patience_s)

    async def reach(self, provider: ProviderConfig) -> int:
        """The status with which ``provider`` answers at its address, without a credential. Raises ``Declined``."""
        try:
            async with asyncio.timeout(LIST_TIMEOUT_S):
                response = await self._sent(provider, provider.base_url, [_JSON])
        except TimeoutError:
            raise Declined(f"no answer within {LIST_TIMEOUT_S:g} s") from None
        await response.aclose()
        return response.status_code

    async def check_key(self, provider: ProviderConfig) -> None:
        """Raises ``Declined`` where there is no key to be had for ``provider``."""
        if not provider.waits_for_client:
            await self._headers(provider)

    async def _listed(
        self, provider: ProviderConfig, headers: list[tuple[bytes, bytes]] | None, patience_s: float
    ) -> tuple[ListedModel, ...]:
        try:
            async with asyncio.timeout(patience_s):
                return await self._fetch(provider, headers or await self._headers(provider))
        except TimeoutError:
            raise Declined(f"no answer within {patience_s:g} s") from None

    async def _ask(self, provider: ProviderConfig, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        try:
            models = await self._listed(provider, headers, LIST_TIMEOUT_S)
        except Declined as error:
            self._catalog.failed(provider.name, redact(str(error)), time.time())
        except Exception:  # one provider's oddity must not cost the others their lists
            log.exception("the models of %s", provider.name)
            self._catalog.failed(provider.name, "its list cannot be had; the engine's log says why", time.time())
        else:
            self._catalog.fetched(provider.name, models, time.time())

    async def _fetch(self, provider: ProviderConfig, headers: list[tuple[bytes, bytes]]) -> tuple[ListedModel, ...]:
        """Every page. Raises ``Declined``."""
        models: list[ListedModel] = []
        query: Mapping[str, str] = {"limit": "1000"} if provider.real_claude else {}
        for _ in range(PAGES_MAX):
            url = provider.models_url or ""
            page = _page(await self._get(provider, f"{url}?{urlencode(query)}" if query else url, headers))
            models += page.models
            if page.next_query is None:
                break
            query = {**query, **page.next_query}
        return tuple({model.id: model for model in models}.values())

    async def _headers(self, provider: ProviderConfig) -> list[tuple[bytes, bytes]]:
        try:
            key = await self._credentials.key_of(provider)
            added = [
                (name.lower().encode(), (await self._credentials.resolve(value)).encode())
                for name, value in provider.headers.items()
            ]
            return [_VERSION, _JSON, *credential_headers(provider, key, [], "-"), *added]
        except NoCredential as error:
            raise Declined(str(error)) from None

    async def _get(self, provider: ProviderConfig, url: str, headers: list[tuple[bytes, bytes]]) -> bytes:
        response = await self._sent(provider, url, headers)
        try:
            body = await read_body(response, LIST_BYTES_MAX)
        except UpstreamFault as fault:
            raise _declined(provider, fault) from None
        finally:
            await response.aclose()
        if response.status_code >= 300:
            facts = read_message(body)
            message = (facts.error_message if facts else None) or _start_of(body)
            seen = Seen("headers", status=response.status_code, error_message=message)
            words = "it has no list at this address" if response.status_code == 404 else None
            sentence = words or judge(seen, time.time()).sentence(provider.name)
            raise Declined(sentence, response.status_code, message)
        return body

    async def _sent(self, provider: ProviderConfig, url: str, headers: list[tuple[bytes, bytes]]) -> httpx.Response:
        """Raises ``Declined``."""
        try:
            return await self._upstreams().send(provider, "GET", url, headers, b"")
        except UpstreamFault as fault:
            raise _declined(provider, fault) from None

    async def _probe(self, config: ProviderConfig) -> ProviderConfig | None:
        try:
            async with asyncio.timeout(LOCAL_TIMEOUT_S):
                models = await self._fetch(config, await self._headers(config))
        except (TimeoutError, Declined):
            return None
        self._catalog.fetched(config.name, models, time.time())
        return config


class Declined(Exception):
    """A list could not be had; ``str()`` says why."""

    def __init__(self, why: str, status: int | None = None, words: str | None = None) -> None:
        """``status`` and ``words`` are the provider's own, where it answered."""
        super().__init__(why)
        self.status, self.words = status, words


def _declined(provider: ProviderConfig, fault: UpstreamFault) -> Declined:
    outcome = judge(Seen("connect", cause=fault.cause, detail=fault.detail), time.time())
    return Declined(outcome.sentence(provider.name))


def _start_of(body: bytes) -> str | None:
    """The beginning of an error that is in no known shape, on one line."""
    return " ".join(body[:WORDS_BYTES].decode(errors="replace").split()) or None


def _page(body: bytes) -> Page:
    """A page of a list. Raises ``Declined``."""
    try:
        return read_page(body)
    except NotAList as error:
        raise Declined(str(error)) from None

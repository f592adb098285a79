"""The local port: plain ASGI. Guards every request, reads its body and hands it to the relay or the control door."""

import asyncio
import contextlib
import itertools
import logging
import secrets
import time
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal, Protocol

import msgspec

from proxy import contract as c
from proxy.net.attempt import AnswerBroke
from proxy.net.client import JSON_TYPE, Client, Send
from proxy.net.exchange import Exchange
from proxy.net.relay import Relay
from proxy.protocol.guard import check
from proxy.protocol.identity import TELLING, identify
from proxy.protocol.messages import BadBody, Body
from proxy.protocol.outcome import error_body

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 64 * 1024 * 1024
"""Twice what Anthropic's API takes; anything larger is a mistake."""

_WINDOW_BITS = {b"gzip": zlib.MAX_WBITS | 16, b"deflate": zlib.MAX_WBITS}
"""Encodings of a request that are taken, as zlib is told of them."""

WATCH_AFTER_S = 0.02
"""From then on a client that leaves is noticed at once."""

DISCARD_S = 10.0
"""How long the rest of a request that was refused may come in."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Kind = Literal["messages", "count_tokens", "other"]

_numbers = itertools.count(secrets.randbits(16))
"""Where two engines have one home, they name different requests differently."""


class Doorkeeper(Protocol):
    """What the server needs of the engine."""

    @property
    def local_token(self) -> str: ...

    @property
    def listen_host(self) -> str: ...

    @property
    def draining(self) -> bool: ...

    def opened(self, exchange: Exchange) -> None:
        """A request arrived."""

    def model_list(self) -> list[dict[str, object]]:
        """What the client's own ``/model`` is shown."""
        ...


class Server:
    """The engine's ASGI application."""

    def __init__(self, engine: Doorkeeper, relay: Relay, control: App) -> None:
        self._engine = engine
        self._relay = relay
        self._control = control
        self.running: set[asyncio.Task[None]] = set()
        """Tasks that serve requests of the client at this moment."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        client = Client(send)
        if scope["type"] != "http":
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        path, method = scope["path"], scope["method"]
        denied = check(method, path, headers, self._engine.local_token, self._engine.listen_host)
        if denied is not None:
            await client.refuse(denied.status, denied.error_type, denied.message)
        elif path.startswith(c.DOOR + "/"):
            await self._control(scope, receive, send)
        elif path in ("/", "/api/hello"):
            await client.answer(200, b"" if method == "HEAD" else b'{"product":"cctui"}')
        elif method == "GET" and path == "/v1/models":
            await self._models(client)
        elif method == "GET" and path.startswith("/v1/models/") and (found := self._model(path)) is not None:
            await client.answer(200, found)
        elif path.startswith("/v1/"):
            await self._traffic(scope, receive, client, headers)
        else:
            await client.refuse(404, "not_found_error", f"Nothing is served at {path}; the API is under /v1/.")

    async def _models(self, client: Client) -> None:
        models = self._engine.model_list()
        edges = {"first_id": models[0]["id"], "last_id": models[-1]["id"]} if models else {}
        payload = {"data": models, "has_more": False, "first_id": None, "last_id": None, **edges}
        await client.answer(200, msgspec.json.encode(payload))

    def _model(self, path: str) -> bytes | None:
        wanted = path.removeprefix("/v1/models/")
        found = next((model for model in self._engine.model_list() if model["id"] == wanted), None)
        return msgspec.json.encode(found) if found is not None else None

    async def _traffic(self, scope: Scope, receive: Receive, client: Client, headers: dict[bytes, bytes]) -> None:
        if self._engine.draining:
            await client.refuse(
                529, "overloaded_error", "The cctui engine is stopping. Send the request again.",
                [(b"retry-after", b"2"), (b"connection", b"close")],
            )  # fmt: skip
            return
        try:
            exchange = new_exchange(scope, headers, decoded(await read_request(receive, headers), headers))
        except BadBody as error:
            await client.refuse(400, "invalid_request_error", str(error))
            return
        except _TooLarge:
            await refuse_large(client, receive)
            return
        except _Left:
            return
        serve = {
            "messages": self._relay.messages,
            "count_tokens": self._relay.count_tokens,
            "other": self._relay.passthrough,
        }[exchange.kind]
        self._engine.opened(exchange)
        await self._serve(serve(exchange, client), receive, client)

    async def _serve(self, serving: Awaitable[None], receive: Receive, client: Client) -> None:
        """Serve until done, or until the client leaves or the engine stops; then everything upstream is closed."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("the server runs outside a task")
        watch = _ClientWatch(receive, client, task)
        self.running.add(task)
        try:
            await serving
        except asyncio.CancelledError:
            task.uncancel()
        except AnswerBroke as error:
            log.info("an answer broke off: %s", error)
        except Exception:
            log.exception("a request failed inside the engine")
            await client.break_off("api_error", "The cctui engine made a mistake; its log says which.")
        finally:
            self.running.discard(task)
            watch.end()


class _ClientWatch:
    """Cancels the task that serves when its client leaves.

    It needs a task of its own, which an answer that is complete at once does not have to pay for; a client that
    left before the watch began is found as soon as it does.
    """

    __slots__ = ("_client", "_receive", "_serving", "_task", "_timer")

    def __init__(self, receive: Receive, client: Client, serving: "asyncio.Task[None]") -> None:
        self._receive, self._client, self._serving = receive, client, serving
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._begin)

    def end(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="client watch")

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._client.ended:
            self._client.left = True
            self._serving.cancel()


class _TooLarge(Exception):
    """The body has more than ``BODY_BYTES_MAX`` bytes."""


class _Left(Exception):
    """The client closed the connection before its request was complete."""


async def read_request(receive: Receive, headers: dict[bytes, bytes]) -> bytes:
    """The request's body. Raises ``_TooLarge`` and ``_Left``."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > BODY_BYTES_MAX:
        raise _TooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Left
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES_MAX:
            raise _TooLarge
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def refuse_large(client: Client, receive: Receive) -> None:
    """Refuse at once, then take in what is still on its way: a client that is cut off while it sends sees no answer."""
    body = error_body("request_too_large", f"The request is larger than {BODY_BYTES_MAX // 2**20} MB.")
    length = (b"content-length", str(len(body)).encode())
    await client.start(413, [JSON_TYPE, length, (b"connection", b"close")])
    await client.write(body)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_S):
            while (await receive()).get("more_body", False):
                pass
    await client.end()


def decoded(raw: bytes, headers: dict[bytes, bytes]) -> bytes:
    """The body without the encoding that the client put on it. Raises ``BadBody`` and ``_TooLarge``."""
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding in (b"", b"identity"):
        return raw
    name = encoding.decode("latin-1")
    if encoding not in _WINDOW_BITS:
        raise BadBody(f"content-encoding {name!r} is not supported; send it plain or as gzip")
    decoder = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        plain = decoder.decompress(raw, BODY_BYTES_MAX + 1)
    except zlib.error as error:
        raise BadBody(f"the body is not valid {name}: {error}") from error
    if len(plain) > BODY_BYTES_MAX:
        raise _TooLarge
    if not decoder.eof:
        raise BadBody(f"the body is not valid {name}: it ends too early")
    return plain


def new_exchange(scope: Scope, headers: dict[bytes, bytes], raw: bytes) -> Exchange:
    """The exchange of a request that has arrived whole. Raises ``BadBody``."""
    path, method = scope["path"], scope["method"]
    kind = _kind(path, method)
    body = Body(raw) if kind != "other" else None
    names = {name.decode(): headers[name].decode("latin-1") for name in TELLING if name in headers}
    now = time.time()
    query = scope["query_string"].decode("latin-1")
    return Exchange(
        id=f"r{int(now * 1000):011x}{next(_numbers) & 0xFFFF:04x}",
        started_at=now,
        started=time.monotonic(),
        path=scope.get("raw_path", path.encode()).decode("latin-1").partition("?")[0],
        kind=kind,
        identity=identify(names, body),
        raw_headers=list(scope["headers"]),
        query=f"?{query}" if query else "",
        method=method,
        body=body,
        raw_body=raw,
        asked_model=body.model if body else None,
        streaming=body.streaming if body and kind == "messages" else False,
    )


def _kind(path: str, method: str) -> Kind:
    if method == "POST" and path == "/v1/messages":
        return "messages"
    if method == "POST" and path == "/v1/messages/count_tokens":
        return "count_tokens"
    return "other"

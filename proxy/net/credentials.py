"""Keys of providers: resolved when needed, cached, never shown.

A key is a literal, ``env:NAME`` or ``cmd:COMMAND`` (its first output line, cached for five minutes). Which
header it goes into, and whether the client's own credential may go along, is decided in ``credential_headers``:
the only place where a credential is put on a request.
"""

import asyncio
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import SecretStr

from proxy.protocol.redact import fingerprint
from proxy.providers import ProviderConfig

if TYPE_CHECKING:
    from proxy.net.cloud import CloudCredentials

COMMAND_TIMEOUT_S = 15.0
COMMAND_TTL_S = 300.0

CREDENTIAL_HEADERS = frozenset(
    {b"authorization", b"x-api-key", b"proxy-authorization", b"cookie", b"api-key", b"x-goog-api-key"}
)
"""Headers of the client that never go upstream by themselves."""


class NoCredential(Exception):
    """The provider cannot be asked: there is no key for it. ``str()`` says what to do."""


class Credentials:
    """Resolved keys of all providers."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._commands: dict[str, tuple[float, str]] = {}
        self._running: dict[str, asyncio.Task[str]] = {}

    @cached_property
    def _cloud(self) -> "CloudCredentials":
        """Imported when a provider in a cloud is first asked."""
        from proxy.net.cloud import CloudCredentials  # noqa: PLC0415

        return CloudCredentials(self._environ)

    async def key_of(self, provider: ProviderConfig) -> str | None:
        """The first key of ``provider`` that can be had; None where it has none. Raises ``NoCredential``."""
        trouble = None
        for key in provider.keys:
            try:
                return await self.resolve(key)
            except NoCredential as error:
                trouble = error
        if trouble is not None:
            raise NoCredential(f"{provider.name}: {trouble}")
        return None

    async def signed(
        self,
        provider: ProviderConfig,
        method: str,
        url: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes | Sequence[bytes | memoryview],
    ) -> list[tuple[bytes, bytes]]:
        """The headers of a request with what a cloud wants on it; others' as they are. Raises ``NoCredential``."""
        if provider.keys or provider.auth not in ("aws", "google"):
            return headers
        if provider.auth == "google":
            token = await self._cloud.google_token()
            return [*headers, (b"authorization", b"Bearer " + token.encode())]
        whole = body if isinstance(body, bytes) else b"".join(body)
        return await self._cloud.aws_headers(provider.region, provider.signed_service, method, url, headers, whole)

    async def resolve(self, key: SecretStr) -> str:
        """The secret behind a key as written. Raises ``NoCredential``."""
        text = key.get_secret_value()
        if text.startswith("env:"):
            name = text[4:].strip()
            if value := self._environ.get(name, "").strip():
                return _in_one_line(value, f"the environment variable {name}")
            raise NoCredential(f"the environment variable {name} is not set where the engine was started")
        if text.startswith("cmd:"):
            return _in_one_line(await self._from_command(text[4:].strip()), "the key that its command prints")
        if text.strip():
            return _in_one_line(text.strip(), "the key")
        raise NoCredential("the key is empty")

    async def renewed(self, key: SecretStr, refused: str | None) -> bool:
        """Whether a ``cmd:`` key has another secret by now than the one whose fingerprint was ``refused``; its command
        runs again for that, once for all who ask."""
        text = key.get_secret_value()
        if refused is None or not text.startswith("cmd:"):
            return False
        command = text[4:].strip()
        cached = self._commands.get(command)
        if cached and fingerprint(cached[1]) == refused:
            del self._commands[command]
        try:
            return fingerprint(await self._from_command(command)) != refused
        except NoCredential:
            return False

    def _ended(self, command: str, done: "asyncio.Task[str]") -> None:
        """Whoever waited may have left meanwhile: a failure counts as seen."""
        self._running.pop(command, None)
        if not done.cancelled():
            done.exception()

    async def _from_command(self, command: str) -> str:
        cached = self._commands.get(command)
        if cached and time.monotonic() - cached[0] < COMMAND_TTL_S:
            return cached[1]
        task = self._running.get(command)
        if task is None:
            task = asyncio.create_task(_run(command), name=f"key command {command.split(' ', maxsplit=1)[0]}")
            self._running[command] = task
            task.add_done_callback(lambda done: self._ended(command, done))
        secret = await asyncio.shield(task)
        self._commands[command] = (time.monotonic(), secret)
        return secret


def _in_one_line(secret: str, what: str) -> str:
    """``secret``, which goes into a header. Raises ``NoCredential`` where none can hold it."""
    if any(ord(character) < ord(" ") or character == "\x7f" for character in secret):
        raise NoCredential(f"{what} has a line break or another control character in it; set it anew, in one line")
    return secret


async def _run(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise NoCredential(f"the command of a cmd: key cannot be read ({error}); mend its quotes") from None
    if not words:
        raise NoCredential("cmd: names no command; write cmd:COMMAND")
    program = words[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise NoCredential(f"cmd:{program} cannot be run: {error.strerror}") from None
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            output, complaint = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise NoCredential(f"cmd:{program} did not end within {COMMAND_TIMEOUT_S:.0f} s") from None
    lines = output.decode(errors="replace").splitlines()
    if process.returncode != 0:
        words = complaint.decode(errors="replace").strip().splitlines()
        raise NoCredential(f"cmd:{program} ended with {process.returncode}" + (f": {words[-1]}" if words else ""))
    if not lines or not lines[0].strip():
        raise NoCredential(f"cmd:{program} printed no key")
    return lines[0].strip()


def credential_headers(
    provider: ProviderConfig, key: str | None, client_headers: list[tuple[bytes, bytes]], local_token: str
) -> list[tuple[bytes, bytes]]:
    """The credential headers of a request to ``provider``. Raises ``NoCredential`` where there is none.

    The client's own credential goes along only to a ``passthrough`` provider, and never the local token.
    """
    if provider.auth in ("none", "aws", "google") and key is None:
        return []
    if provider.auth == "passthrough":
        own = client_credential(client_headers, local_token)
        if own:
            return own
        if key is None:
            raise NoCredential(
                f"{provider.name}: neither Claude Code nor the engine has a credential. Log in with `claude` and "
                f"/login, or set an API key, or switch: cctui use PROVIDER"
            )
        return [(b"x-api-key", key.encode())]
    if key is None:
        raise NoCredential(f'{provider.name}: no key. Set api_key = "env:NAME" in [providers.{provider.name}]')
    if provider.auth in ("x-api-key", "api-key", "x-goog-api-key"):
        return [(provider.auth.encode(), key.encode())]
    return [(b"authorization", b"Bearer " + key.encode())]


def client_credential(client_headers: list[tuple[bytes, bytes]], local_token: str) -> list[tuple[bytes, bytes]]:
    """The client's own credential headers, without any that hold the local token."""
    token = local_token.encode()
    return [
        (name, value)
        for name, value in client_headers
        if name in (b"authorization", b"x-api-key") and token not in value and value.strip() not in (b"", b"Bearer")
    ]


def is_subscription(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the credential is a claude.ai login, paid by a plan."""
    betas = b",".join(value for name, value in headers if name == b"anthropic-beta")
    bearer = any(name == b"authorization" for name, _ in headers)
    return bearer and b"oauth-" in betas

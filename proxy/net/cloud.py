"""Credentials of clouds: AWS's signatures and Google's tokens, by the clouds' own libraries where they are installed.

Both libraries look where their users expect it (environment, profiles, single sign-on, roles, metadata of machines),
refresh what expires, and block while they do: they work in threads. Neither is needed for a plain API key.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

from proxy.net.credentials import NoCredential
from proxy.net.upstream import Body
from proxy.workers import for_traffic

Header = tuple[bytes, bytes]

REFRESH_BEFORE_S = 300.0
"""A token is replaced so long before it expires: a request may wait that long for its turn."""
GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"

_BEARER, _API_KEY = b"authorization", b"x-api-key"
_KEY_VARIABLES: Mapping[str, Sequence[tuple[str, bytes]]] = {
    "bedrock": (("AWS_BEARER_TOKEN_BEDROCK", _BEARER),),
    "bedrock-mantle": (("AWS_BEARER_TOKEN_BEDROCK", _BEARER), ("ANTHROPIC_AWS_API_KEY", _BEARER)),
    "aws-external-anthropic": (("ANTHROPIC_AWS_API_KEY", _API_KEY),),
}
"""Keys that stand for a signature, by service: variable and header. Facts of Anthropic's SDK."""
_ADDED = ("authorization", "x-amz-date", "x-amz-security-token")


class CloudCredentials:
    """Resolved credentials of clouds, kept as long as they are valid."""

    def __init__(self, environ: Mapping[str, str] | None = None, clock: Callable[[], float] = time.time) -> None:
        """``environ`` is where API keys are looked for; the libraries read the process's own. ``clock``: seconds."""
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._aws: Any = None
        self._aws_lock = threading.Lock()
        self._google: Any = None
        self._google_refresh: asyncio.Task[str] | None = None

    async def aws_headers(
        self, region: str, service: str, method: str, url: str, headers: Sequence[Header], body: Body
    ) -> list[Header]:
        """``headers`` and the credential of a request to an AWS ``service``. Raises ``NoCredential``.

        The body must go out byte for byte as it is here, and ``content-type`` and ``x-amz-…`` headers unchanged.
        """
        for variable, header in _KEY_VARIABLES.get(service, ()):
            if key := self._environ.get(variable, "").strip():
                return _with(headers, [(header, (b"Bearer " if header == _BEARER else b"") + key.encode())])
        whole = body if isinstance(body, bytes) else b"".join(body)
        added = await for_traffic(self._signature, region, service, method, url, headers, whole)
        return _with(headers, added)

    async def google_token(self) -> str:
        """A token of Google's application default credentials, valid for some minutes. Raises ``NoCredential``."""
        if self._google is not None and self._google_valid_s() > REFRESH_BEFORE_S:
            return str(self._google.token)
        if self._google_refresh is None:
            self._google_refresh = asyncio.create_task(for_traffic(self._google_refreshed), name="google token")
            self._google_refresh.add_done_callback(self._google_done)
        return await asyncio.shield(self._google_refresh)

    def _signature(
        self, region: str, service: str, method: str, url: str, headers: Sequence[Header], body: bytes
    ) -> list[Header]:
        """Signs what nobody on the way changes: the rest may be rewritten and is left out of the signature."""
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise NoCredential(
                'AWS credentials need botocore: pip install "cctui[bedrock]". Or set AWS_BEARER_TOKEN_BEDROCK.'
            ) from None
        named = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
        kept = {name: value for name, value in named if name == "content-type" or name.startswith("x-amz")}
        try:
            request = AWSRequest(method=method.upper(), url=url, headers=kept, data=body)
            SigV4Auth(self._aws_credentials().get_frozen_credentials(), service, region).add_auth(request)
        except (BotoCoreError, ClientError, RuntimeError) as error:
            raise NoCredential(f"AWS: {error}. Log in with `aws sso login` or set AWS_BEARER_TOKEN_BEDROCK.") from None
        return [
            (name.lower().encode("latin-1"), str(value).encode("latin-1"))
            for name, value in request.headers.items()
            if name.lower() in _ADDED
        ]

    def _aws_credentials(self) -> Any:
        """Credentials that refresh themselves; found once."""
        from botocore.session import Session

        with self._aws_lock:
            if self._aws is None:
                self._aws = Session().get_credentials()
            if self._aws is None:
                raise NoCredential(
                    "AWS: no credentials where the engine was started. Run `aws configure` or `aws sso login`, "
                    "or set AWS_PROFILE or AWS_BEARER_TOKEN_BEDROCK."
                )
            return self._aws

    def _google_refreshed(self) -> str:
        """A new token; the old one as long as it holds, where there is no new one."""
        try:
            import google.auth
            from google.auth.exceptions import GoogleAuthError
            from google.auth.transport.requests import Request
        except ImportError:
            raise NoCredential('Google credentials need google-auth: pip install "cctui[vertex]"') from None
        try:
            if self._google is None:
                self._google, _ = google.auth.default(scopes=[GOOGLE_SCOPE])
            self._google.refresh(Request())
        except GoogleAuthError as error:
            if self._google is None or self._google_valid_s() <= 0:
                words = str(error.args[0] if error.args else error)
                raise NoCredential(f"Google: {words} Log in with `gcloud auth application-default login`.") from None
        return str(self._google.token)

    def _google_valid_s(self) -> float:
        """Seconds for which the token still holds."""
        if not self._google.token or self._google.expiry is None:
            return 0.0
        return float(self._google.expiry.replace(tzinfo=UTC).timestamp()) - self._clock()

    def _google_done(self, done: "asyncio.Task[str]") -> None:
        """Whoever waited may have left meanwhile: a failure counts as seen."""
        self._google_refresh = None
        if not done.cancelled():
            done.exception()


def _with(headers: Sequence[Header], added: Sequence[Header]) -> list[Header]:
    names = {name for name, _ in added}
    return [*((name, value) for name, value in headers if name not in names), *added]

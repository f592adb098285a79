"""Which headers go along: to the provider, and back to the client."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import httpx

from proxy.net.credentials import CREDENTIAL_HEADERS
from proxy.protocol.rejections import BETA_HEADER, Rejection, betas_without_rejected

Header = tuple[bytes, bytes]

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110, section 7.6.1: they describe one connection."""

_NOT_UPSTREAM = (
    _HOP_BY_HOP | CREDENTIAL_HEADERS | {b"host", b"content-length", b"content-encoding", b"accept-encoding", b"expect"}
)
_OWN_PREFIX = b"x-cctui-"

_SECRET_NAME = re.compile(rb"key|token|secret|auth|passw|credential|cookie")
"""A header named so may hold a secret that the user meant for one gateway."""


def request_headers(
    client: Sequence[Header], credential: Sequence[Header], added: Sequence[Header], *, own_host: bool = False
) -> list[Header]:
    """The client's headers without credentials and what is ours or the connection's; then ``credential`` and
    ``added``, which replace headers of the same name.

    ``own_host``: the provider is the one that the client's own secrets are meant for.
    """
    named = _named_by_connection(client)
    replaced = {name for name, _ in (*credential, *added)}
    kept = [
        (name, value)
        for name, value in client
        if not (name in _NOT_UPSTREAM or name in named or name in replaced or name.startswith(_OWN_PREFIX))
        and (own_host or not _may_be_secret(name))
    ]
    return [*kept, (b"accept-encoding", b"identity"), *credential, *added]


def without_betas(headers: Sequence[Header], rejections: Sequence[Rejection]) -> list[Header]:
    """The headers without the betas that the provider rejects; without any left, without the header."""
    kept: list[Header] = []
    for name, value in headers:
        if name == BETA_HEADER:
            value = betas_without_rejected(value.decode("latin-1"), rejections).encode("latin-1")
        if value or name != BETA_HEADER:
            kept.append((name, value))
    return kept


@lru_cache(maxsize=512)
def _may_be_secret(name: bytes) -> bool:
    return _SECRET_NAME.search(name) is not None and name != b"idempotency-key"


def reply_headers(response: httpx.Response) -> list[Header]:
    """The provider's headers for the client. Its length is told anew where the body is whole; a decoded body loses its
    encoding too."""
    raw = [(name.lower(), value) for name, value in response.headers.raw]
    dropped = _HOP_BY_HOP | _named_by_connection(raw) | {b"content-length"}
    encoded = any(name == b"content-encoding" and value.lower() != b"identity" for name, value in raw)
    if encoded:
        dropped |= {b"content-encoding"}
    return [(name, value) for name, value in raw if name not in dropped]


def media_type(response: httpx.Response) -> bytes:
    """The response's content type as the provider wrote it; empty where it has none."""
    return next((value for name, value in response.headers.raw if name.lower() == b"content-type"), b"")


def lower_headers(response: httpx.Response) -> Mapping[str, str]:
    """The response's headers by name in lower case; of repeated ones the last."""
    return {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers.raw}


def _named_by_connection(headers: Sequence[Header]) -> frozenset[bytes]:
    """Headers that ``connection`` declares to be about this connection only."""
    names = [value.lower().split(b",") for name, value in headers if name == b"connection"]
    return frozenset(name.strip() for each in names for name in each)

"""Which headers go along: to the provider, and back to the client."""

from collections.abc import Mapping, Sequence

import httpx

from proxy.net.credentials import CREDENTIAL_HEADERS

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


def request_headers(client: Sequence[Header], credential: Sequence[Header], added: Sequence[Header]) -> list[Header]:
    """The client's headers without credentials and what is ours or the connection's; then ``credential`` and
    ``added``, which replace headers of the same name."""
    named = _named_by_connection(client)
    replaced = {name for name, _ in (*credential, *added)}
    kept = [
        (name, value)
        for name, value in client
        if name not in _NOT_UPSTREAM and name not in named and name not in replaced and not name.startswith(_OWN_PREFIX)
    ]
    return [*kept, (b"accept-encoding", b"identity"), *credential, *added]


def reply_headers(response: httpx.Response, *, keep_length: bool = False) -> list[Header]:
    """The provider's headers for the client. A body that was decoded loses its encoding and length."""
    raw = [(name.lower(), value) for name, value in response.headers.raw]
    dropped = _HOP_BY_HOP | _named_by_connection(raw)
    encoded = any(name == b"content-encoding" and value.lower() != b"identity" for name, value in raw)
    if encoded or not keep_length:
        dropped |= {b"content-length"}
    if encoded:
        dropped |= {b"content-encoding"}
    return [(name, value) for name, value in raw if name not in dropped]


def lower_headers(response: httpx.Response) -> Mapping[str, str]:
    """The response's headers by name in lower case; of repeated ones the last."""
    return {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers.raw}


def _named_by_connection(headers: Sequence[Header]) -> frozenset[bytes]:
    """Headers that ``connection`` declares to be about this connection only."""
    names = [value.lower().split(b",") for name, value in headers if name == b"connection"]
    return frozenset(name.strip() for each in names for name in each)

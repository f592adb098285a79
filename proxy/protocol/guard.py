"""Who may use the local port: the decision, from the request's path and headers.

A web page can make a browser send requests to a local port (with any ``Origin``, or through a name that it
points to 127.0.0.1); another user of the machine can reach it too. So every request needs a ``Host`` that is
this machine, none may have an ``Origin``, and everything that spends money or shows data needs the token.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from proxy.contract import DOOR, TOKEN_HEADER

_OPEN_PATHS = frozenset({"/", "/api/hello", f"{DOOR}/hello"})
"""Probes that spend nothing and show nothing; the door's hello proves that the engine has the token."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]")


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a request is refused."""

    status: int
    error_type: str
    message: str


def check(method: str, path: str, headers: Mapping[bytes, bytes], token: str, listen_host: str) -> Denied | None:
    """None where the request may pass. Header names are in lower case."""
    if b"origin" in headers:
        return Denied(403, "permission_error", "Requests from web pages are refused: they carry an Origin header.")
    if not _is_here(headers.get(b"host", b"").decode("latin-1"), listen_host):
        return Denied(403, "permission_error", "The Host header does not name this machine; use http://127.0.0.1:PORT.")
    if path in _OPEN_PATHS and method in ("GET", "HEAD"):
        return None
    if not _has_token(headers, token):
        return Denied(
            401,
            "authentication_error",
            "This is cctui's local engine and the request has no valid token for it. Start Claude Code with "
            '`cctui claude`, or run eval "$(cctui env)" in this shell first.',
        )
    return None


@lru_cache(maxsize=64)
def _is_here(host: str, listen_host: str) -> bool:
    name = re.sub(r":\d*$", "", host.strip().lower())
    if not name:
        return False
    if name in _LOOPBACK or name.strip("[]") == listen_host.lower():
        return True
    return listen_host in ("0.0.0.0", "::") and _IP.fullmatch(name) is not None  # noqa: S104  compared, not bound


def _has_token(headers: Mapping[bytes, bytes], token: str) -> bool:
    scheme, _, credential = headers.get(b"authorization", b"").partition(b" ")
    bearer = credential.strip() if scheme.lower() == b"bearer" else b""
    given = (headers.get(TOKEN_HEADER.encode(), b"").strip(), bearer, headers.get(b"x-api-key", b"").strip())
    wanted = token.encode()
    return bool(wanted) and any([hmac.compare_digest(each, wanted) for each in given])  # noqa: C419  all are compared, whichever fits

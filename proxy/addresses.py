"""Addresses of providers as users paste them, brought into the one form that requests are built on."""

import re
from typing import Literal
from urllib.parse import urlsplit

Dialect = Literal["anthropic", "openai-chat", "openai-responses", "gemini", "bedrock", "vertex"]
"""Wire formats that the engine speaks."""

_ENDINGS: dict[Dialect, re.Pattern[str]] = {
    "anthropic": re.compile(r"(/|/v1|/messages|/messages/count_tokens)*$"),
    "openai-chat": re.compile(r"(/|/chat/completions|/chat|/responses|/models)*$"),
    "openai-responses": re.compile(r"(/|/chat/completions|/chat|/responses|/models)*$"),
    "gemini": re.compile(r"(/|/models|/models/[^/]*)*$"),
    "bedrock": re.compile(r"/*$"),
    "vertex": re.compile(r"/*$"),
}
"""What clients append to a base, however often it was pasted."""

_VERSION: dict[Dialect, str] = {"openai-chat": "/v1", "openai-responses": "/v1", "gemini": "/v1beta"}
"""The path that a bare host is meant to have."""


def normal_base_url(pasted: str, dialect: Dialect = "anthropic") -> str:
    """The base of a pasted address: no trailing slash, nothing that a request of ``dialect`` appends, no query.

    Raises ``ValueError`` that names the exact mistake.
    """
    address = plain_address(pasted)
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    path = _ENDINGS[dialect].sub("", slash + path) or _VERSION.get(dialect, "")
    return f"{scheme}://{host}{path}"


def plain_address(pasted: str) -> str:
    """A pasted address without query and blanks around it. Raises ``ValueError`` that names the exact mistake."""
    text = pasted.strip()
    if not text:
        raise ValueError("the address is empty")
    if "@" in text.partition("://")[2].partition("/")[0] or ("://" not in text and "@" in text):
        raise ValueError("an address holds no user name or password; use api_key")
    if re.search(r"\s", text):
        raise ValueError(f"{pasted!r} has a blank in it")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(f"{pasted!r} has a host that is no address") from None
    if "://" in text and parts.scheme not in ("http", "https"):
        raise ValueError(f"{pasted!r} is neither http nor https")
    if not text.lower().startswith(("http://", "https://")):
        guess = "http" if re.match(r"(localhost|127\.|\[?::1|[\w.-]+:\d|http:)", text) else "https"
        raise ValueError(f"{pasted!r} has no scheme; write {guess}://{re.sub(r'^(https?:)?/*', '', text)}")
    if not parts.hostname:
        raise ValueError(f"{pasted!r} has no host")
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"{pasted!r} has a port that is no number between 0 and 65535") from None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port is not None else ''}{parts.path}"


def is_loopback(host: str) -> bool:
    """Whether ``host`` can be reached from this machine alone."""
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None

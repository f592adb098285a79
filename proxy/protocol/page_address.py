"""The address of a page on the web, read once: what is judged, compared and connected to is the same value.

Only ``http`` and ``https``, only their own ports, no credentials. The host is in the form in which it is looked up, so
that no second reading of the same text can find another one.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Literal
from urllib.parse import quote, urljoin, urlsplit

from proxy.protocol.public_addresses import Address
from proxy.protocol.web_tools import in_ascii

Scheme = Literal["http", "https"]
Fault = Literal["invalid_tool_input", "url_too_long", "url_not_allowed"]

PORTS: dict[Scheme, int] = {"http": 80, "https": 443}
URL_CHARS_MAX = 250
"""Anthropic's own limit for what a model asks for."""
REDIRECT_CHARS_MAX = 2000

_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa", "onion")
"""Endings of names that only mean something within a network."""
_PLACE = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(:\d*)?")
"""Host and port; the library's reader overlooks what stands around the brackets of an address."""
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
"""A last part like this makes an address of version 4 of a host, as browsers and resolvers see it."""
_UNUSABLE = re.compile(r"[\x00-\x20\x7f\\<>\"`{}|^]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_KEPT = "/:?#[]@!$&'()*+,;=~%"


class BadAddress(ValueError):
    """Not an address that a page is fetched from. ``str()`` is a sentence that says why."""

    def __init__(self, code: Fault, words: str) -> None:
        super().__init__(words)
        self.code: Fault = code


@dataclass(frozen=True, slots=True)
class PageAddress:
    """Where a page is. Two texts that mean the same place are equal here."""

    scheme: Scheme
    host: str
    """A name in ASCII and lower case, or an address without brackets."""
    port: int
    target: str
    """Path and query, in ASCII; no fragment."""

    @property
    def literal(self) -> Address | None:
        """The host as an address; None where it is a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port == PORTS[self.scheme] else f':{self.port}'}{self.target}"


def page_address(text: str, chars_max: int = URL_CHARS_MAX) -> PageAddress:
    """The address in ``text``. Raises ``BadAddress``."""
    text = text.strip()
    if len(text) > chars_max:
        raise BadAddress("url_too_long", f"The address is longer than {chars_max} characters.")
    if _UNUSABLE.search(text):
        raise BadAddress("invalid_tool_input", "The address has characters that no address has.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadAddress("invalid_tool_input", "The address cannot be read.") from None
    if parts.scheme not in ("http", "https"):
        raise BadAddress("invalid_tool_input", "The address does not begin with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise BadAddress("invalid_tool_input", "The address holds a user name; pages are fetched without one.")
    if not _PLACE.fullmatch(parts.netloc):
        raise BadAddress("invalid_tool_input", "The address has no usable host.")
    scheme: Scheme = "http" if parts.scheme == "http" else "https"
    port = PORTS[scheme] if port is None else port
    if port not in PORTS.values():
        raise BadAddress("url_not_allowed", "Pages are fetched from the ports 80 and 443 only.")
    return PageAddress(scheme, _host(parts.hostname or ""), port, _target(parts.path, parts.query))


def redirected(address: PageAddress, location: str) -> PageAddress:
    """Where a redirect leads. Raises ``BadAddress``."""
    try:
        return page_address(urljoin(address.url, location.strip()), REDIRECT_CHARS_MAX)
    except ValueError as fault:
        code = fault.code if isinstance(fault, BadAddress) else "invalid_tool_input"
        raise BadAddress(code, f"{address.host} redirects to where no page is fetched from. {fault}") from None


def _host(name: str) -> str:
    if ":" in name:
        return _numeric(name)
    ascii_name = in_ascii(name.lower()).removesuffix(".")
    if not _NAME.fullmatch(ascii_name):
        raise BadAddress("invalid_tool_input", "The address has no usable host.")
    if _NUMBER.fullmatch(ascii_name.rpartition(".")[2]):
        return _numeric(ascii_name)
    if "." not in ascii_name or ascii_name.endswith(tuple(f".{each}" for each in _LOCAL_NAMES)):
        raise BadAddress("url_not_allowed", f"{ascii_name} is no name on the public web.")
    return ascii_name


def _numeric(name: str) -> str:
    """Only in the usual spelling: ``127.1`` and ``0x7f000001`` are addresses to some readers and not to others."""
    try:
        address = ip_address(name)
    except ValueError:
        raise BadAddress("invalid_tool_input", "The address has no usable host.") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise BadAddress("url_not_allowed", "The address names an interface of this machine.")
    return str(address)


def _target(path: str, query: str) -> str:
    """Escapes in one spelling: of unreserved characters none, of others in upper case."""
    whole = _without_dots(_ESCAPE.sub(_plain_escape, path)) + (f"?{query}" if query else "")
    return quote(_ESCAPE.sub(_plain_escape, whole), safe=_KEPT, errors="replace")


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4: a filter of paths must not be evaded by a detour."""
    kept: list[str] = []
    parts = path.removeprefix("/").split("/")
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    directory = "/" if kept and parts[-1] in (".", "..") else ""
    return "/" + "/".join(kept) + directory


def _plain_escape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()

"""Which pages a search may tell the client of, where the server that searches takes no such wish."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_AROUND = re.compile(r"^(\w+://)?(\*\.)?(www\.)?")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class PageFilter:
    """Hosts, each with those below it. Paths are not looked at: not every server tells a page's own address."""

    allowed: tuple[str, ...] = ()
    """Empty: all."""
    blocked: tuple[str, ...] = ()

    def admits(self, host: str | None) -> bool:
        """Whether a page of ``host`` is told. One of an unknown host is, unless only some are allowed."""
        if host is None:
            return not self.allowed
        return (not self.allowed or _any_covers(self.allowed, host)) and not _any_covers(self.blocked, host)


ALL_PAGES = PageFilter()


def filter_of(settings: Mapping[str, Any]) -> PageFilter:
    """What a server tool's own settings allow and block."""
    return PageFilter(_hosts(settings.get("allowed_domains")), _hosts(settings.get("blocked_domains")))


def host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def host_in(title: str) -> str | None:
    """The host that ``title`` is, as Google gives one in place of a page's own address."""
    bare = title.strip().lower().removeprefix("www.")
    return bare if _HOST.fullmatch(bare) else None


def _hosts(domains: object) -> tuple[str, ...]:
    named = [each for each in domains if isinstance(each, str)] if isinstance(domains, list) else []
    hosts = (_AROUND.sub("", each.strip().lower()).partition("/")[0] for each in named)
    return tuple(dict.fromkeys(host for host in hosts if host))


def _any_covers(domains: tuple[str, ...], host: str) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)

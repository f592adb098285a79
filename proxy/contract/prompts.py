"""What fills a session's window, and what its prompt cache served."""

from typing import Literal

from proxy.contract.frozen import Frozen
from proxy.contract.sessions import Tally

ContextKind = Literal["system", "tools", "messages", "tool_results", "images", "thinking"]


class ContextItem(Frozen, frozen=True):
    """Something that fills the window."""

    kind: ContextKind
    name: str
    """``Read src/big.json``, ``mcp github`` (its tools together), ``user``, ``assistant`` …"""
    tokens: int
    """An estimate, calibrated by what providers counted."""
    count: int = 1
    """Pieces in it."""


class ContextReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/context``: what fills the window of a session's conversation now."""

    session_id: str | None = None
    agent_id: str | None = None
    request_id: str | None = None
    """The request that was looked at; None: none is kept in memory."""
    model: str | None = None
    window: int | None = None
    tokens: int = 0
    counted: bool = False
    """``tokens`` is the provider's count, not an estimate."""
    parts: tuple[ContextItem, ...] = ()
    """One for each kind that occurs, in the order of ``ContextKind``; ``name`` is the kind's."""
    items: tuple[ContextItem, ...] = ()
    """The same in detail (each MCP server, tool results by tool …), the largest first."""
    biggest: tuple[ContextItem, ...] = ()
    """The biggest single pieces, the largest first."""


class CacheBreak(Frozen, frozen=True):
    """A request whose prompt's beginning differed from the last one's, so that the cache could not serve it."""

    at: float
    request_id: str
    reason: str
    """In words: ``tool Bash changed``, ``message 12 edited``, ``5 minutes passed`` …"""
    agent_id: str | None = None
    lost_tokens: int = 0
    """Tokens that were in the cache before and were not read from it."""
    lost_nano_usd: int | None = None
    """What they cost more than reading them would have; None: no price known."""
    read_before: float = 0.0
    """Share of the last prompt that was read from the cache."""
    read_after: float = 0.0
    simulated: bool = False


class CacheReport(Frozen, frozen=True):
    """Answer to ``GET /_cctui/cache``: the prompt cache of a session. Simulated money stands apart."""

    session_id: str
    tally: Tally = Tally()
    saved_nano_usd: int | None = None
    """Reading instead of sending anew, less what writing cost more; negative where writing cost more than reading
    saved; None: no price known for one of the requests."""
    simulated_saved_nano_usd: int = 0
    breaks: tuple[CacheBreak, ...] = ()
    """The last ten, newest first."""
    lost_nano_usd: int | None = None
    """Of all breaks that are kept; None: no price known for one of them."""
    simulated_lost_nano_usd: int = 0
    shares: tuple[float, ...] = ()
    """Share of the prompt that was read from the cache, of the conversation's last requests, oldest first."""

"""The feed: the whole state first, then what moved in it."""

from typing import Literal

from proxy.contract.budgets import Budget
from proxy.contract.frozen import Frozen
from proxy.contract.providers import Provider
from proxy.contract.requests import Request, StreamPart
from proxy.contract.routes import Route
from proxy.contract.sessions import Session, Tally


class Engine(Frozen, frozen=True):
    """The engine itself."""

    pid: int
    url: str
    version: str
    contract: int
    started_at: float
    home: str
    """Its state directory: tells two installations apart."""
    rss_bytes: int = 0
    draining: bool = False
    host_open: bool = False
    """It listens on more than this machine."""


class Notice(Frozen, frozen=True):
    """Something that the user should read once."""

    at: float
    level: Literal["info", "warning", "error"]
    text: str


class Snapshot(Frozen, frozen=True, tag="snapshot"):
    """The whole state: the first event of a feed, and again whenever a slow panel lost some."""

    engine: Engine
    route: Route
    providers: tuple[Provider, ...]
    sessions: tuple[Session, ...]
    requests: tuple[Request, ...]
    """Oldest first: the last ended ones and all that live."""
    today: Tally
    problems: tuple[str, ...] = ()
    """What is wrong with the engine itself, in words (ledger, settings …)."""
    notices: tuple[Notice, ...] = ()
    """The last few, oldest first."""
    budgets: tuple[Budget, ...] = ()
    """Those that are set: of the sessions, of their projects, of today and of this month, as requests are judged by."""
    passing: tuple[str, ...] = ()
    """Ids of the sessions that no budget stops."""
    used_up: tuple[str, ...] = ()
    """Budgets that refuse requests until more is granted, in words."""


class RequestChanged(Frozen, frozen=True, tag="request"):
    """A request appeared, moved or ended (``request.phase``)."""

    request: Request


class SessionChanged(Frozen, frozen=True, tag="session"):
    """A session's sums moved; ``today`` and the budgets that it falls under moved with them."""

    session: Session
    today: Tally
    budgets: tuple[Budget, ...] = ()


class RouteChanged(Frozen, frozen=True, tag="route"):
    route: Route


class ProvidersChanged(Frozen, frozen=True, tag="providers"):
    """Health, limits, keys or lists of providers moved."""

    providers: tuple[Provider, ...]


class NoticePosted(Frozen, frozen=True, tag="notice"):
    notice: Notice


class EngineChanged(Frozen, frozen=True, tag="engine"):
    """Draining began, memory moved, or a problem came or went."""

    engine: Engine
    problems: tuple[str, ...] = ()
    used_up: tuple[str, ...] = ()


Event = (
    Snapshot
    | RequestChanged
    | SessionChanged
    | RouteChanged
    | ProvidersChanged
    | StreamPart
    | NoticePosted
    | EngineChanged
)

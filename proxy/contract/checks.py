"""Trying out a target with real requests."""

from typing import Literal

from proxy.contract.frozen import Frozen

CHECK_SESSION = "check-"
"""The id of a check's session begins so."""

CheckVerdict = Literal["pass", "degraded", "fail", "skipped"]
"""``degraded``: it works, but not as it should; ``skipped``: it was not asked, or nobody can tell."""


class CheckMark(Frozen, frozen=True):
    """What the checks of a model found, in short."""

    model: str
    at: float
    """Of the newest verdict."""
    failed: tuple[str, ...] = ()
    """Titles of what does not work."""
    degraded: tuple[str, ...] = ()


class RunCheck(Frozen, frozen=True):
    """Command: try out a target with real requests, which cost money."""

    target: str
    """``provider/model``, or a provider: then the model that was used there last."""
    only: tuple[str, ...] = ()
    """Names of what is tried; empty: everything. What that builds upon is tried too."""
    skip: tuple[str, ...] = ()
    dry_run: bool = False
    """Only tell what would be tried and what that costs."""


class StopCheck(Frozen, frozen=True):
    """Command: ask a target nothing more."""

    target: str


class CheckResult(Frozen, frozen=True):
    """One thing that is tried."""

    name: str
    title: str
    verdict: CheckVerdict | None = None
    """None: not tried yet."""
    running: bool = False
    text: str = ""
    """What was seen, in a sentence without its full stop."""
    evidence: str = ""
    """Status and start of the answer that shows it; empty where all is well."""
    at: float | None = None
    """When it was tried; None: it was not."""
    requests: int = 0
    duration_ms: float = 0.0
    cost_nano_usd: int = 0
    """Of the requests whose cost is known."""
    unpriced: int = 0
    """Requests whose cost nobody can tell."""


class CheckReport(Frozen, frozen=True):
    """Answer to ``POST /_cctui/check`` and ``GET /_cctui/check``."""

    target: str
    results: tuple[CheckResult, ...] = ()
    """In the order in which they are tried; also what earlier checks found beside them."""
    running: bool = False
    session: str | None = None
    """Under which its requests are in the ledger; None: none was sent."""
    started_at: float | None = None
    ended_at: float | None = None
    requests: int = 0
    """How many it needs at most."""
    likely_nano_usd: int | None = None
    """What it costs with answers of usual length, estimated; None: no price known."""
    most_nano_usd: int | None = None
    """What it costs if every answer is as long as allowed."""
    simulated: bool = False

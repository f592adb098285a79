"""Changes of the ledger's past: costs computed anew, answers taken in from transcripts."""

from msgspec import Raw

from proxy.contract.amounts import CostSource
from proxy.contract.frozen import Frozen
from proxy.contract.requests import Role
from proxy.contract.sessions import Tally


class Reprice(Frozen, frozen=True):
    """Command: compute the costs of ended requests anew, with today's price data as of each request's day.

    What a provider reported, what was free and what nobody can price today stays as it is.
    """

    since: float | None = None
    until: float | None = None
    dry_run: bool = True
    """Only tell what would change."""


class RepricedModel(Frozen, frozen=True):
    """How the costs of a model at a provider changed."""

    provider: str
    model: str
    requests: int
    """Whose cost or price source changed."""
    old_nano_usd: int
    """Sum of the known costs of these requests before."""
    new_nano_usd: int
    old_unpriced: int = 0
    old_sources: tuple[CostSource, ...] = ()
    new_sources: tuple[CostSource, ...] = ()
    simulated: bool = False


class RepriceReport(Frozen, frozen=True):
    """Answer to ``POST /_cctui/reprice``; the largest change first."""

    looked_at: int
    """Requests whose cost was computed anew."""
    rows: tuple[RepricedModel, ...] = ()
    unknown_providers: tuple[str, ...] = ()
    """Providers that are no longer set up: their requests keep their costs."""
    written: bool = False


class Transcribed(Frozen, frozen=True):
    """An answer that Claude Code wrote into a transcript of its own."""

    message_id: str
    at: float
    """When it was written, Unix seconds."""
    model: str
    usage: Raw
    """The provider's ``usage`` object, as it stands there."""
    request_id: str | None = None
    """The provider's id of the request; with ``message_id`` it tells one answer from another."""
    session_id: str | None = None
    agent_id: str | None = None
    role: Role = "main"
    project: str | None = None
    client: str | None = None
    asked_model: str | None = None
    stop_reason: str | None = None


class ImportAnswers(Frozen, frozen=True):
    """Command: take answers into the ledger that did not pass through the engine, at the list price of their day."""

    answers: tuple[Transcribed, ...]
    subscription: bool = False
    """They were paid by a subscription: their cost is what the list price would be."""
    dry_run: bool = False
    """Only tell what would be taken in."""


class ImportReport(Frozen, frozen=True):
    """Answer to ``POST /_cctui/import``."""

    added: Tally
    """Of the answers that are new."""
    known: int = 0
    """Answers that the ledger has already, or will have: they run now."""
    grown: int = 0
    """Answers that were imported before they were whole: what was missing is added."""
    too_old: int = 0
    """Answers of days whose rows were removed: their sums are kept, and nobody can tell what is in them."""
    empty: int = 0
    """Answers that were billed nothing."""

"""What the benchmark asks of a generator process and what that answers, one JSON object a line."""

from msgspec import Struct


class Job(Struct, frozen=True, kw_only=True):
    """A bounded amount of load on one port."""

    port: int
    headers: dict[str, str]
    clients: int = 1
    requests: int
    """Ends after so many answers in all …"""
    seconds: float = 60.0
    """… or after this time, whichever comes first."""
    body_bytes: int
    pace_ms: float = 0.0
    """The rhythm of a paced answer; 0: everything at once."""
    chunks: int = 0
    """Deltas of a paced answer."""
    think_ms: float = 0.0
    """A client's pause between an answer and its next request."""
    abort_every: int = 0
    """Every so many-th request is paced and left after its first bytes; 0: none."""


class Result(Struct, frozen=True, kw_only=True):
    """What a job saw. Times in milliseconds."""

    done: int
    """Whole answers."""
    aborted: int = 0
    errors: int = 0
    """Answers with another status than 200, and connections that broke."""
    seconds: float
    ttfb_ms: list[float] = []
    """To the first byte of the answer's body, per request."""
    whole_ms: list[float] = []
    delays_ms: list[float] = []
    """Of each chunk of paced answers: from the upstream's sending to its arrival."""
    gaps_ms: list[float] = []
    """By how much the gap before a chunk grew on the way; a gap that shrank counts as 0."""

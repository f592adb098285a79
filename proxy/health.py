"""How providers are doing: the last word of each, its limits, and since when.

A provider's health is judged by how its attempts ended; a client that left says nothing about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy import contract as c
from proxy.protocol.limits import read_limits
from proxy.protocol.outcome import Outcome


@dataclass(slots=True)
class Health:
    """The state of one provider."""

    state: c.HealthState = "unused"
    text: str | None = None
    retry_at: float | None = None
    limits: tuple[c.Limit, ...] = ()
    served: int = 0

    def note(self, provider: str, outcome: Outcome, headers: Mapping[str, str], now: float) -> None:
        """Take in how an attempt ended; ``headers`` are the answer's, names in lower case."""
        if limits := read_limits(headers):
            self.limits = limits
        state = outcome.row.health
        if state is None:
            return
        self.state = state
        if state == "ok":
            self.served += 1
            self.text, self.retry_at = None, None
        else:
            self.text = outcome.sentence(provider)
            self.retry_at = now + outcome.retry_after_s if outcome.retry_after_s else None

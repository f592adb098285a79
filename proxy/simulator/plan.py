"""How a simulated provider behaves, and which request meets which fault. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HOST_SUFFIX = ".simulator.invalid"
"""``http://NAME.simulator.invalid`` reaches the plan NAME; the top-level domain never resolves."""

Fault = Literal["overloaded", "rate-limit", "slow", "break", "refused", "first-event-error", "server-error"]
"""529 · 429 with ``retry-after`` · a first event after ``slow_s`` · the connection lost in mid-stream · 401 ·
200 with an error as first event · 500."""


@dataclass(frozen=True, slots=True)
class SimulatorPlan:
    """The behaviour of one simulated provider."""

    faults: Mapping[Fault, float] = field(default_factory=dict)
    """Share of requests (0 to 1) that meet a fault; the shares add up."""
    first_event_s: float = 0.6
    tokens_per_s: float = 70.0
    outage_every_s: float | None = None
    """Period of the outages, measured from the start of the transport; None: none."""
    outage_for_s: float = 0.0
    """Each period ends with an outage of this length."""
    outage_fault: Fault = "overloaded"
    """What every request meets in an outage."""
    seed: int | None = None
    """The same seed meets the same faults in the same order; None: another order at each start."""
    models: tuple[str, ...] = ()
    """The ids that it lists and knows; empty: Claude's, and any other id that begins with ``claude``."""
    slow_s: float = 20.0
    """How long a ``slow`` request waits for its first event."""

    def in_outage(self, elapsed_s: float) -> bool:
        if self.outage_every_s is None:
            return False
        return elapsed_s % self.outage_every_s >= self.outage_every_s - self.outage_for_s

    def fault(self, elapsed_s: float, draw: float) -> Fault | None:
        """What befalls a request at ``elapsed_s``; ``draw`` is even in 0 to 1 and decides among the shares."""
        if self.in_outage(elapsed_s):
            return self.outage_fault
        for fault, rate in self.faults.items():
            if draw < rate:
                return fault
            draw -= rate
        return None


def draw(*parts: object) -> float:
    """A number even in 0 to 1 that depends on ``parts`` alone."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64

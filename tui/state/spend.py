"""What the spend screen asks for and where it is in the sums: period, grouping, and the groups that were opened.

A view is a value; moving makes another one. The wording is ``spend_lines``'s.
"""

from dataclasses import dataclass, replace

from proxy.contract import Choice, UsageGroup
from tui.state.periods import PERIODS, Period, since, span_of

GROUPS: tuple[UsageGroup, ...] = (
    *("model", "provider", "project", "session", "role", "agent"),
    *("hour", "day", "week", "month", "hour_of_day"),
)
TIMES: tuple[UsageGroup, ...] = ("hour", "day", "week", "month", "hour_of_day")

INSIDE: dict[UsageGroup, tuple[UsageGroup, ...]] = {
    "month": ("day",),
    "week": ("day",),
    "day": ("hour",),
    "hour": (),
    "hour_of_day": (),
    "project": ("session",),
    "provider": ("model",),
    "model": ("project", "session"),
    "role": ("session",),
    "session": ("model",),
    "agent": ("model",),
}
"""What an opened group is shown by, the first of them that is not chosen yet; without any, its requests are."""


@dataclass(frozen=True, slots=True)
class Step:
    """A group that was opened."""

    group: UsageGroup
    key: str


@dataclass(frozen=True, slots=True)
class SpendView:
    """Which sums are shown."""

    period: Period = "today"
    group: UsageGroup = "model"
    steps: tuple[Step, ...] = ()

    def choice(self, now: float) -> Choice:
        """The requests that are summed."""
        begin = since(self.period, now)
        end = None
        named: dict[str, str] = {}
        for step in self.steps:
            if (span := span_of(step.group, step.key)) is not None:
                begin = max(begin or 0.0, span[0])
                end = min(end or span[1], span[1])
            elif step.group not in TIMES:
                named[step.group] = step.key
        return Choice(since=begin, until=end, **named)  # type: ignore[arg-type]

    def next_group(self, by: int) -> "SpendView":
        """By the next of the groupings that the opened groups leave open."""
        open_ones = [group for group in GROUPS if group == self.group or not self._settled(group)]
        place = open_ones.index(self.group) + by
        return replace(self, group=open_ones[place % len(open_ones)])

    def next_period(self, by: int) -> "SpendView":
        return self.over(PERIODS[(PERIODS.index(self.period) + by) % len(PERIODS)])

    def over(self, period: Period) -> "SpendView":
        return replace(self, period=period)

    def grouped(self, group: UsageGroup) -> "SpendView":
        return replace(self, group=group)

    def opened(self, key: str) -> "SpendView":
        """Inside the group ``key``; by the same grouping where only the requests themselves are left to show."""
        steps = (*self.steps, Step(self.group, key))
        return SpendView(self.period, self.inside() or self.group, steps)

    def inside(self) -> UsageGroup | None:
        """What an opened group is shown by; None: its requests are shown."""
        return next((group for group in INSIDE[self.group] if not self._settled(group)), None)

    def can_open(self, key: str) -> bool:
        """The requests of the group ``key`` can be chosen; those of one hour of many days cannot."""
        return self.group not in TIMES or span_of(self.group, key) is not None

    def up(self) -> "SpendView | None":
        """Where the last group was opened; None: nothing is open."""
        if not self.steps:
            return None
        return SpendView(self.period, self.steps[-1].group, self.steps[:-1])

    def timeless(self) -> "SpendView":
        """The same over all time, without the times that were opened."""
        return SpendView("all", self.group, tuple(step for step in self.steps if step.group not in TIMES))

    def on(self, day: str) -> "SpendView":
        """Inside one day (ISO date), whenever it was."""
        return self.timeless().grouped("day").opened(day)

    def _settled(self, group: UsageGroup) -> bool:
        """The opened groups leave only one key of ``group``."""
        chosen = {step.group for step in self.steps}
        return group in chosen or (group == "project" and "session" in chosen)

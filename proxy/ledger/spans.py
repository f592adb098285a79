"""A span of time, cut into what the ledger has sums for: whole days and quarters of UTC, and rows at its ends. Pure."""

from dataclasses import dataclass

from proxy.ledger.rollups import DAY_S, QUARTER_S, QUARTERS_OF_DAY

FOREVER = DAY_S * 2**30
"""Seconds; no request begins later."""

Slots = tuple[int, int]
"""From the first number to before the second."""


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` to before ``until``, Unix seconds."""

    since: float
    until: float

    @property
    def empty(self) -> bool:
        return self.since >= self.until


@dataclass(frozen=True, slots=True)
class Cut:
    """Parts that cover a span, each moment once; none of them is empty."""

    rows: tuple[Span, ...]
    quarters: tuple[Slots, ...]
    days: tuple[Slots, ...]


def span(since: float | None, until: float | None) -> Span:
    """A choice's borders as a span; None is open."""
    return Span(*(min(max(moment, 0), FOREVER) for moment in (since or 0, FOREVER if until is None else until)))


def cut(whole: Span, rows_since: int, *, days: bool) -> Cut:
    """``whole`` in parts: rows only where no whole quarter fits, days only where they are wanted.

    Before ``rows_since`` (Unix seconds, a midnight of UTC) rows were removed: there a quarter counts wholly in which
    a border lies.
    """
    rows, (first, last) = _parts(_widened(whole, rows_since, QUARTER_S), QUARTER_S)
    first_day, last_day = -(-first // QUARTERS_OF_DAY), last // QUARTERS_OF_DAY
    if not days or first_day >= last_day:
        return Cut(rows, _slots((first, last)), ())
    quarters = _slots((first, first_day * QUARTERS_OF_DAY), (last_day * QUARTERS_OF_DAY, last))
    return Cut(rows, quarters, ((first_day, last_day),))


def cut_days(whole: Span, rows_since: int) -> Cut:
    """``whole`` in days and rows alone. Before ``rows_since`` a day counts wholly in which a border lies."""
    rows, days = _parts(_widened(whole, rows_since, DAY_S), DAY_S)
    return Cut(rows, (), _slots(days))


def _parts(whole: Span, grain_s: int) -> tuple[tuple[Span, ...], Slots]:
    """The ends of ``whole`` and the slots between them."""
    first, last = _up(whole.since, grain_s), _down(whole.until, grain_s)
    if first > last:
        return tuple(each for each in (whole,) if not each.empty), (0, 0)
    ends = (Span(whole.since, first * grain_s), Span(last * grain_s, whole.until))
    return tuple(each for each in ends if not each.empty), (first, last)


def _widened(whole: Span, rows_since: int, grain_s: int) -> Span:
    since = _down(whole.since, grain_s) * grain_s if whole.since < rows_since else whole.since
    until = _up(whole.until, grain_s) * grain_s if whole.until < rows_since else whole.until
    return whole if whole.empty else Span(since, until)


def _down(moment: float, grain_s: int) -> int:
    return int(moment) // grain_s


def _up(moment: float, grain_s: int) -> int:
    slot = int(moment) // grain_s
    return slot if slot * grain_s == moment else slot + 1


def _slots(*pairs: Slots) -> tuple[Slots, ...]:
    return tuple(pair for pair in pairs if pair[0] < pair[1])

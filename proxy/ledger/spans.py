"""A span of time, cut into what the ledger has sums for, slots of two lengths, and into rows at its ends. Pure."""

from dataclasses import dataclass

FOREVER = 24 * 3600 * 2**30
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
    fine: tuple[Slots, ...] = ()
    coarse: tuple[Slots, ...] = ()


def span(since: float | None, until: float | None) -> Span:
    """A choice's borders as a span; None is open."""
    return Span(*(min(max(moment, 0), FOREVER) for moment in (since or 0, FOREVER if until is None else until)))


def cut(whole: Span, rows_since: int, fine_s: int, coarse_s: int | None = None) -> Cut:
    """``whole`` in slots of ``fine_s`` and of ``coarse_s``, a multiple of that, and rows where no whole slot fits.

    Before ``rows_since`` (Unix seconds, a midnight of UTC) rows were removed: there a fine slot counts wholly in which
    a border lies.
    """
    rows, (first, last) = _parts(widened(whole, rows_since, fine_s), fine_s)
    ratio = coarse_s // fine_s if coarse_s else FOREVER
    first_coarse, last_coarse = -(-first // ratio), last // ratio
    if first_coarse >= last_coarse:
        return Cut(rows, _slots((first, last)))
    fine = _slots((first, first_coarse * ratio), (last_coarse * ratio, last))
    return Cut(rows, fine, ((first_coarse, last_coarse),))


def _parts(whole: Span, grain_s: int) -> tuple[tuple[Span, ...], Slots]:
    """The ends of ``whole`` and the slots between them."""
    first, last = _up(whole.since, grain_s), _down(whole.until, grain_s)
    if first > last:
        return tuple(each for each in (whole,) if not each.empty), (0, 0)
    ends = (Span(whole.since, first * grain_s), Span(last * grain_s, whole.until))
    return tuple(each for each in ends if not each.empty), (first, last)


def widened(whole: Span, rows_since: int, grain_s: int) -> Span:
    """``whole`` with its borders before ``rows_since`` moved out to where a slot of ``grain_s`` begins or ends."""
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

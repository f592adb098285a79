"""A span of time is cut so that each moment is in one part, and that rows are read only where no slot fits."""

from hypothesis import given
from hypothesis import strategies as some

from proxy.ledger.spans import FOREVER, Cut, Span, cut, span

FINE_S, COARSE_S = 900, 86400
MOMENTS = some.one_of(
    some.floats(0, 10 * COARSE_S),
    some.integers(0, 10 * 96).map(lambda quarter: float(quarter * FINE_S)),
)
BORDERS = some.one_of(some.none(), MOMENTS)


def parts_with(parts: Cut, moment: float) -> int:
    inside = [each.since <= moment < each.until for each in parts.rows]
    for slots, length in ((parts.fine, FINE_S), (parts.coarse, COARSE_S)):
        inside += [first <= int(moment) // length < last for first, last in slots]
    return sum(inside)


@given(since=BORDERS, until=BORDERS, moment=MOMENTS)
def test_each_moment_of_a_span_is_in_one_part_and_no_other_is_in_any(
    since: float | None, until: float | None, moment: float
) -> None:
    whole = span(since, until)
    parts = cut(whole, 0, FINE_S, COARSE_S)
    assert parts_with(parts, moment) == (whole.since <= moment < whole.until)


@given(since=BORDERS, until=BORDERS)
def test_rows_are_read_for_less_than_two_quarters(since: float | None, until: float | None) -> None:
    parts = cut(span(since, until), 0, FINE_S, COARSE_S)
    assert sum(each.until - each.since for each in parts.rows) < 2 * FINE_S
    assert all(first < last for first, last in (*parts.fine, *parts.coarse))


@given(since=BORDERS, until=BORDERS)
def test_no_rows_are_read_that_were_removed(since: float | None, until: float | None) -> None:
    parts = cut(span(since, until), 5 * COARSE_S, FINE_S, COARSE_S)
    assert all(each.since >= 5 * COARSE_S for each in parts.rows)


def test_an_open_span_needs_no_rows() -> None:
    assert cut(span(None, None), 0, FINE_S, COARSE_S) == Cut((), (), ((0, FOREVER // COARSE_S),))


def test_a_span_within_a_quarter_is_read_from_rows_alone() -> None:
    assert cut(Span(10.0, 20.0), 0, FINE_S, COARSE_S) == Cut((Span(10.0, 20.0),))

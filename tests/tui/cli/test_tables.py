"""Tables and points in time as people read and write them."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import InZone
from tui.cli.since import parse_since
from tui.cli.tables import Column, table

COLUMNS = (Column("name", shrinks=True), Column("note", drop=1), Column("number", numeric=True))
ROWS = [("short", "first", "1"), ("a-rather-long-name-of-a-model", "second", "1,000")]
NOW = datetime(2026, 11, 8, 12, 30, tzinfo=UTC)


def test_numbers_align_at_the_right_and_texts_at_the_left() -> None:
    assert table(COLUMNS, ROWS, 99) == [
        "name                           note    number",
        "short                          first        1",
        "a-rather-long-name-of-a-model  second   1,000",
    ]


def test_a_narrow_terminal_cuts_long_cells_first() -> None:
    assert table(COLUMNS, ROWS, 34)[2] == "a-rather-long-nam…  second   1,000"


def test_a_very_narrow_terminal_drops_columns() -> None:
    assert table(COLUMNS, ROWS, 20)[2] == "a-rather-lo…   1,000"


def test_wide_characters_keep_the_columns_aligned() -> None:
    lines = table((Column("a"), Column("b")), [("日本", "x"), ("abcd", "y")], 80)
    assert lines[1:] == ["日本  x", "abcd  y"]


def test_escape_sequences_do_not_reach_the_terminal() -> None:
    assert table((Column("a"),), [("\x1b[31mred\x07\nline",)], 80)[1] == "red line"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("24h", NOW - timedelta(hours=24)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2w", NOW - timedelta(weeks=2)),
        ("today", NOW.replace(hour=0, minute=0)),
        ("2026-11-01T00:00:00+00:00", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_a_point_in_time_is_read(in_zone: InZone, text: str, expected: datetime) -> None:
    in_zone("UTC")
    assert parse_since(text, NOW) == expected.timestamp()


def test_a_bare_date_is_local_midnight() -> None:
    assert parse_since("2026-11-01", NOW) == datetime(2026, 11, 1).astimezone().timestamp()


@pytest.mark.parametrize(
    ("text", "day"),
    [("yesterday", (2026, 11, 7)), ("week", (2026, 11, 2)), ("Month", (2026, 11, 1)), ("year", (2026, 1, 1))],
)
def test_a_calendar_word_is_the_local_midnight_with_which_it_begins(text: str, day: tuple[int, int, int]) -> None:
    assert parse_since(text, NOW) == datetime(*day).astimezone().timestamp()


@pytest.mark.parametrize(
    ("now", "utc"),
    [
        ("2026-03-29T10:00:00+02:00", "2026-03-28T23:00:00+00:00"),
        ("2026-10-25T10:00:00+01:00", "2026-10-24T22:00:00+00:00"),
    ],
)
def test_today_begins_at_midnight_also_when_the_clocks_change(in_zone: InZone, now: str, utc: str) -> None:
    in_zone("Europe/Berlin")
    began = parse_since("today", datetime.fromisoformat(now).astimezone())
    assert began == datetime.fromisoformat(utc).timestamp()


@pytest.mark.parametrize("text", ["", "7", "d", "7y", "-1d", "2026-13-01"])
def test_what_is_no_point_in_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|month"):
        parse_since(text, NOW)

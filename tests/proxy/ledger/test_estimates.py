"""Requests whose counts are estimates are counted exactly, also where their rows were removed."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from proxy import contract as c
from proxy.ledger.queries import LedgerReader
from proxy.ledger.retention import remove_old
from tests.proxy.ledger.filled import filled_ledger
from tests.proxy.ledger.generated import BEGIN, KEYS, requests

DAY_S = 86_400
ROWS = [
    msgspec.structs.replace(each, usage_estimated=number % 3 == 0)
    for number, each in enumerate(requests(seed=5, count=3000, days=12))
]
CHOICES = (
    c.Choice(),
    c.Choice(session="s-1"),
    c.Choice(session=""),
    c.Choice(agent="a-1", model="gpt-5.5"),
    c.Choice(agent=""),
    c.Choice(project="shop", provider="first", role="main"),
    c.Choice(since=BEGIN + 2.25 * DAY_S, until=BEGIN + 3.5 * DAY_S),
    c.Choice(since=BEGIN + 4 * DAY_S, until=BEGIN + 9 * DAY_S, session="s-2"),
    c.Choice(since=BEGIN + 8 * DAY_S),
)


@dataclass(frozen=True)
class Kept:
    reader: LedgerReader
    rows: int


@pytest.fixture(params=[None, 7, 1])
def kept(tmp_path: Path, request: pytest.FixtureRequest) -> Kept:
    """A ledger with all rows, with those of a week, with those of the last day."""
    file = tmp_path / "ledger.sqlite3"
    connection = filled_ledger(file, ROWS)
    while request.param is not None and remove_old(connection, request.param, BEGIN + 12 * DAY_S):
        pass
    connection.close()
    reader = LedgerReader(file)
    return Kept(reader, len(reader.since(0)))


def estimated(choice: c.Choice) -> int:
    named = {name: text for name in KEYS if (text := getattr(choice, name, None)) is not None}
    return sum(
        each.usage_estimated
        and each.kind == "messages"
        and (choice.since or 0) <= each.started_at < (choice.until or float("inf"))
        and all(KEYS[name](each) == text for name, text in named.items())
        for each in ROWS
    )


@pytest.mark.parametrize("choice", CHOICES)
def test_removed_rows_are_counted_as_if_they_were_there(kept: Kept, choice: c.Choice) -> None:
    assert estimated(choice) > 0
    assert kept.reader.usage(choice, "day").estimated_requests == estimated(choice)


def test_where_rows_were_removed_a_quarter_counts_wholly_in_which_a_border_lies(kept: Kept) -> None:
    whole = c.Choice(since=BEGIN, until=BEGIN + 3 * DAY_S)
    within = c.Choice(since=BEGIN + 890, until=BEGIN + 3 * DAY_S - 890)
    assert estimated(whole) > estimated(within)
    expected = estimated(whole if kept.rows < len(ROWS) else within)
    assert kept.reader.usage(within, "day").estimated_requests == expected

"""What the ledger tells for a comparison of prices."""

from pathlib import Path

import pytest

from proxy import contract as c
from proxy.ledger import portions as module
from proxy.ledger.portions import PortionLedger
from proxy.ledger.writer import LedgerWriter
from tests.proxy.ledger.rows import NOON, ended


def prompt(number: int, tokens: int, **fields: object) -> c.Request:
    return ended(number, usage=c.Usage(input_tokens=tokens - 10, cache_read_tokens=10, output_tokens=1), **fields)


def filled(ledger: LedgerWriter, file: Path, *requests: c.Request) -> PortionLedger:
    for request in requests:
        ledger.record(request)
    assert ledger.flush()
    return PortionLedger(file)


def test_prompts_with_a_step_between_them_are_summed_apart(ledger: LedgerWriter, file: Path) -> None:
    reader = filled(ledger, file, prompt(1, 100), prompt(2, 200), prompt(3, 201), prompt(4, 900), prompt(5, 1001))
    found = reader.portions(c.Choice(), (200, 1000))
    assert [(each.requests, each.longest, each.usage.prompt_tokens) for each in found] == [
        (2, 200, 300),
        (2, 900, 1101),
        (1, 1001, 1001),
    ]


def test_without_steps_there_is_one_portion_for_each_that_served(ledger: LedgerWriter, file: Path) -> None:
    reader = filled(
        ledger, file, prompt(1, 100), prompt(2, 90_000), prompt(3, 5, served_model=None, target_model="other")
    )
    found = reader.portions(c.Choice(), ())
    assert [(each.provider, each.model, each.requests) for each in found] == [
        ("first", "claude-opus-4-8", 2),
        ("first", "other", 1),
    ]


def test_a_call_of_a_tool_is_told(ledger: LedgerWriter, file: Path) -> None:
    reader = filled(ledger, file, prompt(1, 100, stop_reason="tool_use"), prompt(2, 100, served_model="quiet"))
    assert {each.model: each.tools for each in reader.portions(c.Choice(), ())} == {
        "claude-opus-4-8": True,
        "quiet": False,
    }


@pytest.mark.parametrize(
    "choice",
    [
        c.Choice(since=NOON + 2),
        c.Choice(until=NOON + 2),
        c.Choice(project="shop"),
        c.Choice(project=""),
        c.Choice(provider="first"),
        c.Choice(model="claude-opus-4-8"),
        c.Choice(session="s-1"),
        c.Choice(agent=""),
        c.Choice(role="background"),
        c.Choice(session="nobody"),
    ],
    ids=str,
)
def test_portions_and_sums_choose_the_same_requests(ledger: LedgerWriter, file: Path, choice: c.Choice) -> None:
    reader = filled(
        ledger,
        file,
        prompt(1, 100),
        prompt(2, 150, project=None, agent_id=None, role="background"),
        prompt(3, 300, provider="second", served_model="other", session_id="s-2"),
        ended(4, kind="count_tokens"),
    )
    found = reader.portions(choice, (120,))
    total = reader.usage(choice, "model").total
    assert sum(each.requests for each in found) == total.requests
    assert sum((each.usage for each in found), c.Usage()) == total.usage


def test_of_too_many_rows_nothing_is_read(ledger: LedgerWriter, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = filled(ledger, file, prompt(1, 100), prompt(2, 100), prompt(3, 100))
    monkeypatch.setattr(module, "ROWS_MAX", 2)
    assert reader.portions(c.Choice(), ()) == []
    assert len(reader.portions(c.Choice(until=NOON + 3), ())) == 1


def test_a_missing_file_reads_as_empty(tmp_path: Path) -> None:
    assert PortionLedger(tmp_path / "none").portions(c.Choice(), (1,)) == []

"""What commands print for people, without an engine."""

import msgspec

from tests.tui.scenes import DOLLAR, NOW, blank, live, served
from tui.cli import text_output


def test_the_limit_of_a_budget_is_told_as_it_was_set() -> None:
    scene = blank()
    scene.day_budget_nano_usd = DOLLAR // 2
    lines = text_output.status(scene.snapshot("http://127.0.0.1:1"), NOW)
    assert any(line.endswith("day budget: $0.00 of $0.50") for line in lines)


def test_only_of_an_answer_that_ended_is_a_count_an_estimate_for_good() -> None:
    ended = msgspec.structs.replace(served(1, 9), usage_estimated=True)
    rows = text_output.requests([live(2, 1), ended, served(3, 9)], NOW, 160)[1:]
    assert [("~" in row, "212" in row) for row in rows] == [(False, True), (True, False), (False, False)]

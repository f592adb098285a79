"""`cctui budget`: what it shows, what it tells the engine, what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from proxy import contract as c
from tests.tui.cli.conftest import StartStub
from tui.cli import budget_output, cctui

Run = Callable[..., Result]
DOLLAR = 10**9

REPORT = c.BudgetReport(
    action="block",
    session="5e551011-0000",
    budgets=(
        c.Budget(kind="session", name="5e551011-0000", limit_nano_usd=12 * DOLLAR, granted_nano_usd=2 * DOLLAR,
                 spent_nano_usd=9 * DOLLAR, in_flight_nano_usd=500_000_000),
        c.Budget(kind="day", name="2026-11-21", limit_nano_usd=20 * DOLLAR, spent_nano_usd=25 * DOLLAR,
                 unpriced_requests=3),
        c.Budget(kind="month", name="2026-11"),
    ),
)  # fmt: skip


@pytest.fixture
def run(home: Path, start_stub: StartStub) -> Run:
    """Runs ``cctui`` against a stub engine."""

    def invoke(*arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "80"}).invoke(cctui, arguments, prog_name="cctui")

    assert home
    start_stub()
    return invoke


def test_each_budget_has_a_line_with_what_is_left() -> None:
    lines = budget_output.as_lines(REPORT, 100)
    assert lines[1].split() == ["session", "5e551011", "$9.00", "$12.00", "75%", "$3.00", "$2.00", "$0.5000"]
    assert lines[2].split() == ["day", "2026-11-21", "$25.00", "+", "?", "$20.00", "≥125%", "$0.00"]
    assert lines[3].split() == ["month", "2026-11", "$0.00", "none"]


def test_what_follows_and_what_is_in_no_sum_is_said() -> None:
    lines = budget_output.as_lines(REPORT, 100)
    assert "A request over budget is refused." in lines
    assert lines[-1] == "3 requests cost something that nobody could tell; they are in no sum."
    one = c.Budget(kind="day", name="2026-11-21", limit_nano_usd=DOLLAR, unpriced_requests=1)
    last = budget_output.as_lines(c.BudgetReport(action="block", budgets=(one,)), 100)[-1]
    assert last == "1 request cost something that nobody could tell; it is in no sum."


def test_a_share_of_which_a_part_is_not_known_is_the_least_it_can_be() -> None:
    assert budget_output.as_lines(REPORT, 100)[2].split()[-2] == "≥125%"
    unknown = c.Budget(kind="day", name="2026-11-21", limit_nano_usd=20 * DOLLAR, unpriced_requests=3)
    row = budget_output.as_lines(c.BudgetReport(action="block", budgets=(unknown,)), 100)[1]
    assert row.split() == ["day", "2026-11-21", "?", "$20.00", "?", "≤$20.00"]


def test_without_a_budget_the_way_to_one_is_said() -> None:
    bare = c.BudgetReport(action="block", budgets=(c.Budget(kind="day", name="2026-11-21"),))
    way = "`cctui budget set day 20` sets one."
    assert budget_output.as_lines(bare, 80)[-1] == f"No budget is set for a day or a month. {way}"
    of_session = msgspec.structs.replace(bare, session="5e551011-0000")
    assert budget_output.as_lines(of_session, 80)[-1] == f"No budget is set. {way}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("session", "5"), "Each session may cost $5.00 from now on."),
        (("project", "5"), "Each project may cost $5.00 from now on."),
        (("project", "5", "--project", "shop"), "Project shop may cost $5.00 from now on."),
        (("day", "off"), "Each day may cost as much as it likes from now on."),
        (("month", "default"), "Each month may cost what the settings file says."),
    ],
)
def test_what_was_set_is_said_where_no_line_of_the_table_shows_it(
    run: Run, arguments: tuple[str, ...], words: str
) -> None:
    told = run("budget", "set", *arguments).stdout
    assert words in told.splitlines()
    assert "No budget is set" not in told


def test_json_has_dollars_and_null_where_there_is_no_limit() -> None:
    shown = budget_output.as_json(REPORT)
    month = shown["budgets"][2]  # type: ignore[index]
    assert (month["limit_usd"], month["left_usd"], month["spent_usd"]) == (None, None, 0.0)


def test_the_engine_is_asked_and_its_answer_printed(run: Run) -> None:
    answer = run("budget", "--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["budgets"][0]["kind"] == "day"


@pytest.mark.parametrize(
    ("arguments", "limit"),
    [
        (("set", "day", "20"), "$20.00"),
        (("set", "day", "$0.5"), "$0.50"),
        (("set", "day", "off"), "none"),
        (("set", "project", "3", "--project", "shop"), "$3.00"),
        (("grant", "day", "5"), "$5.00"),
    ],
)
def test_amounts_reach_the_engine_to_the_nano_dollar(run: Run, arguments: tuple[str, ...], limit: str) -> None:
    answer = run("budget", *arguments)
    assert answer.exit_code == 0, answer.output
    assert limit in answer.stdout.splitlines()[1].split()


def test_a_session_that_passes_is_named(run: Run) -> None:
    assert "Session 5e551011 passes every budget." in run("budget", "pass", "--session", "5e551011").stdout
    assert "passes" not in run("budget", "pass", "--session", "5e551011", "--off").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "week", "5"),
        ("set", "day", "-5"),
        ("set", "day", "0"),
        ("set", "day", "nan"),
        ("set", "day", "much"),
        ("set", "day", "5", "--project", "shop"),
        ("grant", "session", "off"),
    ],
)
def test_what_is_no_budget_or_no_amount_is_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("budget", "--", *arguments).exit_code == 2

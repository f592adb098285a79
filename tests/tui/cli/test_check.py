"""``cctui check`` against a stub engine that plays a check, and its words."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from proxy import contract as c
from proxy.checkup.probes import PROBES
from tests.tui.cli import canned
from tests.tui.cli.conftest import StartStub
from tests.tui.fake_engine import FakeEngine
from tui.cli import cctui
from tui.cli.check import followed
from tui.cli.check_output import PointTable, is_good
from tui.client import Door
from tui.state.text import cells

Run = Callable[..., Result]


@pytest.fixture
def run(home: Path, start_stub: StartStub) -> Run:
    """Runs ``cctui check`` with the arguments, on a terminal of 100 columns."""
    start_stub()

    def invoke(*arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "100"}).invoke(cctui, ["check", *arguments], prog_name="cctui")

    assert home
    return invoke


def test_without_a_terminal_nothing_is_spent_unless_it_is_said(run: Run) -> None:
    answer = run("openrouter")
    assert answer.exit_code == 2
    assert "about $0.2619, $0.9129 at most" in answer.stderr
    assert "--yes" in answer.stderr


def test_points_are_rows_of_a_table_then_comes_the_evidence(run: Run) -> None:
    answer = run("openrouter", "--yes")
    head, *rows = answer.stdout.splitlines()[:3]
    assert head.split() == ["point", "took", "cost", "what", "was", "seen"]
    assert [row.split()[0] for row in rows] == ["✓", "✗"]
    assert answer.stderr.splitlines() == ["openrouter/small: 2 points, 6 requests, about $0.2619, $0.9129 at most"]
    assert "✗ tool call: the call's arguments are no JSON object." in answer.stdout
    assert '    {"guest":' in answer.stdout
    assert answer.stdout.splitlines()[-1] == "✓ 1 passed   ✗ 1 failed   cost $0.0019, took 9.0s"
    assert answer.exit_code == 1


def test_beside_json_points_are_told_one_by_one(run: Run) -> None:
    answer = run("openrouter", "--yes", "--json")
    assert [line.split()[1] for line in answer.stderr.splitlines()[1:]] == ["1/2", "2/2"]


def test_what_works_exits_with_0(run: Run) -> None:
    assert run("openrouter", "--yes", "--only", "key").exit_code == 0


def test_json_has_every_point_with_its_evidence(run: Run) -> None:
    report = json.loads(run("openrouter", "--yes", "--json").stdout)
    assert (report["target"], report["ok"], report["cost_usd"]) == ("openrouter/small", False, 0.0019)
    assert [(each["name"], each["verdict"]) for each in report["points"]] == [("key", "pass"), ("tool", "fail")]
    assert report["points"][1]["evidence"] == '{"guest":'


def test_the_help_names_every_point() -> None:
    told = " ".join(CliRunner().invoke(cctui, ["check", "--help"]).stdout.split())
    names = told.partition("The points are ")[2].partition(".")[0].replace(" and ", ", ").split(", ")
    assert names == [probe.name for probe in PROBES]


async def test_a_check_that_is_broken_off_while_it_begins_is_stopped() -> None:
    async with FakeEngine() as engine, Door(*engine.address) as door:
        engine.check_plan = c.CheckReport(target="openrouter/small")
        engine.answers.clear()
        following = asyncio.create_task(followed(door, c.RunCheck(target="openrouter"), lambda report: report))
        await engine.told(c.RunCheck)
        following.cancel()
        engine.answers.set()
        report, stopped = await following
        assert await engine.told(c.StopCheck) == [c.StopCheck(target="openrouter/small")]
        assert (report.running, stopped) == (False, True)


POINTS = [
    c.CheckResult(name=title, title=title, verdict="skipped", text="not asked, for want of this: key")
    for title in ("model list", "streaming", "parallel tools", "image")
]


class TestTheTable:
    def rows(self, width: int, *results: c.CheckResult) -> list[str]:
        table = PointTable([*canned.CHECKED.results, *POINTS], width, simulated=False)
        return [table.head, *table.rows(results)]

    def test_sentences_are_wrapped_below_themselves_and_nothing_is_cut(self) -> None:
        text = "told in whole answers and streams: 40 in, 12 out"
        long = msgspec.structs.replace(canned.CHECKED.results[0], text=text)
        head, first, second = self.rows(72, long)
        assert second.startswith(" " * head.index("what was seen"))
        assert f"{first[head.index('what') :]} {second.strip()}" == text

    def test_what_was_left_out_for_one_reason_shares_a_row(self) -> None:
        assert [row.split()[:3] for row in self.rows(80, *POINTS)[1:]] == [["–", "4", "others"]]
        assert len(self.rows(80, *POINTS[:2])) == 3

    @pytest.mark.parametrize("width", range(44, 120))
    def test_rows_are_no_wider_than_the_terminal(self, width: int) -> None:
        rows = self.rows(width, *canned.CHECKED.results, *POINTS[:2])
        assert max(map(cells, rows)) <= width
        assert ("cost" in rows[0]) == (width >= 61)


def test_what_is_tried_stands_below_the_rows() -> None:
    half = [canned.CHECKED.results[0], msgspec.structs.replace(POINTS[2], verdict=None, running=True)]
    report = msgspec.structs.replace(canned.CHECKED, results=tuple(half), running=True)
    told = PointTable(half, 80, simulated=False).running(report, canned.STARTED_AT + 4)
    assert told == "…  parallel tools  1 of 2, 4.0s, $0.0005 so far"


def test_a_check_in_which_nothing_could_be_tried_is_not_good() -> None:
    skipped = tuple(msgspec.structs.replace(each, verdict="skipped") for each in canned.CHECKED.results)
    assert not is_good(msgspec.structs.replace(canned.CHECKED, results=skipped))

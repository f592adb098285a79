"""``cctui check`` against a stub engine that plays a check, and its words."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from proxy.checkup.probes import PROBES
from tests.tui.cli import canned
from tests.tui.cli.conftest import StartStub
from tui.cli import cctui
from tui.cli.check_output import is_good

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


def test_points_are_told_one_by_one_then_as_a_table(run: Run) -> None:
    answer = run("openrouter", "--yes")
    assert [line.split()[1] for line in answer.stderr.splitlines()[1:]] == ["1/2", "2/2"]
    assert [line.split()[0] for line in answer.stdout.splitlines()[1:3]] == ["✓", "✗"]
    assert "✗ tool call: the call's arguments are no JSON object." in answer.stdout
    assert '    {"guest":' in answer.stdout
    assert answer.stdout.splitlines()[-1] == "✓ 1 passed   ✗ 1 failed   cost $0.0019"
    assert answer.exit_code == 1


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


def test_a_check_in_which_nothing_could_be_tried_is_not_good() -> None:
    skipped = tuple(msgspec.structs.replace(each, verdict="skipped") for each in canned.CHECKED.results)
    assert not is_good(msgspec.structs.replace(canned.CHECKED, results=skipped))

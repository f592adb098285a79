"""``cctui whatif`` against a stub engine, and its words."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from proxy import contract as c
from proxy.paths import Paths
from tests.tui.cli import canned
from tests.tui.cli.conftest import StartStub
from tui.cli import cctui
from tui.cli.whatif_output import what_if

Run = Callable[..., Result]


@pytest.fixture
def run(home: Path) -> Run:
    """Runs ``cctui whatif`` with the arguments, on a terminal of 100 columns."""

    def invoke(*arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "100"}).invoke(cctui, ["whatif", *arguments], prog_name="cctui")

    assert home
    return invoke


class TestWithAnEngine:
    @pytest.fixture(autouse=True)
    def engine(self, start_stub: StartStub) -> None:
        start_stub()

    def test_the_cheapest_comes_first_beside_what_it_did_cost(self, run: Run) -> None:
        lines = run().stdout.splitlines()
        assert lines[0] == "session 5e551011-0000"
        assert lines[1].startswith("cost  $0.0174 and ~$0.0050")
        small, opus, mystery = (next(line for line in lines if name in line) for name in ("small", "opus", "mystery"))
        assert small.split()[2:5] == ["$0.0050", "0.2×", "differ"]
        assert opus.split()[2:5] == ["$0.0200", "1.0×", "same"]
        assert mystery.split()[2] == "?"

    def test_a_limit_says_how_many_are_left_out(self, run: Run) -> None:
        answer = run("--limit", "1").stdout
        assert "mystery" not in answer
        assert "2 dearer ones are left out" in answer

    def test_json_has_dollars_and_null_for_what_is_not_known(self, run: Run) -> None:
        report = json.loads(run("--json").stdout)
        assert (report["list_usd"], report["longest_prompt"], report["rough"]) == (0.02, 21_700, False)
        assert report["choice"]["session"] == "5e551011-0000"
        assert [row["would_usd"] for row in report["rows"]] == [0.005, 0.02, None]
        assert report["rows"][0]["misfit"].startswith("a prompt of 21,700 tokens")


@pytest.mark.parametrize(
    "arguments", [("--role", "nobody"), ("--since", "yesterday-ish"), ("--limit", "0"), ("--by", "model")]
)
def test_a_wrong_call_exits_with_2_before_any_engine_starts(run: Run, paths: Paths, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
    assert not paths.runtime_dir.exists()


def test_sums_without_detail_say_so() -> None:
    rough = msgspec.structs.replace(canned.WHAT_IF, rough=True, longest_prompt=0)
    assert "only sums are kept" in what_if(rough, 40, 100)[-1]


def test_nothing_asked_is_said() -> None:
    assert what_if(c.WhatIf(total=c.Tally()), 40, 100) == [
        "No request was chosen; `cctui usage --by day` tells when there was something."
    ]


def test_a_choice_by_time_is_told_in_words() -> None:
    chosen = msgspec.structs.replace(canned.WHAT_IF, choice=c.Choice(since=0.0, project=""))
    assert what_if(chosen, 40, 100)[0] == "since 1970-01-01T00:00:00.000Z, project none"

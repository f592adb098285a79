"""`cctui context` and `cctui cache`: what they print for people and for scripts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy import contract as c
from tests.tui.cli import canned
from tests.tui.cli.conftest import StartStub
from tui.cli import cctui, prompts_output
from tui.state.cachehealth import NO_BREAK
from tui.state.context import ESTIMATED, NOT_KEPT

Run = Callable[..., Result]
NOW = canned.STARTED_AT + 60


@pytest.fixture
def run(home: Path, start_stub: StartStub) -> Run:
    """Runs ``cctui`` against a stub engine."""

    def invoke(*arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "100"}).invoke(cctui, arguments, prog_name="cctui")

    assert home
    start_stub()
    return invoke


def test_the_window_is_told_with_its_parts_and_its_biggest_pieces(run: Run) -> None:
    text = run("context", "5e551011").output
    assert "50,000 tokens of 200,000, 25% full, anthropic/claude-opus-4.8" in text
    assert "mcp github" in text
    assert "Read src/big.json" in text
    assert "\x1b" not in text


def test_the_windows_json_has_every_part(run: Run) -> None:
    shown = json.loads(run("context", "--json").output)
    assert (shown["tokens"], shown["window"], shown["counted"]) == (50_000, 200_000, True)
    assert shown["parts"][1] == {"kind": "tool_results", "name": "tool_results", "tokens": 30_000, "count": 2}


def test_the_cache_is_told_with_its_money_and_its_breaks(run: Run) -> None:
    text = run("cache").output
    assert "92% of 21,700 prompt tokens" in text
    assert "$0.0900 and ~$0.0010" in text
    assert "tool Bash changed" in text
    assert "lost       ?" in text


def test_the_caches_json_has_null_where_no_price_is_known(run: Run) -> None:
    shown = json.loads(run("cache", "--json").output)
    assert (shown["saved_usd"], shown["simulated_saved_usd"], shown["lost_usd"]) == (0.09, 0.001, None)
    assert [each["reason"] for each in shown["breaks"]] == ["tool Bash changed", "message 12 edited"]
    assert (shown["breaks"][0]["lost_usd"], shown["breaks"][1]["lost_usd"]) == (None, 0.011)
    assert shown["cache_read_tokens"] == 20_000


def test_a_body_that_is_gone_leaves_the_whole() -> None:
    lines = prompts_output.context(c.ContextReport(tokens=5_000, window=200_000), 80)
    assert lines == ["5,000 tokens of 200,000, 2% full, ?", ESTIMATED, "", NOT_KEPT]


def test_an_unknown_window_is_not_made_up() -> None:
    assert prompts_output.context(c.ContextReport(tokens=5_000, model="mystery"), 80)[0] == "5,000 tokens, mystery"


def test_before_the_first_request_both_say_so() -> None:
    assert prompts_output.context(c.ContextReport(), 80) == ["Nothing was asked in this conversation yet."]
    assert prompts_output.cache(c.CacheReport(session_id="s"), NOW, 80) == ["Nothing was asked in this session yet."]


def test_a_cache_that_never_broke_says_so() -> None:
    whole = c.CacheReport(session_id="s", tally=canned.TALLY, saved_nano_usd=0, lost_nano_usd=0)
    assert prompts_output.cache(whole, NOW, 80)[-1] == NO_BREAK

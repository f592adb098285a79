"""Commands against a stub engine: what they print, where, and with which exit code."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from proxy import contract as c
from proxy.paths import Paths
from tests.tui.cli.conftest import StartStub
from tui import supervisor
from tui.cli import cctui, usage_output
from tui.cli.sessions import NO_TERMINAL

Run = Callable[..., Result]


@pytest.fixture
def run(home: Path) -> Run:
    """Runs ``cctui`` with the arguments, on a terminal of 80 columns."""

    def invoke(*arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "80"}).invoke(cctui, arguments, prog_name="cctui")

    assert home
    return invoke


@pytest.fixture
def engine(start_stub: StartStub) -> supervisor.RunningEngine:
    return start_stub()


@pytest.mark.usefixtures("engine")
class TestWithAnEngine:
    def test_status_says_where_requests_go_and_why_the_last_one_went_there(self, run: Run) -> None:
        answer = run("status")
        assert answer.exit_code == 0
        assert "as asked, anthropic" in answer.stdout
        assert "at openrouter, served as fallback, anthropic: overloaded" in answer.stdout
        assert "openrouter: 401: the key was refused" in answer.stdout

    def test_status_tells_the_budgets_as_the_engine_judges_by_them(self, run: Run) -> None:
        told = run("status").stdout
        assert "session budget: $0.0150 of $1.00, passes every budget" in told
        assert "budgets   day budget: $25.00 of $20.00" in told
        found = json.loads(run("status", "--json").stdout)["budgets"]
        assert [(one["kind"], one["limit_usd"], one["spent_usd"]) for one in found] == [
            ("session", 1.0, 0.015),
            ("day", 20.0, 25.0),
        ]

    def test_status_json_has_its_names(self, run: Run, engine: supervisor.RunningEngine) -> None:
        state = json.loads(run("status", "--json").stdout)
        assert {"pid", "port", "url", "version", "uptime_s", "rss_bytes"} <= state["engine"].keys()
        assert state["engine"]["pid"] == engine.pid
        assert engine.url.endswith(str(state["engine"]["port"]))
        assert state["fallback"] == {
            "enabled": True,
            "chain": ["openrouter/anthropic/claude-opus-4.8"],
            "slot_chains": {},
            "groups": {"cheap": ["openrouter", "anthropic"]},
        }
        assert [row["name"] for row in state["providers"]] == ["anthropic", "openrouter"]
        assert state["in_flight"] == 0
        assert state["sessions"][0]["project"] == "shop-api"

    def test_requests_json_has_its_names(self, run: Run) -> None:
        row, unpriced = json.loads(run("requests", "--json").stdout)
        assert row["started_at"] == "2023-11-14T22:13:20.250Z"
        assert row["cost_usd"] == 0.01736
        assert row["cost_source"] == "reported"
        assert [attempt["outcome"] for attempt in row["attempts"]] == ["overloaded", "served"]
        assert set(row["attempts"][0]) == {
            *("provider", "model", "status", "outcome", "reason", "duration_ms", "key", "changed", "unfit")
        }
        assert row["usage"] == {
            "input_tokens": 1200,
            "output_tokens": 340,
            "cache_read_tokens": 20_000,
            "cache_write_5m_tokens": 500,
            "cache_write_1h_tokens": 0,
        }
        assert unpriced["cost_usd"] is None
        assert row["passes"] == []

    def test_requests_fit_eighty_columns_and_carry_no_control_characters(self, run: Run) -> None:
        lines = run("requests").stdout.splitlines()
        assert max(map(len, lines)) <= 80
        assert "opus-4-8" in lines[1]
        assert "\x1b" not in "".join(lines)

    def test_an_unknown_cost_is_shown_as_unknown(self, run: Run) -> None:
        assert run("requests").stdout.splitlines()[2].endswith("?")

    def test_usage_json_keeps_simulated_money_apart(self, run: Run) -> None:
        report = json.loads(run("usage", "--json").stdout)
        assert report["total"]["cost_usd"] == 0.01736
        assert report["total"]["simulated_usd"] == 0.005
        assert report["total"]["unpriced_requests"] == 1
        assert report["rows"][0]["key"] == "claude-opus-4-8"
        assert report["rows"][0]["cache_read_tokens"] == 20_000

    def test_usage_csv_has_a_line_for_each_group(self, run: Run) -> None:
        rows = list(csv.DictReader(io.StringIO(run("usage", "--by", "model", "--csv").stdout)))
        assert [(row["key"], row["requests"], row["cost_usd"]) for row in rows] == [("claude-opus-4-8", "2", "0.01736")]

    def test_usage_csv_is_as_rfc_4180_says(self, run: Run) -> None:
        header, row, end = run("usage", "--csv").stdout_bytes.split(b"\r\n")
        assert header.startswith(b"key,requests,input_tokens,")
        assert (row.split(b",")[0], end) == (b"claude-opus-4-8", b"")

    def test_usage_tells_the_groups_that_are_not_listed_in_one_line(self) -> None:
        one, two = (c.Tally(requests=number, cost_nano_usd=number * 10**9) for number in (1, 2))
        whole = c.Tally(requests=3, cost_nano_usd=3 * 10**9)
        report = c.UsageReport(total=whole, rows=(c.UsageRow(key="s-2", tally=two),), others=one)
        lines = usage_output.usage(report, "session", 80)
        assert [line.split()[0] for line in lines[1:]] == ["s-2", "others", "total"]
        assert '"others": {"requests": 1' in json.dumps(usage_output.usage_json(report, "session"))

    def test_usage_by_sub_agent_has_names_beside_the_ids(self) -> None:
        one, key, name = c.Tally(requests=1, cost_nano_usd=10**9), "a0c4f1d2e3b4a5968", 'Explore "find it"'
        rows = (c.UsageRow(key=key, tally=one, name=name), c.UsageRow(key="a1d5", tally=one))
        report = c.UsageReport(total=one, rows=rows)
        lines = usage_output.usage(report, "agent", 80)
        assert lines[0].split()[:2] == ["agent", "name"]
        assert lines[1].startswith(f"{key}  {name}  ")
        assert lines[2].split()[:2] == ["a1d5", "1"]
        told = json.loads(json.dumps(usage_output.usage_json(report, "agent")))["rows"]
        assert [(row["key"], row["name"]) for row in told] == [(key, name), ("a1d5", None)]

    def test_usage_says_what_is_in_no_sum(self, run: Run) -> None:
        assert "1 of them cost something that nobody could tell" in run("usage", "--since", "7d").stdout

    def test_usage_says_what_is_estimated(self, run: Run) -> None:
        lines = run("usage").stdout.splitlines()
        assert lines[-1] == "1 of them broke off or did not tell their tokens: those are estimated (~)."
        assert any(line.startswith("total") and " ~" in line.partition("$")[0] for line in lines)
        assert json.loads(run("usage", "--json").stdout)["estimated_requests"] == 1

    def test_usage_has_columns_for_simulated_and_unpriced_where_there_are_any(self, run: Run) -> None:
        title, row, *_ = run("usage").stdout.splitlines()
        assert title.split()[-3:] == ["cost", "simulated", "unpriced"]
        assert row.split()[-5:] == ["$0.0174", "+", "?", "~$0.0050", "1"]

    def test_usage_json_tells_what_was_chosen(self, run: Run) -> None:
        report = json.loads(run("usage", "--by", "hour_of_day", "--json").stdout)
        assert report["by"] == "hour_of_day"
        assert set(report["choice"]) == {
            *("since", "until", "project", "provider", "model", "session", "agent", "role")
        }

    def test_latency_fits_eighty_columns(self, run: Run) -> None:
        title, row, bare = run("usage", "--latency").stdout.splitlines()
        assert " ".join(title.split()) == "model provider requests first p50 first p95 tokens/s p50 p5"
        assert row.split() == ["claude-opus-4-8", "openrouter", "1,200", "0.9s", "4.0s", "71", "12"]
        assert bare.split()[-2:] == ["?", "?"]

    def test_latency_comes_as_json_and_csv_too(self, run: Run) -> None:
        row, bare = json.loads(run("usage", "--latency", "--json").stdout)["rows"]
        lines = list(csv.DictReader(io.StringIO(run("usage", "--latency", "--csv").stdout)))
        assert (row["tokens_per_s_p50"], bare["tokens_per_s_p50"]) == (71.25, None)
        assert [(line["tokens_per_s_p50"], line["ttft_p50_ms"]) for line in lines] == [("71.25", "912.5"), ("", "80")]

    def test_reprice_asks_before_it_writes(self, run: Run) -> None:
        answer = run("reprice")
        assert answer.exit_code == 1
        assert "42 of 100 requests would have new costs." in answer.stdout
        assert "Write the new costs?" in answer.stderr
        assert re.search(r"mystery +team +2 +\? +\$0.5000 +\+\$0.5000 +unknown → sett", answer.stdout)
        assert re.search(r"claude-opus-4-8 +openrouter +40 +\$1.00 +\$3.00 +\+\$2.00", answer.stdout)

    def test_reprice_writes_when_told_so(self, run: Run) -> None:
        assert run("reprice", "--yes").stdout.endswith("42 requests have new costs.\n")
        assert json.loads(run("reprice", "--yes", "--json").stdout)["written"]
        assert not json.loads(run("reprice", "--dry-run", "--json").stdout)["written"]

    def test_reprice_says_when_nothing_changes_and_what_stays(self, run: Run) -> None:
        answer = run("reprice", "--since", "7d")
        assert (answer.exit_code, answer.stdout.splitlines()) == (
            0,
            [
                "100 requests looked at; none costs another amount.",
                "Requests of gone keep theirs: no such provider is set up now.",
            ],
        )

    def test_providers_show_masked_keys_and_the_trouble(self, run: Run) -> None:
        answer = run("providers")
        assert "sk-or…4f2a" in answer.stdout
        assert "openrouter: 401: the key was refused" in answer.stdout
        assert [row["name"] for row in json.loads(run("providers", "--json").stdout)] == ["anthropic", "openrouter"]

    def test_models_show_window_and_prices(self, run: Run) -> None:
        assert re.search(r"★ +openrouter +openai/gpt-5.5 +400k +\$1.25 +\$10 +tools", run("models").stdout)
        model, bare = json.loads(run("models", "--json").stdout)["models"]
        assert (model["input_usd"], model["output_usd"], bare["input_usd"]) == (1.25, 10.0, None)

    def test_use_answers_with_the_route_from_now_on(self, run: Run) -> None:
        assert "all to openrouter/openai/gpt-5.5" in run("use", "openrouter/openai/gpt-5.5").stdout

    def test_use_can_be_bound_to_a_session_and_a_slot(self, run: Run) -> None:
        answer = run("use", "team", "--session", "5e55", "--slot", "subagent")
        assert "sub-agents of session 5e55 to team" in answer.stdout

    def test_a_refusal_is_a_sentence_on_stderr(self, run: Run) -> None:
        answer = run("use", "nobody")
        assert (answer.exit_code, answer.stdout) == (1, "")
        assert answer.stderr == "Error: No provider or model is called nobody.\n"

    def test_fallback_is_shown_switched_and_set(self, run: Run) -> None:
        group = "          group cheap: openrouter, anthropic\n"
        assert run("fallback").stdout == f"fallback  on, then openrouter/anthropic/claude-opus-4.8\n{group}"
        assert run("fallback", "off").stdout.startswith("fallback  off")
        set_while_off = run("fallback", "set", "team", "openrouter").stdout
        assert set_while_off == f"fallback  off; when on, then team, openrouter\n{group}"
        assert run("fallback", "on").stdout == f"fallback  on, then team, openrouter\n{group}"
        assert run("fallback", "show").stdout == run("fallback").stdout

    def test_a_slot_gets_a_chain_of_its_own_and_gives_it_up(self, run: Run) -> None:
        own = run("fallback", "set", "--slot", "haiku", "cheap").stdout
        assert "Haiku and background requests: cheap" in own
        assert json.loads(run("fallback", "show", "--json").stdout)["slot_chains"] == {"haiku": ["cheap"]}
        assert "Haiku" not in run("fallback", "clear", "--slot", "haiku").stdout

    def test_a_provider_is_put_aside_and_taken_back(self, run: Run) -> None:
        assert "`cctui providers wake anthropic` takes it back" in run("providers", "rest", "anthropic").stdout
        assert "anthropic: put aside" in run("status").stdout
        state = json.loads(run("status", "--json").stdout)
        assert state["providers"][0]["resting"]
        assert [(one["first_choice"], one["serving"]) for one in state["detours"]] == [("anthropic", "openrouter")]
        assert "openrouter in place of anthropic since" in run("status").stdout
        assert run("providers", "wake", "anthropic").stdout == "anthropic takes requests again.\n"
        assert json.loads(run("status", "--json").stdout)["detours"] == []

    def test_an_unknown_provider_cannot_be_put_aside(self, run: Run) -> None:
        answer = run("providers", "rest", "nobody")
        assert (answer.exit_code, answer.stderr) == (1, "Error: No provider is called nobody.\n")

    def test_a_provider_is_tested_and_the_exit_code_says_how_it_went(self, run: Run) -> None:
        good, bad = run("providers", "test", "anthropic"), run("providers", "test", "openrouter", "--json")
        assert (good.exit_code, good.stdout) == (0, "ok: 12 models (412 ms)\n")
        assert bad.exit_code == 1
        assert json.loads(bad.stdout) == {"ok": False, "text": "401: the key was refused", "duration_ms": 412.0}

    def test_providers_json_has_health_limits_keys_and_latency(self, run: Run) -> None:
        anthropic, openrouter = json.loads(run("providers", "--json").stdout)
        assert (anthropic["ttft_p50_ms"], anthropic["ttft_p95_ms"]) == (912.5, 2100.0)
        assert [limit["used"] for limit in anthropic["limits"]] == [0.62, 0.91]
        assert [key["state"] for key in openrouter["keys"]] == ["refused", "ok"]

    def test_status_warns_of_the_limit_that_is_nearest(self, run: Run) -> None:
        assert "anthropic: 91% of the week limit used." in run("status").stdout

    def test_env_leads_to_the_engine(self, run: Run, engine: supervisor.RunningEngine) -> None:
        block = json.loads(run("env", "--shell", "json").stdout)
        assert block["ANTHROPIC_BASE_URL"] == engine.url
        assert block["ANTHROPIC_CUSTOM_HEADERS"] == f"x-cctui-token: {engine.token}"

    def test_env_for_settings_names_the_places_beside_the_json(self, run: Run) -> None:
        answer = run("env", "--shell", "settings")
        assert "ANTHROPIC_BASE_URL" in json.loads(answer.stdout)["env"]
        assert "~/.claude/settings.json" in answer.stderr
        assert "VS Code" in answer.stderr

    def test_env_warns_of_settings_that_beat_it(self, run: Run, home: Path) -> None:
        (home / ".claude").mkdir()
        (home / ".claude" / "settings.json").write_text('{"env": {"ANTHROPIC_BASE_URL": "http://stale"}}')
        assert "settings.json sets ANTHROPIC_BASE_URL, which beats what is set here" in run("env").stderr

    def test_stop_says_that_the_engine_has_ended(self, run: Run, engine: supervisor.RunningEngine) -> None:
        assert f"(pid {engine.pid}) has ended" in run("stop").stdout
        assert run("status").exit_code == 1

    def test_serve_does_not_run_a_second_engine(self, run: Run) -> None:
        answer = run("serve")
        assert answer.exit_code == 1
        assert "An engine runs already" in answer.stderr

    def test_without_a_terminal_the_panel_says_what_it_needs(self, run: Run, engine: supervisor.RunningEngine) -> None:
        answer = run()
        assert answer.exit_code == 1
        assert answer.stderr == f"Error: {NO_TERMINAL.format(stream='output', url=engine.url)}\n"


def test_status_without_an_engine_exits_with_1(run: Run) -> None:
    answer = run("status")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "No engine runs." in answer.stderr


def test_status_json_without_an_engine_keeps_its_names(run: Run) -> None:
    answer = run("status", "--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["engine"] is None


def test_stop_without_an_engine_is_no_failure(run: Run) -> None:
    answer = run("stop")
    assert (answer.exit_code, answer.stdout) == (0, "No engine runs.\n")


def test_an_engine_that_cannot_start_is_said_without_a_traceback(run: Run, stub_starts: Callable[..., None]) -> None:
    stub_starts(words="engine.prot is no setting; did you mean engine.port?\n", exit_code=2)
    answer = run("providers")
    assert answer.exit_code == 1
    assert answer.stderr == "Error: engine.prot is no setting; did you mean engine.port?\n"


def test_a_command_that_starts_an_engine_says_so_once(run: Run, stub_starts: Callable[..., None]) -> None:
    stub_starts()
    first, second = run("providers"), run("providers")
    assert first.stderr.startswith("cctui: no engine was running; started one at http://127.0.0.1:")
    assert first.stdout == second.stdout
    assert second.stderr == ""


def test_an_engine_of_another_contract_is_replaced_when_asked_for(
    run: Run, paths: Paths, start_stub: StartStub, stub_starts: Callable[..., None]
) -> None:
    old = start_stub(contract=c.CONTRACT + 1)
    stub_starts()
    refused = run("providers")
    assert refused.exit_code == 1
    assert "`cctui stop` ends it" in refused.stderr
    assert run("--replace-engine", "providers").exit_code == 0
    new = supervisor.find(paths)
    assert isinstance(new, supervisor.RunningEngine)
    assert new.pid != old.pid


@pytest.mark.parametrize(
    "arguments",
    [
        ("usage", "--since", "yesterday-ish"),
        ("usage", "--by", "mood"),
        ("usage", "--json", "--csv"),
        ("use",),
        ("use", "x", "--slot", "mood"),
        ("requests", "--limit", "0"),
        ("usage", "--since", "7d", "--until", "30d"),
        ("fallback", "set"),
        ("fallback", "set", "--slot", "mood", "x"),
        ("providers", "rest"),
        ("env", "--shell", "cmd"),
        ("nonsense",),
    ],
)
def test_a_wrong_call_exits_with_2_before_any_engine_starts(run: Run, paths: Paths, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
    assert not paths.runtime_dir.exists()

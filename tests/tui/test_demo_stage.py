"""The demo's temporary installation, and the words of its report."""

import os
from typing import Any

import pytest

from proxy import contract as c
from proxy.providers import resolve_providers
from proxy.settings import load_settings
from tui.demo import report
from tui.demo.stage import environment, stage
from tui.state.rows import PROVIDER


@pytest.mark.parametrize("hurried", [True, False])
def test_the_stage_has_three_simulated_providers_and_no_real_one(hurried: bool, monkeypatch: Any) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-real")
    with stage(hurried=hurried) as paths:
        settings = load_settings(paths.config_file)
        providers = resolve_providers(settings, os.environ)
        assert all(len(name) < PROVIDER for name in providers)
        assert set(providers) == {"claude-sim", "router-sim", "local-sim"}
        assert all(provider.simulated for provider in providers.values())
        assert (settings.engine.port, settings.engine.local_servers) == (0, False)


def test_the_stage_goes_and_the_environment_comes_back(monkeypatch: Any) -> None:
    monkeypatch.setenv("CCTUI_HOME", "/the/users/home")
    before = dict(os.environ)
    with stage(hurried=True) as paths:
        home = paths.config_file.parent
        assert os.environ["CCTUI_HOME"] == str(home)
        assert home.is_dir()
    assert not home.exists()
    assert dict(os.environ) == before


def test_the_users_keys_and_settings_stay_outside() -> None:
    users = {
        "PATH": "/bin",
        "TERM": "xterm",
        "NO_COLOR": "1",
        "CCTUI_ENGINE__PORT": "9",
        "OPENAI_API_KEY": "k",
        "ANTHROPIC_AUTH_TOKEN": "t",
        "AZURE_BASE_URL": "u",
    }
    assert environment(users, "/tmp/x") == {"PATH": "/bin", "TERM": "xterm", "NO_COLOR": "1", "CCTUI_HOME": "/tmp/x"}


def row(number: int, **fields: Any) -> c.Request:
    served: dict[str, Any] = {
        "id": str(number),
        "started_at": 1_700_000_000.0,
        "session_id": "s",
        "asked_model": "claude-opus-5-5",
        "served_model": "claude-opus-5-5",
        "provider": "claude-sim",
        "phase": "done",
        "outcome": "served",
        "status": 200,
        "usage": c.Usage(input_tokens=10, output_tokens=20, cache_read_tokens=90),
        "cost_nano_usd": 1_500_000,
        "cost_source": "listed",
        "simulated": True,
    }
    return c.Request(**(served | fields))


ROWS = (
    row(1),
    row(2, agent_id="a"),
    row(3, outcome="failed", status=529, cost_nano_usd=0),
    row(4, outcome="cancelled"),
    row(5, kind="count_tokens", cost_nano_usd=0, cost_source="free"),
)


def test_the_report_counts_outcomes_and_leaves_counts_of_tokens_apart() -> None:
    told = report.as_json(ROWS)
    assert {name: told[name] for name in ("served", "failed", "cancelled", "broken", "token_counts")} == {
        "served": 2, "failed": 1, "cancelled": 1, "broken": 0, "token_counts": 1,
    }  # fmt: skip
    assert (told["sessions"], told["agents"], told["simulated_usd"]) == (1, 1, 0.0045)
    requests: Any = told["requests"]
    assert [each["simulated"] for each in requests] == [True] * 4
    assert requests[0]["cost_usd"] == 0.0015
    assert requests[0]["usage"]["cache_read_tokens"] == 90


def test_the_report_in_words_says_that_the_money_is_simulated() -> None:
    lines = report.as_text(ROWS, 1_700_000_060.0, 120)
    assert lines[0] == "requests   2 served, 1 failed, 1 cancelled, 0 broken; 0 fell back to another provider"
    assert "simulated" in lines[3]

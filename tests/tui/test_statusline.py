"""The line under Claude Code's prompt: from what the client says, from the engine, and from neither."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy import contract as c
from proxy.paths import find_paths
from tests.proxy.conftest import *  # noqa: F403  engines on sockets
from tests.proxy.running_engine import RunningEngine
from tui import statusline
from tui.state import formats

GIVEN = {
    "session_id": "5e551011-aaaa",
    "transcript_path": "/home/me/.claude/projects/shop/5e551011-aaaa.jsonl",
    "cwd": "/home/me/shop",
    "model": {"id": "claude-opus-4-8", "display_name": "Opus 4.8"},
    "workspace": {"current_dir": "/home/me/shop", "project_dir": "/home/me/shop"},
    "version": "2.1.329",
    "cost": {"total_cost_usd": 0.01736, "total_duration_ms": 1500},
    "context_window": {
        "total_input_tokens": 21_012,
        "total_output_tokens": 42,
        "context_window_size": 200_000,
        "current_usage": None,
        "used_percentage": 11,
    },
}
FACTS: dict[str, Any] = {
    "provider": "openrouter",
    "known": True,
    "served_model": "gpt-5.5",
    "cost_nano_usd": 4_120_000_000,
    "cached": 0.93,
    "context": 0.64,
    "budget": {"kind": "session", "name": "s", "limit_nano_usd": 10 * 10**9, "spent_nano_usd": 4_120_000_000},
}


def test_the_engine_s_figures_make_the_line() -> None:
    assert statusline.line(GIVEN, FACTS) == (
        "gpt-5.5 · openrouter · $4.12 · cache 93% · context 64% · $5.88 left (session)"
    )


@pytest.mark.parametrize(
    ("given", "facts", "line"),
    [
        (GIVEN, None, "Opus 4.8 · no engine · $0.0174 · context 11%"),
        (GIVEN, {"provider": "anthropic"}, "Opus 4.8 · anthropic · $0.0174 · context 11%"),
        ({}, None, "no engine"),
        ({}, FACTS, "gpt-5.5 · openrouter · $4.12 · cache 93% · context 64% · $5.88 left (session)"),
        ({"model": "x", "cost": 5, "context_window": []}, None, "no engine"),
        ({"model": {"display_name": "two\nlines\x1b[31m"}}, None, "twolines[31m · no engine"),
        ({}, {"provider": "p", "known": True}, "p · $0.00"),
        ({}, {"provider": "p", "known": True, "cost_nano_usd": 900}, "p · <$.0001"),
        ({"cost": {"total_cost_usd": float("nan")}}, None, "no engine"),
        ({"cost": {"total_cost_usd": 10**400}}, None, "no engine"),
        ({}, {"provider": "simulator", "known": True, "simulated_nano_usd": 2_500_000}, "simulator · ~$0.0025"),
        ({}, {"provider": "p", "passing": True, "budget": {"kind": "day", "limit_nano_usd": 5}}, "p · passes budgets"),
        (
            {},
            {"provider": "p", "budget": {"kind": "day", "limit_nano_usd": 5, "spent_nano_usd": 6}},
            "p · day budget used up",
        ),
        (
            {},
            {"provider": "p", "budget": {**FACTS["budget"], "unpriced_requests": 2}},
            "p · ≤$5.88 left (session)",
        ),
    ],
)
def test_what_is_not_known_is_left_out(given: dict[str, Any], facts: dict[str, Any] | None, line: str) -> None:
    assert statusline.line(given, facts) == line


@pytest.mark.parametrize("nano_usd", [1, 49_999, 50_000, 20_550_000, 999_949_999, 999_950_000, 4_125_000_000, 10**13])
def test_money_reads_as_in_the_panel(nano_usd: int) -> None:
    facts = {"provider": "p", "known": True, "cost_nano_usd": nano_usd}
    assert statusline.line({}, facts) == f"p · {formats.money(nano_usd)}"


def test_names_and_proof_are_those_of_the_contract() -> None:
    assert (statusline.DOOR, statusline.TOKEN_HEADER) == (c.DOOR, c.TOKEN_HEADER)
    assert statusline.proof("token", "nonce") == c.proof_of_token("token", "nonce")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"CCTUI_HOME": "/srv/cctui"},
        {"CCTUI_HOME": "~/other"},
        {"CCTUI_HOME": "beside"},
        {"CCTUI_HOME": ""},
        {"XDG_STATE_HOME": "/srv/state"},
        {"XDG_STATE_HOME": "not/absolute"},
        {"XDG_STATE_HOME": ""},
        {"ANDROID_DATA": "/data", "ANDROID_ROOT": "/system"},
    ],
    ids=str,
)
def test_the_engine_is_looked_for_where_it_tells_of_itself(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    for name in ("CCTUI_HOME", "XDG_STATE_HOME", "ANDROID_DATA", "ANDROID_ROOT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert Path(statusline.runtime_file()) == find_paths().runtime_file


def test_the_command_imports_little() -> None:
    """What the files of an installation are called is known without the module that knows it."""
    home = {"HOME": "/nonexistent", "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-P", "-X", "importtime", "-m", "tui", "statusline"]
    done = subprocess.run(command, env=home, input="{}", capture_output=True, text=True, check=True)
    imported = set(re.findall(r"\| +(\S+)$", done.stderr, re.MULTILINE))
    assert "tui.statusline" in imported
    assert imported.isdisjoint(
        {"proxy.paths", "dataclasses", "inspect", "secrets", "pathlib", "platformdirs", "click", "msgspec", "asyncio"}
    )


def run(argument: str, given: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "tui.statusline", argument]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "LC_ALL": "C", **environ}
    return subprocess.run(
        command, input=given, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.mark.parametrize("given", ["", "{", "[]", "null", json.dumps(GIVEN)])
def test_without_an_engine_the_line_is_short_and_nothing_fails(tmp_path: Path, given: str) -> None:
    done = run(str(tmp_path / "none.json"), given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no engine" in done.stdout


def test_an_engine_that_cannot_prove_itself_is_sent_no_token(tmp_path: Path) -> None:
    seen: list[str] = []
    facts = tmp_path / "engine.json"
    facts.write_text(json.dumps({"url": "http://127.0.0.1:1", "token": "secret", "pid": 1}))

    def stranger(url: str, path: str, header: str = "") -> Any:
        seen.append(header)
        return {"proof": "0" * 64}

    original, statusline._get = statusline._get, stranger
    try:
        assert statusline.facts_of(str(facts), "s") is None
    finally:
        statusline._get = original
    assert seen == [""]


async def test_the_line_of_a_running_engine(engine: RunningEngine) -> None:
    import asyncio

    await engine.ask(x_claude_code_session_id="5e551011-aaaa")
    await engine.record()
    done = await asyncio.to_thread(run, str(engine.paths.runtime_file), json.dumps(GIVEN))
    assert done.stdout == "claude-opus-4-8 · first · $0.0011 · cache 0% · context 0%\n"


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, tui.statusline\nprint(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    heavy = {"click", "msgspec", "httpx", "http", "email", "ssl", "asyncio", "pathlib", "dataclasses", "proxy"}
    assert set(done.stdout.split()) & heavy <= {"pathlib"}

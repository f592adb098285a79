"""``cctui`` as a program of its own: start-up, pipes, and what takes its place."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.paths import Paths
from tests.tui.cli.conftest import ROOT, StartStub
from tui.cli import launching

CCTUI = [sys.executable, "-m", "tui"]

FAKE_CLAUDE = f"""#!{sys.executable}
import json, os, sys
arguments = sys.argv[1:]
place = arguments.index("--settings") + 1 if "--settings" in arguments else None
settings = json.load(open(arguments[place])) if place else None
print(json.dumps({{
    "arguments": arguments,
    "settings": settings,
    "environ": dict(os.environ),
    "file": arguments[place] if place else None,
}}))
sys.exit(7)
"""


def cctui(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CCTUI, *arguments], capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def claude(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program ``claude`` on the path that prints how it was called and ends with 7."""
    program = home / "bin" / "claude"
    program.parent.mkdir()
    program.write_text(FAKE_CLAUDE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.mark.usefixtures("home")
def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom tui.cli import cctui\n"
        "try:\n    cctui(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'textual', 'rich', 'uvicorn', 'httpx', 'aiohttp', 'starlette', 'platformdirs', 'pydantic'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.endswith("loaded: []\n")


@pytest.mark.usefixtures("home")
def test_help_names_every_command() -> None:
    listed = cctui("--help").stdout
    for name in ("claude", "env", "serve", "stop", "status", "providers", "models", "use", "fallback"):
        assert f"\n  {name} " in listed
    for name in ("requests", "usage", "doctor", "demo"):
        assert f"\n  {name} " in listed


def test_everything_after_claude_is_passed_on_verbatim(claude: Path, start_stub: StartStub) -> None:
    start_stub()
    given = ["-p", "--help", "--json", "--", "--settings", "x", "--version"]
    answer = cctui("claude", *given)
    assert answer.returncode == 7
    assert json.loads(answer.stdout)["arguments"][2:] == given
    assert claude.exists()


def test_a_leading_double_dash_is_passed_on_too(claude: Path, start_stub: StartStub) -> None:
    start_stub()
    assert claude.exists()
    assert json.loads(cctui("claude", "--", "prompt").stdout)["arguments"][2:] == ["--", "prompt"]


def test_help_of_claude_goes_to_claude_and_starts_nothing(claude: Path, paths: Paths) -> None:
    assert claude.exists()
    assert json.loads(cctui("claude", "--help").stdout)["arguments"] == ["--help"]
    assert not paths.runtime_file.exists()


def test_the_settings_travel_in_a_private_file_and_the_token_not_in_the_arguments(
    claude: Path, start_stub: StartStub
) -> None:
    engine = start_stub(own_credential=True)
    assert claude.exists()
    seen = json.loads(cctui("claude", "-p", "hi").stdout)
    assert engine.token not in " ".join(seen["arguments"])
    assert seen["settings"]["env"]["ANTHROPIC_AUTH_TOKEN"] == engine.token
    assert stat.S_IMODE(Path(seen["file"]).stat().st_mode) == 0o600


def test_the_users_own_settings_are_merged_and_their_file_is_left_alone(
    claude: Path, home: Path, start_stub: StartStub
) -> None:
    start_stub()
    assert claude.exists()
    mine = home / "mine.json"
    mine.write_text('{"model": "opus", "env": {"ANTHROPIC_CUSTOM_HEADERS": "x-team: a"}}')
    seen = json.loads(cctui("claude", "--settings", "mine.json").stdout)["settings"]
    assert seen["model"] == "opus"
    assert seen["env"]["ANTHROPIC_CUSTOM_HEADERS"].splitlines()[0] == "x-team: a"
    assert mine.read_text() == '{"model": "opus", "env": {"ANTHROPIC_CUSTOM_HEADERS": "x-team: a"}}'


def test_nothing_is_written_outside_our_own_home(claude: Path, home: Path, start_stub: StartStub) -> None:
    start_stub()
    before = {path for path in home.rglob("*") if (home / "cctui") not in path.parents}
    cctui("claude", "-p", "hi")
    assert claude.exists()
    assert {path for path in home.rglob("*") if (home / "cctui") not in path.parents} == before


def test_the_environment_of_claude_is_the_users(claude: Path, start_stub: StartStub) -> None:
    start_stub()
    assert claude.exists()
    seen = json.loads(cctui("claude", "-p").stdout)["environ"]
    assert not {name for name in seen if name.startswith("ANTHROPIC_")}
    assert seen["PYTHONPATH"] == str(ROOT)


def test_a_broken_pipe_ends_claude_as_it_would_without_us(claude: Path, start_stub: StartStub) -> None:
    start_stub()
    claude.write_text("#!/bin/sh\nkill -PIPE $$\necho survived\n")
    answer = cctui("claude", "-p")
    assert (answer.returncode, answer.stdout) == (-signal.SIGPIPE, "")


def test_a_cloud_that_is_on_is_switched_off_and_said(
    claude: Path, start_stub: StartStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_stub()
    assert claude.exists()
    monkeypatch.setenv("CLAUDE_CODE_USE_VERTEX", "1")
    answer = cctui("claude", "-p")
    assert json.loads(answer.stdout)["settings"]["env"]["CLAUDE_CODE_USE_VERTEX"] == ""
    assert "CLAUDE_CODE_USE_VERTEX is set" in answer.stderr


def test_the_project_is_told(claude: Path, home: Path, start_stub: StartStub) -> None:
    start_stub()
    assert claude.exists()
    (home / "shop" / ".git").mkdir(parents=True)
    seen = json.loads(cctui("claude", "-p", cwd=home / "shop").stdout)["settings"]
    assert "x-cctui-project: shop" in seen["env"]["ANTHROPIC_CUSTOM_HEADERS"]


@pytest.mark.usefixtures("home")
def test_without_claude_the_way_to_it_is_said(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    answer = cctui("claude", "-p", "hi")
    assert answer.returncode == 1
    assert "npm install -g @anthropic-ai/claude-code" in answer.stderr
    assert not paths.runtime_dir.exists()


def test_settings_of_earlier_launches_go_after_a_month(paths: Paths, claude: Path, start_stub: StartStub) -> None:
    start_stub()
    assert claude.exists()
    old = paths.runtime_dir / "claude-0000.json"
    old.write_text("{}")
    os.utime(old, (0, 0))
    cctui("claude", "-p")
    cctui("claude", "-p")
    assert not old.exists()
    assert len(list(paths.runtime_dir.glob("claude-*.json"))) == 1
    assert launching.KEPT_S == 30 * 86400


def test_a_closed_pipe_ends_quietly(start_stub: StartStub) -> None:
    start_stub()
    with subprocess.Popen([*CCTUI, "requests", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.usefixtures("home")
def test_the_demo_without_a_terminal_says_that_it_runs_without_a_screen(home: Path) -> None:
    script = (
        "import tui.demo\nseen = []\n"
        "tui.demo.run_demo = lambda *given: seen.append(given) or 0\n"
        "from tui.cli import cctui\ntry:\n    cctui(['demo'])\nexcept SystemExit as end:\n    print(seen, end.code)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=home, check=True)
    assert answer.stdout == "[(True, 10.0, False)] 0\n"
    assert "without a screen for 10 seconds" in answer.stderr

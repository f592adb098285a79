"""Homes of their own, and stub engines that are ended after each test."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from proxy.paths import Paths, find_paths
from tui import engine_process, supervisor

ROOT = Path(__file__).parents[3]

StartStub = Callable[..., supervisor.RunningEngine]


def stub_command(**plan: object) -> list[str]:
    return [sys.executable, "-P", "-m", "tests.tui.cli.stub_engine", msgspec.json.encode(plan).decode()]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for cctui and for Claude Code, with nothing of this machine in the environment."""
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "CLAUDE_", "CCTUI_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("CCTUI_HOME", str(folder / "cctui"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def paths(home: Path) -> Paths:
    assert home.exists()
    return find_paths()


@pytest.fixture
def stub_starts(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """From the call on, the supervisor starts stubs that behave as told; all are ended afterwards."""
    born: list[subprocess.Popen[bytes]] = []
    spawn = engine_process.spawn

    def spawned(paths: Paths, options: engine_process.EngineOptions) -> subprocess.Popen[bytes]:
        process = spawn(paths, options)
        born.append(process)
        return process

    def behave(**plan: object) -> None:
        monkeypatch.setattr(engine_process, "command", lambda *_, **__: stub_command(**plan))

    assert paths
    monkeypatch.setattr(engine_process, "spawn", spawned)
    yield behave
    for process in born:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def start_stub(paths: Paths, stub_starts: Callable[..., None]) -> StartStub:
    """Starts a stub; the answer is what the supervisor found."""

    def start(**plan: object) -> supervisor.RunningEngine:
        stub_starts(**plan)
        try:
            return supervisor.ensure(paths)
        except supervisor.OtherContractError as error:
            return error.engine

    return start

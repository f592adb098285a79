"""The panel in a real terminal (tmux) beside the real `claude`: what is seen, and what its death does to a stream."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.stage import TMUX_VARIABLE, Stage, provider
from tests.upstreams import Answer, Call, Gate, Pause, ScriptedUpstream, as_json, as_stream, message_events, models_body

MakeStage = Callable[[str], Stage]

SHOWN_WITHIN_S = 20
TMUX = os.environ[TMUX_VARIABLE]


@dataclass(frozen=True)
class Terminal:
    """A terminal of its own server, so that nobody else's is touched."""

    socket: Path
    stage: Stage

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            [TMUX, "-S", str(self.socket), *arguments],
            env=dict(self.stage.environment),
            cwd=self.stage.project,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def open(self, *command: str, width: int = 100, height: int = 40) -> None:
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), f"exec {shlex.join(command)}")

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def pid(self) -> int:
        return int(self.tmux("list-panes", "-F", "#{pane_pid}").strip())

    def shows(self, *words: str) -> str:
        """Wait until the screen shows all of ``words``."""
        deadline = time.monotonic() + SHOWN_WITHIN_S
        while True:
            screen = self.screen()
            if all(word in screen for word in words):
                return screen
            if time.monotonic() > deadline:
                raise AssertionError(f"never shown: {words}\n{screen}")
            time.sleep(0.05)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[[Stage], Terminal]]:
    opened: list[Terminal] = []

    def make(stage: Stage) -> Terminal:
        opened.append(Terminal(tmp_path / "tmux", stage))
        return opened[-1]

    yield make
    for each in opened:
        subprocess.run([TMUX, "-S", str(each.socket), "kill-server"], capture_output=True, check=False)


def paced(gate: Gate) -> Callable[[Call], Answer]:
    """A stream that stands still in the middle until ``gate`` opens."""
    events = message_events("Half of it, and the other half.", model="claude-opus-4-8")

    def script(call: Call) -> Answer:
        if call.path.endswith("/models"):
            return as_json(models_body("claude-opus-4-8", "glm-5"))
        return as_stream(*events[:4], Pause(gate), *events[4:])

    return script


def test_killing_the_panel_in_mid_stream_leaves_the_stream_whole(
    stage: MakeStage, terminal: Callable[[Stage], Terminal]
) -> None:
    gate = Gate("the panel is dead")
    with ScriptedUpstream(paced(gate)) as upstream, ThreadPoolExecutor() as pool:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')
        panel = terminal(here)
        panel.open(*here.cctui_command)
        panel.shows("cctui", "Waiting for Claude Code")

        answer = pool.submit(here.ask, "Tell me both halves.", "--model", "claude-opus-4-8")
        panel.shows("opus-4-8", " live")
        os.kill(panel.pid(), signal.SIGKILL)
        gate.open()

        assert answer.result() == "Half of it, and the other half."
        assert here.requests()[-1]["outcome"] == "served"


def test_a_model_picked_in_the_panel_serves_the_next_request(
    stage: MakeStage, terminal: Callable[[Stage], Terminal]
) -> None:
    gate = Gate()
    gate.open()
    with ScriptedUpstream(paced(gate)) as upstream:
        here = stage(provider("gateway", upstream.url) + '[route]\ndefault = "gateway"\n')
        panel = terminal(here)
        panel.open(*here.cctui_command)
        panel.shows("Waiting for Claude Code")
        panel.tmux("send-keys", "m")
        panel.shows("As asked", "glm-5")
        panel.tmux("send-keys", "-l", "glm")
        panel.tmux("send-keys", "Enter")
        panel.shows("glm-5 ▸ gateway")

        here.ask("Go.", "--model", "claude-opus-4-8")

        row = here.requests()[-1]
        assert (row["asked_model"], row["target_model"]) == ("claude-opus-4-8", "glm-5")
        panel.shows("opus-4-8", "glm-5", "gateway")


def test_leaving_the_panel_keeps_the_engine(stage: MakeStage, terminal: Callable[[Stage], Terminal]) -> None:
    here = stage("")
    panel = terminal(here)
    panel.open("sh", "-c", f"{shlex.join(here.cctui_command)}; echo LEFT; sleep 60")
    panel.shows("Waiting for Claude Code")

    panel.tmux("send-keys", "q")
    panel.shows("LEFT")

    assert here.json("status")["engine"]["pid"] > 0


def test_a_panel_that_is_told_to_end_leaves_the_terminal_as_it_was(
    stage: MakeStage, terminal: Callable[[Stage], Terminal]
) -> None:
    here = stage("")
    panel = terminal(here)
    told = f"echo BEFORE; {shlex.join(here.cctui_command)}; echo LEFT $?; sleep 60"
    panel.open("sh", "-c", told)
    panel.shows("Waiting for Claude Code")
    children = subprocess.run(["pgrep", "-P", str(panel.pid())], capture_output=True, text=True, check=True)
    os.kill(int(children.stdout), signal.SIGTERM)
    panel.shows("BEFORE", "LEFT 0")


def test_a_panel_that_ignores_its_terminal_s_end_does_not_outlive_it(
    stage: MakeStage, terminal: Callable[[Stage], Terminal]
) -> None:
    here = stage("")
    panel = terminal(here)
    panel.open("sh", "-c", f"trap '' HUP; {shlex.join(here.cctui_command)}")
    panel.shows("Waiting for Claude Code")
    children = subprocess.run(["pgrep", "-P", str(panel.pid())], capture_output=True, text=True, check=True)

    panel.tmux("kill-server")

    wait_until_ended(int(children.stdout))


def wait_until_ended(pid: int) -> None:
    deadline = time.monotonic() + SHOWN_WITHIN_S
    while runs(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"process {pid} lives on without its terminal")
        time.sleep(0.05)


def runs(pid: int) -> bool:
    """A process that ended may wait for somebody to hear of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

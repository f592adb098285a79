"""The process that makes the demo's traffic, seen from the demo: its start, its end, its last words."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tui import engine_process

GOODBYE = "bye"
"""The last line on the traffic's standard input when the demo ends as meant."""

FAREWELL_S = 3.0
"""How long answers may finish after that."""

LATE_S = 2.0
"""What the process may take beyond it."""


@dataclass(frozen=True, slots=True)
class Driver:
    """The running traffic."""

    process: subprocess.Popen[str]
    errors: Path

    def finish(self) -> None:
        """Let running answers end, then the process."""
        self._say(GOODBYE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(FAREWELL_S + LATE_S)

    @property
    def last_words(self) -> str:
        """Why it ended, where it ended on its own account; empty otherwise."""
        if self.process.poll() in (None, 0):
            return ""
        lines = self.errors.read_text(errors="replace").strip().splitlines()
        return f"the traffic ended early: {lines[-1] if lines else f'code {self.process.returncode}'}"

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None  # noqa: S101  we opened it as a pipe
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.close()


@contextlib.contextmanager
def driver(url: str, token: str, pace: float, errors: Path) -> Iterator[Driver]:
    """The traffic towards the engine at ``url``; ended at once when the context is left.

    The token goes over the pipe: a command line is readable by everybody. A session of its own keeps the
    terminal's Ctrl-C from it.
    """
    command = [sys.executable, "-P", "-m", "tui.demo.traffic", url, str(pace)]
    with errors.open("w") as sink:
        process = subprocess.Popen(
            command,
            env=engine_process.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=sink,
            text=True,
            start_new_session=True,
        )
    try:
        _hand_over(process, token)
        yield Driver(process, errors)
    finally:
        process.kill()
        with contextlib.suppress(OSError, ValueError):
            process.communicate()


def _hand_over(process: subprocess.Popen[str], token: str) -> None:
    assert process.stdin is not None  # noqa: S101  we opened it as a pipe
    process.stdin.write(f"{token}\n")
    process.stdin.flush()

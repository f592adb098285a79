"""Processes of a benchmark: started with an explicit environment, pinned where the system can, ended by handle."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from tests.bench.jobs import Job, Result

CHECKOUT = Path(__file__).parents[2]
END_PATIENCE_S = 5.0


def cores() -> Sequence[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return range(os.cpu_count() or 1)


def contender_cores() -> Sequence[int]:
    """One core for whatever is measured: the last one."""
    return cores()[-1:]


def load_cores() -> Sequence[int]:
    """The rest for upstream, generator and panel reader."""
    return cores()[:-1] or cores()


def pinned(to: Sequence[int]) -> Callable[[], None] | None:
    """What a new process runs to stay on ``to``; None where the system cannot pin."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    return lambda: os.sched_setaffinity(0, to)


def environment(home: Path, **more: str) -> dict[str, str]:
    """Nothing of the caller's environment but the search path."""
    return {
        "HOME": str(home),
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(CHECKOUT),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        **more,
    }


@contextlib.contextmanager
def running(
    command: Sequence[str], env: Mapping[str, str], on: Sequence[int], log: Path
) -> Iterator["subprocess.Popen[str]"]:
    """``command`` with pipes for its input and output, ended on the way out; ``log`` takes its stderr."""
    with log.open("ab") as complaints:
        process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=log.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            preexec_fn=pinned(on),  # noqa: PLW1509  this process has one thread
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@contextlib.contextmanager
def upstream(folder: Path) -> Iterator[int]:
    """The provider's process; gives its port."""
    command = [sys.executable, "-P", "-m", "tests.bench.upstream"]
    with running(command, environment(folder), load_cores(), folder / "upstream.log") as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


class Generator:
    """A load process, used for one job after the other."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def start(self, job: Job) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(job).decode() + "\n")
        self._process.stdin.flush()

    def result(self) -> Result:
        """What the started job saw, once it is over."""
        assert self._process.stdout is not None
        return msgspec.json.decode(self._process.stdout.readline(), type=Result)

    def run(self, job: Job) -> Result:
        self.start(job)
        return self.result()


@contextlib.contextmanager
def generator(folder: Path) -> Iterator[Generator]:
    command = [sys.executable, "-P", "-m", "tests.bench.generator"]
    with running(command, environment(folder), load_cores(), folder / "generator.log") as process:
        yield Generator(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float | None:
    """Processor time that ``pid`` used so far; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float | None:
    """Resident memory of ``pid`` in MB; None where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

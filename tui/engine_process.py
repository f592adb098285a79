"""The engine as a process: its command line, its environment, its birth and the signs of its life.

Knows nothing of HTTP and of contracts; ``supervisor`` decides when a process is wanted.
"""

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from proxy.paths import Paths, make_private_dir

OWNER_TIMEOUT_S = 5.0
CHECK_TIMEOUT_S = 30.0
"""For a look at the settings: a busy machine takes seconds to load the engine."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the user said on the command line about an engine to start; None leaves it to the settings."""

    port: int | None = None
    host: str | None = None
    log_level: str | None = None


def command(options: EngineOptions, *, foreground: bool = False) -> list[str]:
    """The engine's command line. ``-P`` keeps a package ``proxy`` of the current directory out of its way."""
    flags = {"--port": options.port, "--host": options.host, "--log-level": options.log_level}
    given = [part for flag, value in flags.items() if value is not None for part in (flag, str(value))]
    return [sys.executable, "-P", "-m", "proxy", *given, *(["--foreground"] if foreground else [])]


def environment() -> dict[str, str]:
    """This process's environment, with our own ``proxy`` in the engine's reach wherever both run from."""
    environ = dict(os.environ)
    spec = find_spec("proxy")
    if spec is None or spec.origin is None:
        return environ
    root = Path(spec.origin).resolve().parent.parent
    if root not in {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}:
        rest = environ.get("PYTHONPATH")
        environ["PYTHONPATH"] = os.pathsep.join([str(root), *([rest] if rest else [])])
    return environ


def errors_file(paths: Paths) -> Path:
    """What the engine last started wrote to its standard error."""
    return paths.state_dir / "engine.stderr"


def spawn(paths: Paths, options: EngineOptions) -> subprocess.Popen[bytes]:
    """An engine in a session of its own: neither the terminal nor our end reaches it."""
    make_private_dir(paths.state_dir)
    errors = os.open(errors_file(paths), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = subprocess.Popen(
            command(options),
            cwd=paths.state_dir,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    finally:
        os.close(errors)
    threading.Thread(target=process.wait, name="engine-reaper", daemon=True).start()
    return process


def last_words(paths: Paths, code: int) -> str:
    """What an engine that did not start said; of a traceback, its last line."""
    file = errors_file(paths)
    said = file.read_text(errors="replace").strip()
    if "Traceback (most recent call last)" in said:
        return f"The engine failed to start: {said.splitlines()[-1]}\nThe whole message is in {file}."
    return said or f"The engine ended at once with code {code}. Its log is {paths.log_file}."


def settings_trouble() -> str | None:
    """What is wrong with the engine's settings, in words; empty where nothing is, None where that cannot be told."""
    asked = [*command(EngineOptions()), "--check-settings"]
    try:
        answer = subprocess.run(
            asked, env=environment(), capture_output=True, text=True, timeout=CHECK_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stderr.strip() if answer.returncode else ""


def port_owner(host: str, port: int) -> str:
    """Who listens there, in words; empty where the system does not tell."""
    asked = [sys.executable, "-P", "-m", "proxy.portowner", host, str(port)]
    try:
        answer = subprocess.run(
            asked, env=environment(), capture_output=True, text=True, timeout=OWNER_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


@contextlib.contextmanager
def start_lock(paths: Paths) -> Iterator[None]:
    """Held by one starter at a time; freed by the system when its holder dies."""
    make_private_dir(paths.runtime_dir)
    with paths.lock_file.open("ab") as file:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  this platform's own

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl  # noqa: PLC0415  absent elsewhere

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def alive(pid: int) -> bool:
    """Whether the process runs. One that ended and waits for its parent to notice does not."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not _is_zombie(pid)


def terminate(pid: int) -> None:
    """Ask the process to end; one that is gone already is no error."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGTERM)


def _is_zombie(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "Z"

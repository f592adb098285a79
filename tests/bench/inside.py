"""Figures that need no other proxy: the model swap, the engine's memory, starting, what `--help` imports."""

import os
import re
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from proxy.protocol.messages import Body
from tests.bench.contenders import Contender
from tests.bench.jobs import Job
from tests.bench.processes import Generator, environment, rss_mb
from tests.bench.traffic import ASKED_MODEL, BODY_BYTES, LARGE_BODY_BYTES, SERVED_MODEL, request_body

HEAVY = ("textual", "uvicorn", "httpx")
"""What `cctui --help` must not import."""
SLICES = 10
PAINT_PATIENCE_S = 15.0


def swap_ms() -> float:
    """Reading a 4 MB body's head and swapping its model, milliseconds; checks that no other byte changed."""
    raw = request_body(LARGE_BODY_BYTES)
    took: list[float] = []
    for _ in range(20):
        began = time.perf_counter()
        swapped = b"".join(Body(raw).pieces_with_model(SERVED_MODEL))
        took.append((time.perf_counter() - began) * 1000)
        if swapped != raw.replace(b'"' + ASKED_MODEL.encode(), b'"' + SERVED_MODEL.encode(), 1):
            raise RuntimeError("swapping the model changed other bytes of the body")
    return statistics.median(took)


def memory_mb(engine: Contender, generator: Generator, requests: int) -> list[float]:
    """The engine's memory before, and after each tenth of ``requests``, every tenth of which is aborted."""
    seen = [_rss(engine)]
    for _ in range(SLICES):
        generator.run(
            Job(
                port=engine.port,
                headers=dict(engine.headers),
                clients=16,
                requests=requests // SLICES,
                seconds=300,
                body_bytes=BODY_BYTES,
                abort_every=10,
            )
        )
        seen.append(_rss(engine))
    return seen


def help_s(folder: Path) -> float:
    """How long `cctui --help` takes, seconds."""
    took: list[float] = []
    for _ in range(7):
        began = time.perf_counter()
        _run_help(folder)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def heavy_imports_of_help(folder: Path) -> Sequence[str]:
    """Which of ``HEAVY`` it imports."""
    told = _run_help(folder, "-X", "importtime")
    imported = set(re.findall(r"\| +(\w+)", told))
    return [name for name in HEAVY if name in imported]


def first_paint_s(folder: Path, home: Path, port: int) -> float | None:
    """From starting `cctui` to the first screen that shows the engine's address; None where there is no terminal."""
    if not hasattr(os, "openpty"):
        return None
    took = [_first_paint(folder, home, port) for _ in range(5)]
    return statistics.median(took)


def _first_paint(folder: Path, home: Path, port: int) -> float:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    env = environment(folder, CCTUI_HOME=str(home))
    began = time.perf_counter()
    panel = subprocess.Popen([sys.executable, "-P", "-m", "tui"], env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        _read_until(ours, f":{port}".encode())
        return time.perf_counter() - began
    finally:
        panel.kill()
        panel.wait()
        os.close(ours)


def _read_until(terminal: int, text: bytes) -> None:
    ends_at = time.monotonic() + PAINT_PATIENCE_S
    seen = b""
    while text not in seen:
        readable, _, _ = select.select([terminal], [], [], max(0.0, ends_at - time.monotonic()))
        if not readable:
            raise RuntimeError("the panel did not show its engine's address")
        seen = seen[-4096:] + os.read(terminal, 65536)


def _run_help(folder: Path, *flags: str) -> str:
    command = [sys.executable, *flags, "-P", "-m", "tui", "--help"]
    done = subprocess.run(command, env=environment(folder), cwd=folder, capture_output=True, text=True, check=True)
    return done.stderr


def _rss(engine: Contender) -> float:
    size = rss_mb(engine.pid) if engine.pid else None
    return float("nan") if size is None else size

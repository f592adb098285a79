"""The demo as a whole: stage, engine, traffic, then the panel or a report, and everything away at the end."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from types import FrameType

import click

from proxy import contract as c
from proxy.paths import Paths
from tui import supervisor
from tui.cli.printing import broken, print_json, print_lines, width
from tui.client import Door, DoorError
from tui.demo import report
from tui.demo.driver import Driver, driver
from tui.demo.stage import stage
from tui.engine_process import EngineOptions
from tui.supervisor import RunningEngine, SupervisorError

HEADLESS_S = 10.0
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

LEISURELY_PACE, HURRIED_PACE = 0.6, 0.1
"""Scale of the pauses in the plays, with a panel and without."""

EVERY_REQUEST = 100_000
"""More rows than a demo makes."""

SETTLE_POLL_S = 0.1
SETTLE_TRIES = 20
"""How often the engine is asked whether its last requests ended."""

_ENDING_SIGNALS = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(*, headless: bool, seconds: float | None, json_output: bool) -> int:
    """Run the demo; the exit code. Errors are told on stderr."""
    try:
        with _tidy_on_signals(), stage(hurried=headless) as paths, _engine(paths) as engine:
            pace = HURRIED_PACE if headless else LEISURELY_PACE
            with driver(engine.url, engine.token, pace, paths.state_dir / "traffic.stderr") as traffic:
                if not headless:
                    return _show_panel(paths, engine, seconds)
                return _serve(engine, traffic, HEADLESS_S if seconds is None else seconds, json_output=json_output)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (SupervisorError, DoorError, OSError) as error:
        click.echo(f"cctui: the demo cannot go on: {error}", err=True)
        return 1


def _serve(engine: RunningEngine, traffic: Driver, seconds: float, *, json_output: bool) -> int:
    """Let the traffic run for ``seconds`` and print what was served."""
    deadline = time.monotonic() + seconds
    while (left_s := deadline - time.monotonic()) > 0 and traffic.process.poll() is None:
        time.sleep(min(0.2, left_s))
    if trouble := traffic.last_words:
        click.echo(f"cctui: {trouble}", err=True)
        return 1
    traffic.finish()
    rows = asyncio.run(_ended_requests(engine))
    if json_output:
        print_json(report.as_json(rows))
    else:
        print_lines(report.as_text(rows, time.time(), width()))
    return 0


async def _ended_requests(engine: RunningEngine) -> tuple[c.Request, ...]:
    """Every request, newest first, once none is in flight (or the wait for it was long enough)."""
    async with Door(engine.url, engine.token) as door:
        for _ in range(SETTLE_TRIES):
            rows = await door.requests(limit=EVERY_REQUEST)
            if not any(row.live for row in rows):
                break
            await asyncio.sleep(SETTLE_POLL_S)
        return rows


def _show_panel(paths: Paths, engine: RunningEngine, seconds: float | None) -> int:
    from tui.app import run_panel  # noqa: PLC0415  textual, which a headless run does not need

    address = (engine.url, engine.token)
    run_panel(
        address,
        find=lambda: _found(paths),
        start=lambda: _started(paths),
        ends_after_s=seconds,
        asks_to_leave=False,
    )
    print_lines([broken(report.NEXT)])
    return 0


def _found(paths: Paths) -> tuple[str, str] | None:
    engine = supervisor.find(paths)
    return (engine.url, engine.token) if isinstance(engine, RunningEngine) else None


def _started(paths: Paths) -> tuple[str, str]:
    engine = supervisor.ensure(paths)
    return engine.url, engine.token


@contextlib.contextmanager
def _engine(paths: Paths) -> Iterator[RunningEngine]:
    """An engine of the demo's own, on any free port. Whichever runs on ``paths`` at the end is ended."""
    try:
        yield supervisor.ensure(paths, EngineOptions(port=0))
    finally:
        engine = supervisor.find(paths)
        if isinstance(engine, RunningEngine):
            with contextlib.suppress(SupervisorError):
                supervisor.stop(paths, engine, drain_s=0.0)


@contextlib.contextmanager
def _tidy_on_signals() -> Iterator[None]:
    """Leave through the same doors as Ctrl-C when the process is told to end or its terminal goes."""
    before = {name: signal.signal(getattr(signal, name), _interrupt) for name in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

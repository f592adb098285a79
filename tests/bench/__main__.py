"""``python -m tests.bench [--quick|--full] [--json] [PART …]``: measure, print Markdown, assert nothing.

Parts: latency, throughput, large, pacing, busy (the relay beside other proxies); dialects (providers of other formats
beside one of Anthropic's); swap, memory, start, panel, history (a ledger of a year, asked).
Only loopback is used; every process is started here and ended here.
"""

import argparse
import contextlib
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from proxy.contract import TOKEN_HEADER
from tests.bench import abroad, history, inside, processes, report
from tests.bench.contenders import Contender, DidNotStart, Starter, engine, engine_abroad, installed
from tests.bench.relay import FULL, MEASURES, NORMAL, QUICK, Effort, Figures, Load, measure, streams

INSIDE = ("swap", "memory", "start", "panel", "history", "dialects")
PARTS = (*MEASURES, *INSIDE)
PANEL_S = 5.0
PANEL_STREAMS_S = 40.0
"""Streams run while the panel starts, is left alone for ``PANEL_S``, and is typed into."""


def main() -> None:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    effort = QUICK if arguments.quick else FULL if arguments.full else NORMAL
    parts: Sequence[str] = arguments.parts or PARTS
    with tempfile.TemporaryDirectory(prefix="cctui-bench-") as name:
        folder = Path(name)
        own = _inside(folder, effort, parts)
        beside = _beside(folder / "beside", effort, [part for part in parts if part in MEASURES], installed())
        far = _abroad(folder / "abroad", effort) if "dialects" in parts else {}
    if arguments.json:
        payload = {"machine": report.machine_line(), "contenders": beside, "dialects": far, "figures": own}
        sys.stdout.write(msgspec.json.encode(payload).decode() + "\n")
        return
    sys.stdout.write(f"{report.machine_line()}\n\n")
    if beside:
        sys.stdout.write(report.contenders_table(beside) + "\n\n")
    if far:
        sys.stdout.write(report.dialects_table(far, own) + "\n\n")
    sys.stdout.write(report.targets_table(beside, own) + "\n")


def _abroad(folder: Path, effort: Effort) -> dict[str, Figures]:
    """One engine for each dialect, in turns with one whose provider speaks Anthropic's."""
    return _beside(folder, effort, ("latency", "throughput"), (engine, *map(engine_abroad, abroad.DIALECTS)))


def _beside(folder: Path, effort: Effort, parts: Sequence[str], starters: Sequence[Starter]) -> dict[str, Figures]:
    if not parts:
        return {}
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(processes.upstream(folder))
        load = Load(stack.enter_context(processes.generator(folder)), stack.enter_context(processes.generator(folder)))
        started = [_start(stack, folder / str(number), upstream, each) for number, each in enumerate(starters)]
        return measure(parts, [each for each in started if each is not None], load, effort, _tell)


def _start(stack: contextlib.ExitStack, folder: Path, upstream: int, starter: Starter) -> Contender | None:
    folder.mkdir()
    try:
        return stack.enter_context(starter(folder, upstream))
    except (DidNotStart, OSError) as error:
        _tell(f"left out: {error}")
        return None


def _inside(folder: Path, effort: Effort, parts: Sequence[str]) -> Figures:
    figures: Figures = {}
    if "swap" in parts:
        _tell("swap")
        figures["swap ms"] = inside.swap_ms()
    if "memory" in parts:
        figures |= _memory(folder / "memory", effort)
    if "start" in parts:
        figures |= _starting(folder / "start")
    if "panel" in parts:
        figures |= _panel(folder / "panel")
    if "dialects" in parts:
        figures |= abroad.figures(_tell)
    if "history" in parts:
        figures |= history.figures(folder / "ledger.sqlite3", effort.history_requests, _tell)
    return figures


def _memory(folder: Path, effort: Effort) -> Figures:
    _tell(f"memory: {effort.memory_requests} requests")
    folder.mkdir()
    with (
        processes.upstream(folder) as upstream,
        processes.generator(folder) as generator,
        engine(folder, upstream) as running,
    ):
        seen = inside.memory_mb(running, generator, effort.memory_requests)
    return {
        "memory at rest MB": seen[0],
        "memory midway MB": seen[len(seen) // 2],
        "memory at the end MB": seen[-1],
    }


def _starting(folder: Path) -> Figures:
    _tell("start")
    folder.mkdir()
    figures = {
        "help s": inside.help_s(folder),
        "help imports": float(len(inside.heavy_imports_of_help(folder))),
    }
    with processes.upstream(folder) as upstream, engine(folder, upstream) as running:
        painted = inside.first_paint_s(folder, folder / "cctui", running.port)
    return figures if painted is None else {**figures, "first paint s": painted}


def _panel(folder: Path) -> Figures:
    """On the real engine, while it relays 8 streams of 50 events/s."""
    _tell("panel")
    folder.mkdir()
    with (
        processes.upstream(folder) as upstream,
        processes.generator(folder) as generator,
        engine(folder, upstream) as running,
    ):
        generator.start(streams(running, clients=8, seconds=PANEL_STREAMS_S))
        url, token = f"http://127.0.0.1:{running.port}", running.headers[TOKEN_HEADER]
        command = [sys.executable, "-P", "-m", "tests.bench.panel", url, token, str(PANEL_S)]
        env = processes.environment(folder)
        with processes.running(command, env, processes.load_cores(), folder / "panel.log") as shown:
            assert shown.stdout is not None
            told = shown.stdout.readline()
    if not told:
        _tell("left out: the panel ended early\n" + (folder / "panel.log").read_text())
        return {}
    return msgspec.json.decode(told, type=dict[str, float])


def _tell(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(PARTS)}")
    return name


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures the engine and the panel.")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--quick", action="store_true", help="a first impression, about a minute")
    much.add_argument(
        "--full", action="store_true", help="100 000 requests for memory, a ledger of 5 million, more rounds"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help=f"which parts: {', '.join(PARTS)}")
    return parser.parse_args()


if __name__ == "__main__":
    main()

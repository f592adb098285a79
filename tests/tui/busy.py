"""Busy traffic on the fake engine, to look at the panel and to measure it: ``python -m tests.tui.fake_engine``."""

import asyncio
import itertools
import random
import sys
import time
from typing import Any

import msgspec

from proxy import contract as c
from tests.tui import scenes
from tests.tui.fake_engine import FakeEngine

STREAMS = 4
EVENT_S = 0.02
WORDS = [
    "The",
    "handler",
    "retries",
    "before",
    "the",
    "idempotency",
    "key",
    "is",
    "set,",
    "so",
    "a",
    "second",
    "order",
    "can",
    "be",
    "made.",
]


async def play(engine: FakeEngine, streams: int = STREAMS) -> None:
    """Answer request after request, ``streams`` at a time, for ever."""
    shift = time.time() - scenes.NOW
    for name, request in list(engine.scene.requests.items()):
        engine.scene.requests[name] = msgspec.structs.replace(request, started_at=request.started_at + shift)
    for name, session in list(engine.scene.sessions.items()):
        engine.scene.sessions[name] = msgspec.structs.replace(
            session, started_at=session.started_at + shift, last_at=session.last_at + shift
        )
    providers = tuple(
        msgspec.structs.replace(
            one,
            retry_at=one.retry_at + shift if one.retry_at else None,
            models_at=one.models_at + shift if one.models_at else None,
        )
        for one in engine.scene.providers
    )
    engine.scene.providers = providers
    numbers = itertools.count(100)
    async with asyncio.TaskGroup() as group:
        for stream in range(streams):
            group.create_task(_stream(engine, stream, numbers), name=f"stream {stream}")


async def _stream(engine: FakeEngine, stream: int, numbers: Any) -> None:
    dice = random.Random(stream)
    while True:
        number = next(numbers)
        role: dict[str, Any] = [{}, {"role": "agent", "agent_id": "a2", "asked_model": "claude-sonnet-5"}][stream % 2]
        opus = scenes.rescued("anthropic/claude-opus-4.8" if stream % 2 == 0 else "anthropic/claude-sonnet-5")
        request = scenes.live(
            number, 0.0, phase="waiting", ttft_ms=None, output_bytes=0, usage=c.Usage(), **role, **opus
        )
        request = msgspec.structs.replace(request, started_at=time.time())
        engine.emit(c.RequestChanged(request=request))
        await asyncio.sleep(dice.uniform(0.4, 1.5))
        request = await _speak(engine, request, dice)
        done = {
            "phase": "done",
            "outcome": "served",
            "status": 200,
            "cost_nano_usd": dice.randrange(50_000_000, 400_000_000),
        }
        done |= {"duration_ms": (time.time() - request.started_at) * 1000, "cost_source": "genai-prices"}
        engine.emit(c.RequestChanged(request=msgspec.structs.replace(request, **done)))
        session = engine.scene.sessions["5e551011-aaaa"]
        engine.emit(
            c.SessionChanged(session=msgspec.structs.replace(session, last_at=time.time()), today=engine.scene.today)
        )
        await asyncio.sleep(dice.uniform(0.1, 1.0))


async def _speak(engine: FakeEngine, request: c.Request, dice: random.Random) -> c.Request:
    ttft = (time.time() - request.started_at) * 1000
    kinds: list[tuple[c.StreamKind, str | None]] = [("thinking", None), ("text", None), ("tool", "Edit")]
    size = 0
    for block, (kind, title) in enumerate(kinds):
        for step in range(dice.randrange(60, 160)):
            text = f"{WORDS[step % len(WORDS)]} " if kind != "tool" else f'"{WORDS[step % len(WORDS)]}", '
            size += len(text)
            engine.emit(
                c.StreamPart(
                    request_id=request.id, kind=kind, block=block, text=text, title=title if not step else None
                )
            )
            if step % 3 == 0:
                counts = scenes.usage(28_400 + size, 310, size // 4)
                request = msgspec.structs.replace(
                    request, phase="streaming", ttft_ms=ttft, output_bytes=size * 10, usage=counts, usage_estimated=True
                )
                engine.emit(c.RequestChanged(request=request))
            await asyncio.sleep(EVENT_S)
    return request


async def _serve(port: int, streams: int) -> None:
    async with FakeEngine(scenes.at_work(), port) as engine:
        engine.models = scenes.models()
        engine.report = c.UsageReport(
            total=scenes._tally(226, 1187),
            rows=(
                c.UsageRow(key="claude-opus-4-8", tally=scenes._tally(120, 900)),
                c.UsageRow(key="openai/gpt-5.5", tally=scenes._tally(106, 287)),
            ),
        )
        await play(engine, streams)


def main() -> None:
    port, streams = (int(word) for word in (sys.argv[1:] + ["8799", str(STREAMS)][len(sys.argv) - 1 :]))
    asyncio.run(_serve(port, streams))

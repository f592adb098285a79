"""A fault beside the traffic costs a line in the log: no request, no record, no chore, no other provider."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from proxy import contract as c
from proxy import engine as engine_module
from proxy import housekeeping
from proxy.board import Board
from proxy.dispatch import Dispatch
from proxy.feed import Feed
from proxy.keptfile import KeptFile
from proxy.ledger.queries import LedgerReader
from proxy.net import attempt as attempts
from proxy.net.discovery import Discovery
from proxy.net.relay import Relay
from proxy.providers import ProviderConfig
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import TIMEOUT_S, RunningEngine, message, provider, settings
from tests.upstreams import Gate, Hold, ScriptedUpstream, as_json, as_stream, message_events, message_stream
from tests.upstreams.dialects import Said, answer

EVENTS = message_events("one two three")
HOOKS = (
    "books._price", "gate.budgets.ended", "board.ended", "catalog.note_used", "telemetry.record", "totals.add",
    "_herald.served", "discovery.served", "books.names.ended", "cachewatch.ended",
)  # fmt: skip


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("a fault of the engine's own")


def break_hook(monkeypatch: pytest.MonkeyPatch, engine: RunningEngine, hook: str) -> None:
    owner: Any = engine.engine
    *path, name = hook.split(".")
    for part in path:
        owner = getattr(owner, part)
    monkeypatch.setattr(type(owner), name, broken)


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """Whoever waits for it in a thread goes on after the test at the latest."""
    made = threading.Event()
    yield made
    made.set()


@pytest.mark.parametrize("hook", HOOKS)
async def test_whatever_fails_after_an_answer_it_is_recorded_all_the_same(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    break_hook(monkeypatch, engine, hook)
    response = await engine.ask()
    await engine.record()
    rows = (await engine.look("requests")).json()
    assert (response.content, [row["outcome"] for row in rows]) == (message_stream(), ["served"])
    assert sum(record.exc_info is not None for record in caplog.records) == 1


@pytest.mark.parametrize("hook", ["feed.opened", "board.opened", "books.names.opened"])
async def test_whatever_fails_when_a_request_arrives_it_is_served(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    break_hook(monkeypatch, engine, hook)
    assert (await engine.ask()).status_code == 200
    assert ((await engine.record()).outcome, engine.engine.board.live) == ("served", {})


async def test_a_fault_in_what_is_learned_of_health_leaves_no_connection_open(
    engine: RunningEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.script = as_stream(*EVENTS[:4], b"event: error\ndata: {}\n\n", Hold())
    monkeypatch.setattr(engine.engine.health, "note", broken)
    async with engine.asking() as response:
        await anext(response.aiter_raw())
    await upstream.wait_closed(0)
    assert ((await engine.record()).outcome, engine.engine._relay._trying) == ("cancelled", set())


async def test_the_record_of_a_fault_of_the_engine_s_own_says_so(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dispatch, "room", broken)
    response = await engine.ask()
    record = await engine.record()
    assert (response.status_code, record.outcome) == (502, "failed")
    assert record.error == "the engine made a mistake; its log says which"


@pytest.mark.parametrize(("owner", "name"), [(Feed, "tick"), (Relay, "keep_alive"), (Board, "turn_day")])
async def test_a_chore_outlives_the_fault_of_a_beat(
    start: StartEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    third, beats = Gate("the third beat"), itertools.count(1)

    def beat(*_: object) -> None:
        if next(beats) == 3:
            third.open()
        raise RuntimeError("a fault of the engine's own")

    monkeypatch.setattr(owner, name, beat)
    monkeypatch.setattr(engine_module, "TICK_S", 0.001)
    monkeypatch.setattr(engine_module, "SIGNS_OF_LIFE_S", 0.001)
    monkeypatch.setattr(housekeeping, "BEAT_S", 0.001)
    await start(settings(provider(upstream)))
    await third.wait()


async def test_an_engine_starts_though_the_last_day_cannot_be_read(
    start: StartEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LedgerReader, "since", broken)
    engine = await start(settings(provider(upstream)))
    assert (await engine.ask()).status_code == 200


async def test_a_disk_that_hangs_does_not_hold_up_signs_of_life(
    start: StartEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, blocked: threading.Event
) -> None:
    events, saving = message_events("one two", ping=False), Gate("the write that hangs")

    def hang(*_: object) -> None:
        saving.open()
        blocked.wait(TIMEOUT_S)

    monkeypatch.setattr(attempts, "PING_S", 0.0)
    monkeypatch.setattr(engine_module, "SIGNS_OF_LIFE_S", 0.01)
    monkeypatch.setattr(housekeeping, "BEAT_S", 0.01)
    upstream.script = as_stream(*events[:3], Hold(), *events[3:])
    engine = await start(settings(provider(upstream)))
    got = b""
    async with engine.asking() as response:
        monkeypatch.setattr(KeptFile, "keep_now", hang)
        engine.engine.health.rest(engine.engine.providers["first"], True)
        engine.engine._provider_news()
        await saving.wait()
        async for piece in response.aiter_raw():
            got += piece
            if got.count(b"event: ping") == 2:
                upstream.release()
    assert not blocked.is_set()
    blocked.set()
    assert events[-1] in got


async def test_panels_that_wait_for_the_ledger_do_not_hold_up_a_translation(
    start: StartEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, blocked: threading.Event
) -> None:
    upstream.script = lambda call: answer("openai-chat", call, Said("Hello."))
    foreign = {"preset": "openai-compatible", "base_url": upstream.url, "api_key": "k", "models": ["m"]}
    engine = await start(settings(foreign, route={"default": "first/m"}))
    waiting = Gate("a panel waits for the ledger")

    def hang(*_: object) -> bool:
        waiting.open()
        return blocked.wait(TIMEOUT_S)

    monkeypatch.setattr(engine.engine.writer, "flush", hang)
    panels = [asyncio.create_task(engine.look("usage")) for _ in range(80)]
    await waiting.wait()
    for _ in range(3):
        await engine.look("state")

    response = await engine.ask(message(system="x" * 300_000))

    assert (response.status_code, any(panel.done() for panel in panels)) == (200, False)
    blocked.set()
    assert {(await panel).status_code for panel in panels} == {200}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("two\nlines", "the key has a line break"),
        ("nul\x00", "the key has a line break or another control character"),
        ("cmd:printf 'a\\tb'", "the key that its command prints has a line break"),
        ("cmd:pass show 'team", "mend its quotes"),
        ("cmd:", "names no command"),
    ],
)
async def test_a_key_that_no_header_can_hold_is_told_and_the_next_provider_serves(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, key: str, words: str
) -> None:
    engine = await start(settings(provider(upstream, api_key=key), provider(second), fallback=True))
    assert (await engine.ask()).status_code == 200
    record = await engine.record()
    assert (record.provider, record.attempts[0].outcome, len(upstream.calls)) == ("second", "no_credential", 0)
    assert words in str(record.attempts[0].reason)


async def test_one_provider_s_oddity_does_not_cost_the_others_their_model_lists(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    second.script = as_json(b'{"data": [{"id": "m-1"}]}')
    odd, plain = ({"base_url": each.url, "auth": "none"} for each in (upstream, second))
    engine = await start(settings(odd, plain))
    fetch = Discovery._fetch

    async def fetched(self: Discovery, config: ProviderConfig, headers: Any) -> Any:
        return broken() if config.name == "first" else await fetch(self, config, headers)

    monkeypatch.setattr(Discovery, "_fetch", fetched)
    models = (await engine.look("models", refresh="1")).json()
    assert [model["id"] for model in models["models"] if model["provider"] == "second"] == ["m-1"]
    [told] = [each["models_error"] for each in models["providers"] if each["name"] == "first"]
    assert "the engine's log says why" in told


async def test_a_login_that_lists_no_models_is_not_asked_for_them_with_every_request(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    refused = as_json(b'{"type":"error","error":{"type":"permission_error","message":"no"}}', 403)
    upstream.script = lambda call: refused if call.method == "GET" else as_stream(*EVENTS)
    engine = await start(
        settings(
            {"base_url": upstream.url, "dialect": "anthropic", "auth": "passthrough", "passthrough_host": "127.0.0.1"}
        )
    )
    for _ in range(5):
        await asyncio.gather(*(engine.ask(authorization="Bearer sk-ant-oat01-login") for _ in range(4)))
    await upstream.arrived(21)
    assert sum(call.method == "GET" for call in upstream.calls) == 1


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("use", c.Use(target="first")),
        ("fallback", c.SetFallback(enabled=True)),
        ("rest", c.RestProvider(provider="first", resting=False)),
        ("favourite", c.SetFavourite(provider="first", model="m", favourite=True)),
        ("budget/set", c.SetBudget(kind="day", amount_nano_usd=10**12)),
    ],
)
async def test_a_command_that_waits_for_the_disk_does_not_hold_up_traffic(
    engine: RunningEngine,
    monkeypatch: pytest.MonkeyPatch,
    blocked: threading.Event,
    name: str,
    command: msgspec.Struct,
) -> None:
    saving = Gate("the write that hangs")

    def hang(*_: object) -> None:
        saving.open()
        blocked.wait(TIMEOUT_S)

    await engine.look("state")
    monkeypatch.setattr(KeptFile, "keep_now", hang)
    told = asyncio.create_task(engine.command(name, command))
    await saving.wait()
    assert (await engine.ask()).status_code == 200
    assert not told.done()
    blocked.set()
    assert (await told).status_code == 200


async def test_a_session_that_only_the_ledger_knows_is_looked_up_beside_traffic(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch, blocked: threading.Event
) -> None:
    asked = Gate("the ledger was asked")

    def slow(_: LedgerReader, start: str) -> list[str]:
        asked.open()
        blocked.wait(TIMEOUT_S)
        return [f"{start}-session"]

    monkeypatch.setattr(LedgerReader, "sessions", slow)
    told = asyncio.create_task(engine.command("use", c.Use(target="first", session="old")))
    await asked.wait()
    assert (await engine.ask()).status_code == 200
    assert not told.done()
    blocked.set()
    assert (await told).json()["overrides"][0]["session"] == "old-session"

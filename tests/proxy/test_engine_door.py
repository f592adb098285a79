"""The control door as a whole: who is let in on each of its paths, and what hostile questions and commands do there."""

import asyncio
import json

import msgspec
import pytest
from starlette.routing import Route

from proxy import contract as c
from proxy.desk import ControlDesk
from proxy.net.control import control_door
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import TIMEOUT_S, RunningEngine, provider, settings
from tests.upstreams import Hold, ScriptedUpstream, as_stream, message_events

HOSTILE = ("", "-1", "1e308", "NaN", "9" * 40, "x" * 10_000, "\x00", "'; DROP TABLE requests; --", "\U0010ffff")
NAMES = (*c.Choice.__struct_fields__, "by", "limit", "request", "refresh", "nonce", "panel", "nonsense")
EVENTS = message_events("one two")


def routes(engine: RunningEngine) -> list[tuple[str, str]]:
    """Method and path of everything behind the door, the feed left out: it has no end."""
    door = control_door(ControlDesk(engine.engine))
    found = [(method, each.path) for each in door.routes if isinstance(each, Route) for method in each.methods or ()]
    return [(method, path.replace("{request_id}", "r1")) for method, path in found if not path.endswith("/feed")]


async def test_every_path_wants_the_token_but_the_one_that_proves_the_engine_has_it(engine: RunningEngine) -> None:
    del engine.http.headers[c.TOKEN_HEADER]
    open_to_all = [
        path
        for method, path in routes(engine)
        for wrong in ({}, {c.TOKEN_HEADER: "x"}, {"authorization": "Bearer x"}, {"x-api-key": ""})
        if (await engine.http.request(method, path, headers=wrong)).status_code != 401
    ]
    assert set(open_to_all) == {f"{c.DOOR}/hello"}


@pytest.mark.parametrize(
    "headers", [{"origin": "http://localhost"}, {"origin": "null"}, {"host": "localhost.evil.example"}], ids=str
)
async def test_no_path_answers_a_web_page_though_it_has_the_token(
    engine: RunningEngine, headers: dict[str, str]
) -> None:
    found = {(await engine.http.request(method, path, headers=headers)).status_code for method, path in routes(engine)}
    assert found == {403}


async def test_no_question_however_hostile_is_a_fault_of_the_engine(engine: RunningEngine) -> None:
    await engine.ask()
    await engine.record()
    paths = [path for method, path in routes(engine) if method == "GET"]
    answers = [
        (path, name, value, await engine.http.get(path, params={name: value}))
        for path in paths
        for name in NAMES
        for value in HOSTILE
    ]
    assert [(path, name, value) for path, name, value, answer in answers if answer.status_code >= 500] == []
    assert (await engine.look("usage")).json()["total"]["requests"] == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"a":' * 5000, b'"' + b"x" * 10**6 + b'"'])
async def test_no_command_however_hostile_is_a_fault_of_the_engine(
    start: StartEngine, upstream: ScriptedUpstream, body: bytes
) -> None:
    engine = await start(settings(provider(upstream)))
    for method, path in routes(engine):
        if method == "POST" and not path.endswith("/stop"):
            assert (await engine.http.post(path, content=body)).status_code < 500, path
    assert (await engine.look("state")).status_code == 200


@pytest.mark.parametrize("amount", [2**62, 2**63, 10**30])
async def test_an_amount_beyond_all_money_hides_the_state_from_nobody(engine: RunningEngine, amount: int) -> None:
    command = b'{"kind": "day", "amount_nano_usd": %d}' % amount
    for _ in range(3):
        await engine.http.post(f"{c.DOOR}/budget/set", content=command)
        await engine.http.post(f"{c.DOOR}/budget/grant", content=command)
    assert ((await engine.look("state")).status_code, (await engine.ask()).status_code) == (200, 200)


@pytest.mark.parametrize("at", [-5.0, 1e12, 1e18, 1e300])
async def test_an_answer_from_beyond_the_calendar_is_left_out(engine: RunningEngine, at: float) -> None:
    usage = {"input_tokens": 5, "output_tokens": 6}
    answers = [
        {"message_id": f"m-{when}", "at": when, "model": "claude-opus-4-8", "usage": usage} for when in (at, 1.7e9)
    ]
    response = await engine.http.post(f"{c.DOOR}/import", content=json.dumps({"answers": answers}))
    report = msgspec.json.decode(response.content, type=c.ImportReport)
    assert (report.added.requests, report.empty) == (1, 1)
    for path in ("usage?by=day", "usage?by=week", "latency", "whatif", "requests"):
        assert (await engine.http.get(f"{c.DOOR}/{path}")).status_code == 200


@pytest.mark.parametrize("drain_s", [1e308, 1e18])
async def test_a_stop_with_all_patience_lets_the_running_stream_end(
    engine: RunningEngine, upstream: ScriptedUpstream, drain_s: float
) -> None:
    upstream.script = as_stream(*EVENTS[:4], Hold(), *EVENTS[4:])
    async with engine.asking() as response:
        await engine.command("stop", c.Stop(drain_s=drain_s))
        upstream.release()
        assert await response.aread() == b"".join(EVENTS)
    async with asyncio.timeout(TIMEOUT_S):
        await engine.running


async def test_a_fault_of_the_engine_is_told_in_the_door_s_own_form(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> c.Snapshot:
        raise RuntimeError("a fault of the engine's own")

    monkeypatch.setattr(engine.engine.overview, "snapshot", broken)
    response = await engine.look("state")
    told = msgspec.json.decode(response.content, type=c.Refusal)
    assert (response.status_code, told.code) == (500, "failed")

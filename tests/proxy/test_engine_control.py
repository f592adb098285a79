"""The control door of a running engine: commands, questions, refusals."""

from typing import Any

import msgspec
import pytest

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import Hold, Refused, ScriptedUpstream, as_json, as_stream, error_body, message_events

CLAUDES = ["claude-opus-4-8", "claude-sonnet-4-5", "claude-haiku-4-5"]


@pytest.fixture
async def two(start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream) -> RunningEngine:
    """Two providers with lists of their own: Claude's, and another spelling beside a foreign model."""
    return await start(
        settings(
            provider(upstream, models=CLAUDES),
            provider(second, models=["anthropic/claude-opus-4.8", "vendor/gpt-5.5"]),
        )
    )


async def served_by(engine: RunningEngine, model: str = "claude-opus-4-8", **headers: str) -> tuple[str | None, ...]:
    """Provider and model that served the next request."""
    await engine.ask(message(model), **headers)
    record = await engine.record(len(engine.engine.exchanges))
    return record.provider, record.target_model


async def use(engine: RunningEngine, target: str, **more: Any) -> c.Route:
    response = await engine.command("use", c.Use(target=target, **more))
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=c.Route)


@pytest.mark.parametrize(
    ("target", "served"),
    [
        ("second", ("second", "anthropic/claude-opus-4.8")),
        ("second/vendor/gpt-5.5", ("second", "vendor/gpt-5.5")),
        ("vendor/gpt-5.5", ("second", "vendor/gpt-5.5")),
        ("gpt-5.5", ("second", "vendor/gpt-5.5")),
        ("claude-sonnet-4-5", ("first", "claude-sonnet-4-5")),
        ("second/claude-opus-4-8", ("second", "anthropic/claude-opus-4.8")),
    ],
)
async def test_traffic_goes_where_it_was_sent(two: RunningEngine, target: str, served: tuple[str, str]) -> None:
    await use(two, target)
    assert await served_by(two) == served


async def test_as_asked_takes_the_choice_back(two: RunningEngine) -> None:
    await use(two, "gpt-5.5")
    route = await use(two, c.AS_ASKED)
    assert (route.overrides, await served_by(two)) == ((), ("first", "claude-opus-4-8"))


async def test_a_choice_for_a_session_leaves_the_others_alone(two: RunningEngine) -> None:
    await use(two, "gpt-5.5", session="11111111-2222-4333-8444-555555555555")
    assert (await served_by(two, x_claude_code_session_id="11111111-2222-4333-8444-555555555555"))[0] == "second"
    assert (await served_by(two, x_claude_code_session_id="s-2"))[0] == "first"


async def test_a_session_may_be_named_by_the_start_of_its_id(two: RunningEngine) -> None:
    await served_by(two, x_claude_code_session_id="abcdef-1")
    route = await use(two, "gpt-5.5", session="abc")
    assert route.overrides[0].session == "abcdef-1"


async def test_the_start_of_two_ids_is_refused(two: RunningEngine) -> None:
    await served_by(two, x_claude_code_session_id="abc-1")
    await served_by(two, x_claude_code_session_id="abc-2")
    response = await two.command("use", c.Use(target="gpt-5.5", session="abc"))
    assert (response.status_code, "abc-1, abc-2" in response.json()["message"]) == (404, True)


@pytest.mark.parametrize(
    ("slot", "model", "headers"),
    [
        ("haiku", "claude-haiku-4-5", {}),
        ("sonnet", "claude-sonnet-4-5", {}),
        ("opus", "claude-opus-4-8", {}),
        ("subagent", "claude-opus-4-8", {"x_claude_code_agent_id": "a-1"}),
    ],
)
async def test_a_choice_for_a_slot_takes_that_slot_alone(
    two: RunningEngine, slot: c.Slot, model: str, headers: dict[str, str]
) -> None:
    await use(two, "gpt-5.5", slot=slot)
    others = [each for each in CLAUDES if each != model]
    assert (await served_by(two, model, **headers))[0] == "second"
    assert [(await served_by(two, each))[0] for each in others] == ["first", "first"]


async def test_the_record_says_why_a_request_went_where_it_went(two: RunningEngine) -> None:
    await use(two, "gpt-5.5", slot="opus")
    await two.ask()
    assert (await two.record()).why == "opus of all traffic set to second/vendor/gpt-5.5"


async def test_a_running_request_stays_where_it_is(two: RunningEngine, upstream: ScriptedUpstream) -> None:
    events = message_events()
    upstream.script = as_stream(*events[:4], Hold(), *events[4:])
    async with two.asking() as response:
        await use(two, "second")
        upstream.release()
        content = b"".join([chunk async for chunk in response.aiter_raw()])
    assert (content, (await two.record()).provider) == (b"".join(events), "first")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nobody/x", "no provider or model is called"),
        ("second/gpt-55", "Did you mean"),
        ("", "no provider or model is called"),
        ("claude-opus-4-8", "several providers"),
    ],
)
async def test_a_target_that_cannot_be_is_refused_in_words(two: RunningEngine, target: str, words: str) -> None:
    response = await two.command("use", c.Use(target=target))
    refusal = msgspec.json.decode(response.content, type=c.Refusal)
    assert (response.status_code, refusal.code, words in refusal.message) == (400, "no_target", True)
    assert (await two.snapshot()).route.overrides == ()


async def test_a_provider_without_any_fitting_model_is_refused(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream), provider(second, models=["gpt-5.5"])))
    response = await engine.command("use", c.Use(target="second"))
    assert (response.status_code, "lists no model" in response.json()["message"]) == (400, True)


@pytest.mark.parametrize("command", ["use", "fallback", "favourite", "watch", "stop"])
@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"target": 7, "enabled": 7, "panel": 7, "provider": 7, "drain_s": []}']
)
async def test_a_command_that_cannot_be_read_is_refused(engine: RunningEngine, command: str, body: bytes) -> None:
    response = await engine.http.post(f"{c.DOOR}/{command}", content=body)
    assert (response.status_code, response.json()["code"]) == (400, "refused")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("usage?by=colour", 400),
        ("usage?colour=red", 400),
        ("usage?role=boss", 400),
        ("usage?session=nobody", 404),
        ("latency?by=model", 400),
        ("latency?until=inf", 400),
        ("requests?by=model", 400),
        ("usage?since=yesterday", 400),
        ("usage?since=nan", 400),
        ("usage?limit=few", 400),
        ("requests?limit=many", 400),
        ("requests?limit=nan", 400),
        ("requests?limit=inf", 400),
        ("requests/unknown", 404),
        ("feed", 400),
        ("elsewhere", 404),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(engine: RunningEngine, path: str, status: int) -> None:
    assert (await engine.http.get(f"{c.DOOR}/{path}")).status_code == status


async def test_the_choice_and_the_toggle_survive_a_restart_and_each_other(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    chosen = settings(provider(upstream), provider(second), fallback=True)
    engine = await start(chosen)
    await engine.command("fallback", c.SetFallback(enabled=False))
    await use(engine, "second")
    await engine.stop()
    route = (await (await start(chosen)).snapshot()).route
    assert (route.fallback_enabled, [each.provider for each in route.overrides]) == (False, ["second"])


async def test_the_chain_can_be_replaced(two: RunningEngine) -> None:
    response = await two.command("fallback", c.SetFallback(enabled=True, chain=("gpt-5.5", "second")))
    route = msgspec.json.decode(response.content, type=c.Route)
    assert (route.fallback_enabled, route.chain) == (True, ("second/vendor/gpt-5.5", "second"))


async def test_a_chain_with_an_unknown_target_is_refused_whole(two: RunningEngine) -> None:
    response = await two.command("fallback", c.SetFallback(enabled=True, chain=("second", "nobody")))
    snapshot = await two.snapshot()
    assert (response.status_code, snapshot.route.fallback_enabled, snapshot.route.chain) == (400, False, ("second",))


async def test_a_favourite_is_remembered_over_a_restart(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    chosen = settings(provider(upstream), provider(second, models=["gpt-5.5"]))
    engine = await start(chosen)
    await engine.command("favourite", c.SetFavourite(provider="second", model="gpt-5.5", favourite=True))
    await engine.stop()
    plan = (await (await start(chosen)).look("launch")).json()
    assert plan["favourite"]["id"] == "gpt-5.5"


async def test_a_favourite_of_an_unknown_provider_is_refused(engine: RunningEngine) -> None:
    response = await engine.command("favourite", c.SetFavourite(provider="nobody", model="m", favourite=True))
    assert response.status_code == 404


async def test_the_launch_plan_names_the_provider_in_force(two: RunningEngine) -> None:
    await use(two, "second")
    plan = (await two.look("launch")).json()
    assert (plan["provider"], plan["own_credential"], plan["url"]) == ("second", True, two.url)


async def test_requests_are_listed_newest_first_with_those_that_run(
    two: RunningEngine, upstream: ScriptedUpstream
) -> None:
    await two.ask(x_claude_code_session_id="s-1")
    await two.record(1)
    upstream.script = as_stream(*message_events()[:4], Hold())
    async with two.asking(x_claude_code_session_id="s-2"):
        await two.engine.arrived(2)
        rows = (await two.look("requests", limit="10")).json()
        only = (await two.look("requests", session="s-1")).json()
    assert [(row["session_id"], row.get("phase", "waiting")) for row in rows] == [("s-2", "streaming"), ("s-1", "done")]
    assert [row["session_id"] for row in only] == ["s-1"]


async def test_the_limit_of_a_list_holds(engine: RunningEngine) -> None:
    for _ in range(4):
        await engine.ask()
    await engine.record(4)
    assert [len((await engine.look("requests", limit=str(limit))).json()) for limit in (0, 1, 3, 9)] == [0, 1, 3, 4]


async def test_the_inspector_shows_what_was_asked_and_answered(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(b"".join(message_events("Hello there.", thinking="Let me see.")))
    await engine.ask()
    record = await engine.record()
    detail = msgspec.json.decode((await engine.look(f"requests/{record.id}")).content, type=c.Detail)
    assert [(part.kind, part.text) for part in detail.answer] == [("thinking", "Let me see."), ("text", "Hello there.")]
    assert dict(detail.body_outline)["model"] == '"claude-opus-4-8"'


async def test_the_inspector_shows_a_request_of_an_earlier_engine_without_its_texts(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream)))
    await engine.ask()
    record = await engine.record()
    await engine.stop()
    again = await start(settings(provider(upstream)))
    detail = msgspec.json.decode((await again.look(f"requests/{record.id}")).content, type=c.Detail)
    assert (detail.request, detail.answer) == (record, ())


async def test_a_session_shows_its_sums_and_its_agents(two: RunningEngine) -> None:
    await two.ask(message(tools=[{"name": "t"}]), x_claude_code_session_id="s", x_cctui_project="shop")
    for agent in ("a-1", "a-2", "a-1"):
        await two.ask(x_claude_code_session_id="s", x_claude_code_agent_id=agent)
    await two.ask(message("claude-haiku-4-5"), x_claude_code_session_id="s")
    await two.record(5)
    session = (await two.snapshot()).sessions[0]
    assert (session.id, session.project, session.tally.requests, session.in_flight) == ("s", "shop", 5, 0)
    told = [(each.role, each.agent_id, each.ordinal, each.tally.requests) for each in session.agents]
    assert told == [("main", None, 0, 1), ("agent", "a-1", 1, 2), ("agent", "a-2", 2, 1), ("background", None, 0, 1)]
    assert session.tally.cost_nano_usd == sum(each.tally.cost_nano_usd for each in session.agents)


async def test_history_and_sums_are_back_after_a_restart(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream)))
    await engine.ask(x_claude_code_session_id="s")
    record = await engine.record()
    before = await engine.snapshot()
    await engine.stop()
    after = await (await start(settings(provider(upstream)))).snapshot()
    assert (after.requests, after.sessions, after.today) == ((record,), before.sessions, before.today)


async def test_a_default_that_names_nothing_is_a_problem_that_is_told(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream), route={"default": "frist"}))
    response = await engine.ask()
    assert (response.status_code, "frist" in response.text) == (404, True)
    assert "route.default" in " ".join((await engine.snapshot()).problems)


async def test_stop_at_the_door_ends_the_engine(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream)))
    response = await engine.command("stop", c.Stop())
    await engine.running
    assert (response.json(), engine.paths.runtime_file.exists()) == ({"ok": True}, False)


async def test_a_failed_request_is_listed_with_the_provider_s_words(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("permission_error", "this key may not"), 403)
    await engine.ask()
    await engine.record()
    row = (await engine.look("requests")).json()[0]
    assert (row["outcome"], row["status"], "this key may not" in row["attempts"][0]["reason"]) == ("failed", 403, True)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("usage?by=colour", "session, agent, role, model, provider, project, hour, day, week, month, hour_of_day"),
        ("usage?role=boss", "main, agent, background"),
        ("latency?colour=red", "since, until, project, provider, model, session, agent, role"),
    ],
)
async def test_a_refused_question_says_what_can_be_asked(engine: RunningEngine, path: str, words: str) -> None:
    assert words in (await engine.http.get(f"{c.DOOR}/{path}")).json()["message"]


async def test_every_field_of_a_choice_narrows_sums_and_lists_alike(two: RunningEngine) -> None:
    await two.ask(message(tools=[{"name": "t"}]), x_claude_code_session_id="abc-1", x_cctui_project="shop")
    await two.ask(message("claude-haiku-4-5"), x_claude_code_session_id="abc-1", x_cctui_project="shop")
    await use(two, "gpt-5.5")
    await two.ask(x_claude_code_session_id="xyz-2", x_claude_code_agent_id="a-1")
    last = await two.record(3)
    for query, count in (
        ({}, 3), ({"project": "shop"}, 2), ({"project": ""}, 1), ({"provider": "second"}, 1), ({"role": "main"}, 1),
        ({"role": "background"}, 1), ({"agent": "a-1"}, 1), ({"session": "abc"}, 2), ({"session": "xyz-2"}, 1),
        ({"model": last.served_model or ""}, 3), ({"since": repr(last.started_at)}, 1),
        ({"until": repr(last.started_at)}, 2), ({"project": "shop", "role": "agent"}, 0),
    ):  # fmt: skip
        usage = msgspec.json.decode((await two.look("usage", **query)).content, type=c.UsageReport)
        rows = (await two.look("requests", **query)).json()
        latency = msgspec.json.decode((await two.look("latency", **query)).content, type=c.LatencyReport)
        counts = (usage.total.requests, len(rows), sum(row.requests for row in latency.rows))
        assert (query, counts) == (query, (count, count, count))


async def test_requests_older_than_the_settings_keep_are_removed_and_stay_in_the_sums(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream)))
    await engine.ask()
    record = await engine.record()
    long_ago = msgspec.structs.replace(record, id="old", started_at=record.started_at - 40 * 86400)
    engine.engine.writer.record(long_ago)
    await engine.stop()
    again = await start(settings(provider(upstream), history={"keep_days": 30}))
    while (await again.look("requests/old")).status_code != 404:
        again.engine.writer.flush()
    rows = (await again.look("requests")).json()
    usage = msgspec.json.decode((await again.look("usage")).content, type=c.UsageReport)
    assert ([row["id"] for row in rows], usage.total.requests) == ([record.id], 2)


async def test_a_provider_without_a_list_is_tried_at_its_address(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_json(b"{}", 404)
    tried = (await engine.command("try", c.TryProvider(provider="first"))).json()
    assert tried["ok"]
    assert tried["text"] == "first is there (status 404) but lists no models: its key shows with the next request"
    [call] = upstream.calls
    assert (call.method, call.header("authorization"), call.header("x-api-key")) == ("GET", None, None)


async def test_a_provider_without_a_list_that_is_down_is_said_to_be(start: StartEngine) -> None:
    with Refused() as dead:
        engine = await start(settings(provider(dead.url)))
        tried = (await engine.command("try", c.TryProvider(provider="first"))).json()
    assert (tried["ok"], "first: refuses connections" in tried["text"]) == (False, True)

"""The feed on a real socket: whole state first, changes after it, text only for those who watch."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import httpx
import msgspec
import pytest

from proxy import contract as c
from proxy import feed as feed_module
from tests.proxy.conftest import StartEngine
from tests.proxy.running_engine import TIMEOUT_S, RunningEngine, message, provider, settings
from tests.upstreams import (
    Gate,
    Hold,
    Pause,
    ScriptedUpstream,
    as_json,
    as_stream,
    error_body,
    message_events,
    tool_call,
)

EVENTS = message_events("one two three", thinking="hm")


_decode: Callable[[str], c.Event] = msgspec.json.Decoder(c.Event).decode


class Panel:
    """A panel's end of the feed: reads event by event."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.numbers: list[int] = []

    async def next(self) -> c.Event:
        async for line in self._lines:
            if line.startswith("id: "):
                self.numbers.append(int(line.removeprefix("id: ")))
            if line.startswith("data: "):
                return _decode(line.removeprefix("data: "))
        raise AssertionError("the feed ended")

    async def until(self, wanted: Callable[[c.Event], bool]) -> list[c.Event]:
        """Everything up to and with the first wanted event."""
        seen: list[c.Event] = []
        async with asyncio.timeout(TIMEOUT_S):
            while not seen or not wanted(seen[-1]):
                seen.append(await self.next())
        return seen


@contextlib.asynccontextmanager
async def panel(engine: RunningEngine, name: str = "p") -> AsyncIterator[Panel]:
    async with engine.http.stream("GET", f"{c.DOOR}/feed", params={"panel": name}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Panel(response)


def done(event: c.Event) -> bool:
    return isinstance(event, c.RequestChanged) and event.request.phase == "done"


def texts(events: list[c.Event]) -> str:
    return "".join(each.text for each in events if isinstance(each, c.StreamPart))


async def test_the_whole_state_comes_first(engine: RunningEngine) -> None:
    await engine.ask()
    record = await engine.record()
    async with panel(engine) as screen:
        first = await screen.next()
    assert isinstance(first, c.Snapshot)
    assert (first.requests, first.engine.url) == ((record,), engine.url)


async def test_a_request_is_seen_from_its_arrival_to_its_end(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    headers, rest = Gate("headers"), Gate("rest")
    upstream.script = as_stream(Pause(headers), *EVENTS[:5], Pause(rest), *EVENTS[5:])
    async with panel(engine) as screen:
        await screen.next()
        asking = asyncio.create_task(engine.ask())
        await screen.until(lambda event: isinstance(event, c.RequestChanged) and event.request.phase == "waiting")
        headers.open()
        await screen.until(lambda event: isinstance(event, c.RequestChanged) and event.request.phase == "streaming")
        rest.open()
        last = (await screen.until(done))[-1]
        await asking
    assert isinstance(last, c.RequestChanged)
    assert last.request == await engine.record()


async def test_the_sums_of_the_session_follow_its_requests(engine: RunningEngine) -> None:
    async with panel(engine) as screen:
        await screen.next()
        await engine.ask(x_claude_code_session_id="s")
        seen = await screen.until(lambda event: isinstance(event, c.SessionChanged) and event.session.in_flight == 0)
    last = seen[-1]
    assert isinstance(last, c.SessionChanged)
    assert (last.session.tally.requests, last.today.requests) == (1, 1)


async def test_the_budgets_of_a_session_follow_its_requests(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream), budget={"session_usd": 1, "month_usd": 9}))
    async with panel(engine) as screen:
        await screen.next()
        await engine.ask(x_claude_code_session_id="s")
        seen = await screen.until(lambda event: isinstance(event, c.SessionChanged) and event.session.in_flight == 0)
    last, record = seen[-1], await engine.record()
    assert isinstance(last, c.SessionChanged)
    assert {each.kind: each.spent_nano_usd for each in last.budgets} == dict.fromkeys(
        ("session", "month"), record.cost_nano_usd
    )


async def test_at_midnight_panels_are_told_of_the_new_day(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await start(settings(provider(upstream), budget={"month_usd": 9}))
    await engine.ask()
    record = await engine.record()
    tomorrow = c.midnight(c.local_day(time.time()) + timedelta(days=1))
    async with panel(engine) as screen:
        await screen.next()
        await engine.engine._house.look_after(tomorrow, 1)
        seen = await screen.until(lambda event: isinstance(event, c.Snapshot) and event.today == c.Tally())
    last = seen[-1]
    assert isinstance(last, c.Snapshot)
    assert [(each.kind, each.spent_nano_usd) for each in last.budgets] == [("month", record.cost_nano_usd)]


async def test_events_are_numbered_upwards(engine: RunningEngine) -> None:
    async with panel(engine) as screen:
        await screen.next()
        await engine.ask()
        await screen.until(done)
    assert screen.numbers == sorted(set(screen.numbers))


async def test_many_changes_of_a_request_become_few_events(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(*message_events("word " * 3000))
    async with panel(engine) as screen:
        await screen.next()
        await engine.ask()
        seen = await screen.until(done)
    assert len(seen) < 300


async def test_text_goes_to_nobody_who_does_not_watch(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(*EVENTS)
    async with panel(engine) as screen:
        await screen.next()
        await engine.ask()
        seen = await screen.until(done)
    assert [each for each in seen if isinstance(each, c.StreamPart)] == []


async def test_a_watcher_gets_the_text_from_its_beginning_and_as_it_arrives(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*EVENTS[:-4], Hold(), *EVENTS[-4:])
    async with panel(engine) as watching, panel(engine, "other") as other:
        await watching.next()
        asking = asyncio.create_task(engine.ask())
        exchange = await engine.engine.arrived()
        await engine.command("watch", c.Watch(panel="p", request_id=exchange.id))
        seen = await watching.until(lambda event: isinstance(event, c.StreamPart) and "two" in event.text)
        upstream.release()
        seen += await watching.until(lambda event: isinstance(event, c.StreamPart) and "three" in event.text)
        await asking
        elsewhere = await other.until(done)
    parts = [each for each in seen if isinstance(each, c.StreamPart)]
    assert (parts[0].restart, [each.restart for each in parts[1:]]) == (True, [False] * (len(parts) - 1))
    assert (texts(seen), texts(elsewhere)) == ("hmone two three", "")


async def test_a_watcher_that_comes_late_gets_the_text_of_an_ended_request(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*EVENTS)
    await engine.ask()
    record = await engine.record()
    async with panel(engine) as screen:
        await screen.next()
        await engine.command("watch", c.Watch(panel="p", request_id=record.id))
        seen = await screen.until(lambda event: isinstance(event, c.StreamPart) and "three" in event.text)
    assert texts(seen) == "hmone two three"


async def test_a_tool_call_is_seen_with_its_name_and_arguments(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*message_events("", tools=[tool_call("Write", {"path": "a.py"})]))
    await engine.ask()
    record = await engine.record()
    async with panel(engine) as screen:
        await screen.next()
        await engine.command("watch", c.Watch(panel="p", request_id=record.id))
        seen = await screen.until(lambda event: isinstance(event, c.StreamPart) and event.text.endswith("}"))
    tools = [each for each in seen if isinstance(each, c.StreamPart) and each.kind == "tool"]
    assert (tools[0].title, texts(seen)) == ("Write", '{"path":"a.py"}')


async def test_watching_another_request_starts_its_text_anew(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = [as_stream(*message_events("first text")), as_stream(*message_events("second text"))]
    await engine.ask()
    await engine.ask()
    records = [await engine.record(1), await engine.record(2)]
    async with panel(engine) as screen:
        await screen.next()
        for record, word in zip(records, ("first", "second"), strict=True):
            await engine.command("watch", c.Watch(panel="p", request_id=record.id))
            seen = await screen.until(lambda event: isinstance(event, c.StreamPart) and "text" in event.text)
            parts = [each for each in seen if isinstance(each, c.StreamPart)]
            assert (parts[0].restart, {each.request_id for each in parts}) == (True, {record.id})
            assert texts(seen) == f"{word} text"


async def test_the_text_starts_anew_when_the_request_falls_back(
    with_fallback: RunningEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    upstream.script = as_json(error_body("overloaded_error", "Overloaded"), 529)
    second.script = as_stream(Hold(), *message_events("served text"))
    async with panel(with_fallback) as screen:
        await screen.next()
        asking = asyncio.create_task(with_fallback.ask())
        await second.arrived(1)
        await with_fallback.command("watch", c.Watch(panel="p", request_id=with_fallback.engine.exchanges[0].id))
        second.release()
        seen = await screen.until(lambda event: isinstance(event, c.StreamPart) and "text" in event.text)
        await asking
    assert texts(seen) == "served text"


async def test_watching_nothing_ends_the_text(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_stream(*EVENTS[:-4], Hold(), *EVENTS[-4:])
    async with panel(engine) as screen:
        await screen.next()
        asking = asyncio.create_task(engine.ask())
        exchange = await engine.engine.arrived()
        await engine.command("watch", c.Watch(panel="p", request_id=exchange.id))
        await screen.until(lambda event: isinstance(event, c.StreamPart) and "two" in event.text)
        await engine.command("watch", c.Watch(panel="p"))
        upstream.release()
        rest = await screen.until(done)
        await asking
    assert texts(rest) == ""


async def test_a_panel_that_does_not_follow_cannot_watch(engine: RunningEngine) -> None:
    response = await engine.command("watch", c.Watch(panel="nobody", request_id="r"))
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_two_panels_see_the_same(two_panels: tuple[Panel, Panel], engine: RunningEngine) -> None:
    await engine.command("use", c.Use(target="first/other-model"))
    await engine.command("fallback", c.SetFallback(enabled=True))
    for screen in two_panels:
        seen = await screen.until(lambda event: isinstance(event, c.RouteChanged) and event.route.fallback_enabled)
        last = seen[-1]
        assert isinstance(last, c.RouteChanged)
        assert last.route.overrides[0].model == "other-model"


@pytest.fixture
async def two_panels(engine: RunningEngine) -> AsyncIterator[tuple[Panel, Panel]]:
    async with panel(engine, "one") as one, panel(engine, "two") as two:
        await one.next()
        await two.next()
        yield one, two


async def test_health_and_lists_of_providers_are_told(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = as_json(error_body("authentication_error", "invalid x-api-key"), 401)
    async with panel(engine) as screen:
        await screen.next()
        await engine.ask()
        await screen.until(
            lambda event: (
                isinstance(event, c.ProvidersChanged)
                and any(
                    each.health == "refused" and "invalid x-api-key" in str(each.health_text)
                    for each in event.providers
                )
            )
        )


async def test_a_slow_panel_loses_events_and_gets_the_state_again(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "QUEUE_EVENTS", 8)
    feed = engine.engine.feed
    follower = feed.follow("slow")
    assert b'"type":"snapshot"' in await anext(follower)
    for _ in range(50):
        feed.publish(c.RouteChanged(route=engine.engine.route))
    subscriber = feed._subscribers["slow"]
    assert (len(subscriber.queue), subscriber.lost) == (0, True)
    assert b'"type":"snapshot"' in await anext(follower)
    feed.publish(c.RouteChanged(route=engine.engine.route))
    assert b'"type":"route"' in await anext(follower)
    feed.close()
    assert [rest async for rest in follower] == []


async def test_a_panel_that_reads_nothing_does_not_hold_up_traffic(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = as_stream(*message_events("word " * 2000))
    async with panel(engine) as screen:
        await screen.next()
        for _ in range(20):
            assert (await engine.ask()).status_code == 200
        assert len(engine.engine.feed._subscribers["p"].queue) <= feed_module.QUEUE_EVENTS


async def test_a_panel_that_leaves_is_forgotten(engine: RunningEngine) -> None:
    async with panel(engine) as screen:
        await screen.next()
        gone = Gate("the end of the subscription")
        feed = engine.engine.feed
        feed._subscribers = Forgetting(feed._subscribers, gone)
    await gone.wait()
    assert feed._subscribers == {}


class Forgetting(dict[str, feed_module.Subscriber]):
    """Opens a gate when something is taken out."""

    def __init__(self, known: dict[str, feed_module.Subscriber], gone: Gate) -> None:
        super().__init__(known)
        self._gone = gone

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._gone.open()


async def test_a_panel_hears_that_the_engine_stops_and_its_feed_ends(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream)))
    async with panel(engine) as screen:
        await screen.next()
        engine.engine.stop(None)
        await screen.until(lambda event: isinstance(event, c.EngineChanged) and event.engine.draining)
        await engine.running
        with pytest.raises(AssertionError, match="the feed ended"):
            await screen.until(lambda _: False)


async def test_more_sessions_than_are_kept_do_not_stop_the_feed(
    engine: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.board.SESSIONS_KEPT", 2)
    async with panel(engine) as screen:
        await screen.next()
        await asyncio.gather(*(engine.ask(message(), x_claude_code_session_id=f"s-{each}") for each in range(12)))
        await screen.until(done)
        await engine.ask(x_claude_code_session_id="last")
        await screen.until(lambda event: isinstance(event, c.SessionChanged) and event.session.id == "last")

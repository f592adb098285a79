"""Providers of every dialect behind the engine, on real sockets: what the client gets, what they get."""

import json
import re
from typing import Any

import pytest

from proxy import contract as c
from tests.proxy.conftest import StartEngine
from tests.proxy.dialects.grammar import checked
from tests.proxy.running_engine import RunningEngine, message, provider, settings
from tests.upstreams import Answer, Break, Call, Hold, Reply, ScriptedUpstream, as_stream, message_stream
from tests.upstreams.dialects import NAMES, OUTPUT, PROMPT, Name, Said, answer, error, event_frame

each = pytest.mark.parametrize("dialect", NAMES)
KEY = "key-of-the-foreign-one"
TOOLS = [{"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}]


def foreign(upstream: ScriptedUpstream, dialect: Name, **more: Any) -> dict[str, Any]:
    auth = "x-goog-api-key" if dialect == "gemini" else "bearer"
    fields = {"base_url": upstream.url, "dialect": dialect, "auth": auth, "api_key": KEY, "models": ["foreign-1"]}
    return {"preset": "respan", **fields, **more}


async def on(start: StartEngine, upstream: ScriptedUpstream, dialect: Name, said: Said, **more: Any) -> RunningEngine:
    upstream.script = lambda call: answer(dialect, call, said)
    return await start(settings(foreign(upstream, dialect, **more), route={"default": "first/foreign-1"}))


@each
async def test_a_stream_arrives_in_anthropic_s_events(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    engine = await on(start, upstream, dialect, Said("Grüße, 世界!", [("Read", {"file_path": "a b.py"})]))

    response = await engine.ask(message(tools=TOOLS))

    assert response.headers["content-type"].startswith("text/event-stream")
    got = checked(response.content)
    assert got.text == "Grüße, 世界!"
    assert [(call["name"], call["input"]) for call in got.calls] == [("Read", {"file_path": "a b.py"})]
    assert got.stop_reason == "tool_use"


@each
async def test_a_whole_answer_arrives_as_a_message(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    engine = await on(start, upstream, dialect, Said("Hello."))

    got = (await engine.ask(message(stream=False))).json()

    assert (got["type"], got["role"], got["stop_reason"]) == ("message", "assistant", "end_turn")
    assert [block for block in got["content"] if block["type"] == "text"] == [{"type": "text", "text": "Hello."}]


@each
async def test_the_record_has_what_the_provider_counted(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    engine = await on(start, upstream, dialect, Said("Hello."))

    await engine.ask()

    record = await engine.record()
    usage = c.Usage(input_tokens=PROMPT - 200, cache_read_tokens=200, output_tokens=OUTPUT)
    assert (record.usage, record.usage_estimated) == (usage, False)
    assert (record.outcome, record.target_model, record.served_model) == ("served", "foreign-1", "foreign-1")


@each
async def test_the_key_goes_where_the_dialect_wants_it_and_nothing_of_the_client_s(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    engine = await on(start, upstream, dialect, Said("Hello."))

    await engine.ask(authorization="Bearer of-the-client", anthropic_beta="oauth-2025-04-20", x_app="cli")

    [call] = upstream.calls
    sent = call.header("x-goog-api-key") if dialect == "gemini" else call.header("authorization")
    assert sent == (KEY if dialect == "gemini" else f"Bearer {KEY}")
    names = {name.lower() for name, _ in call.headers}
    assert not {name for name in names if name.startswith(("anthropic-", "x-cctui", "x-app", "x-claude"))}
    assert "of-the-client" not in str(call.headers)


@each
@pytest.mark.parametrize(
    ("status", "kind", "told"), [(429, "rate_limit_error", 429), (400, "invalid_request_error", 400)]
)
async def test_an_error_arrives_in_anthropic_s_shape_with_the_provider_s_words(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name, status: int, kind: str, told: int
) -> None:
    engine = await on(start, upstream, dialect, Said())
    upstream.script = error(dialect, status, "these are its words")

    response = await engine.ask()

    assert response.status_code == told
    assert response.json()["error"]["type"] == kind
    assert "these are its words" in response.json()["error"]["message"]


@each
async def test_a_prompt_that_is_too_long_is_told_in_the_words_on_which_the_client_compacts(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    engine = await on(start, upstream, dialect, Said())
    words = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    upstream.script = error(dialect, 400, words)

    response = await engine.ask()

    assert response.status_code == 400
    assert response.json()["error"]["message"] == "prompt is too long: 9000 tokens > 8192 maximum"


@each
async def test_an_overloaded_provider_is_followed_by_the_next(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, dialect: Name
) -> None:
    upstream.script = error(dialect, 503, "try later")
    route = {"default": "first/foreign-1", "fallback": ["second"], "fallback_enabled": True}
    chosen = settings(foreign(upstream, dialect), provider(second, api_key="other"), route=route)
    engine = await start(chosen)

    response = await engine.ask()

    assert checked(response.content).text == "Hello from the second."
    first, served = (await engine.record()).attempts
    assert (first.outcome, served.outcome) == ("overloaded", "served")
    assert second.calls[0].header("authorization") == "Bearer other"


@each
async def test_a_foreign_provider_steps_in_for_claude(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, dialect: Name
) -> None:
    upstream.script = Reply(529, framing="length")
    second.script = lambda call: answer(dialect, call, Said("From abroad."))
    route = {"fallback": ["second/foreign-1"], "fallback_enabled": True}
    engine = await start(settings(provider(upstream), foreign(second, dialect), route=route))

    got = checked((await engine.ask()).content)

    assert got.text == "From abroad."
    assert [each.outcome for each in (await engine.record()).attempts] == ["overloaded", "served"]


def broken_off(dialect: Name, call: Call) -> Answer:
    """The first half of an answer, then a reset."""
    whole = answer(dialect, call, Said("one two three four five six seven eight"))
    assert isinstance(whole, Reply)
    assert not isinstance(whole.body, bytes)
    return Reply(whole.status, whole.headers, [*whole.body[: len(whole.body) // 2], Break()])


@each
async def test_a_break_in_the_middle_ends_in_an_error_event(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    engine = await on(start, upstream, dialect, Said())
    upstream.script = lambda call: broken_off(dialect, call)

    response = await engine.ask()

    assert response.status_code == 200
    assert b"event: error" in response.content
    assert b"message_stop" not in response.content
    assert (await engine.record()).outcome == "broken"


@each
async def test_of_an_answer_that_broke_the_record_has_what_was_counted_and_estimates_the_rest(
    start: StartEngine, upstream: ScriptedUpstream, dialect: Name
) -> None:
    counted_first = dialect in ("gemini", "bedrock", "vertex")
    engine = await on(start, upstream, dialect, Said())
    upstream.script = lambda call: broken_off(dialect, call)

    text = b"".join(re.findall(rb'"text":"([^"]+)"', (await engine.ask()).content))

    record = await engine.record()
    assert (record.usage_estimated, record.output_estimated) == (True, counted_first)
    assert (record.usage.prompt_tokens == PROMPT) is counted_first
    told = OUTPUT if dialect == "gemini" else 1
    assert record.usage.output_tokens == max(told, round(len(text) / 4))
    assert text.startswith(b"one two ")


async def test_a_model_that_ran_away_is_stopped(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await on(start, upstream, "openai-chat", Said())
    blank = {"function": {"name": "Read", "arguments": '{"a":' + " " * 600}, "index": 0, "id": "call_1"}
    deltas = [{"content": "Reading."}, {"tool_calls": [blank]}]
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    upstream.script = as_stream(*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks), Hold())

    response = await engine.ask(message(tools=TOOLS))

    error = checked(response.content).error
    assert error is not None
    assert "nothing but blanks" in error["message"]
    await upstream.wait_closed(0)


@each
async def test_thinking_of_a_foreign_provider_is_not_sent_to_claude(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream, dialect: Name
) -> None:
    upstream.script = lambda call: answer(dialect, call, Said("Hi.", thinking="Let me see."))
    providers = [foreign(upstream, dialect), provider(second, api_key="k")]
    engine = await start(settings(*providers, route={"default": "first/foreign-1"}))
    content = checked((await engine.ask()).content).blocks
    assert [block["type"] for block in content] == ["thinking", "text"]
    await engine.command("use", c.Use(target="second"))
    turns = [{"role": "user", "content": "Go."}, {"role": "assistant", "content": content}]

    await engine.ask(message(messages=[*turns, {"role": "user", "content": "On."}]))

    assert b"thinking" not in second.calls[-1].body


async def test_a_count_is_estimated_where_the_dialect_has_none(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await on(start, upstream, "openai-chat", Said(), count_tokens=True)

    response = await engine.http.post("/v1/messages/count_tokens", json=message())

    assert (response.status_code, upstream.calls) == (200, [])
    assert response.json()["input_tokens"] > 0


async def test_gemini_counts_by_itself(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await on(start, upstream, "gemini", Said(), count_tokens=True)
    upstream.script = Reply(200, (("content-type", "application/json"),), b'{"totalTokens": 77}', framing="length")

    response = await engine.http.post("/v1/messages/count_tokens", json=message())

    assert response.json() == {"input_tokens": 77}
    assert upstream.calls[0].path.endswith(":countTokens")


async def test_another_path_is_refused_in_words(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await on(start, upstream, "openai-chat", Said())

    response = await engine.http.get("/v1/files")

    assert response.status_code == 404
    assert "does not speak Anthropic's format" in response.json()["error"]["message"]


async def test_what_was_left_out_is_told_in_the_record(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await on(start, upstream, "openai-chat", Said("Hello."))

    await engine.ask(message(top_k=5))

    assert "top_k left out: the provider does not take it" in (await engine.record()).attempts[0].changed


async def test_a_stream_without_usage_is_marked_as_an_estimate(start: StartEngine, upstream: ScriptedUpstream) -> None:
    engine = await on(start, upstream, "openai-chat", Said())
    chunks = [{"choices": [{"index": 0, "delta": {"content": "Hello there."}, "finish_reason": None}]}]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    upstream.script = as_stream(*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks))

    await engine.ask()

    record = await engine.record()
    assert record.usage_estimated
    assert record.usage.input_tokens > 0
    assert record.usage.output_tokens == 3


async def test_a_frame_that_was_changed_on_its_way_breaks_the_stream(
    start: StartEngine, upstream: ScriptedUpstream
) -> None:
    engine = await on(start, upstream, "bedrock", Said())
    frame = bytearray(event_frame(b'{"bytes":"e30="}'))
    frame[-6] ^= 1
    upstream.script = Reply(200, (("content-type", "application/vnd.amazon.eventstream"),), [bytes(frame)])

    response = await engine.ask()

    assert response.status_code >= 500


async def test_claude_itself_is_passed_on_untouched_beside_a_foreign_provider(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    engine = await start(settings(provider(upstream), foreign(second, "openai-chat")))

    response = await engine.ask()

    assert response.content == message_stream()


async def test_a_request_that_cannot_be_said_leaves_the_probe_to_the_next_one(
    start: StartEngine, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    clock = [1_800_000_000.0]
    providers = [foreign(each, "openai-chat") for each in (upstream, second)]
    route = {"default": "first/foreign-1", "fallback": ["second/foreign-1"], "fallback_enabled": True}
    engine = await start(settings(*providers, route=route), health_clock=lambda: clock[0])
    await engine.command("rest", c.RestProvider(provider="second", resting=True))
    upstream.script = error("openai-chat", 503, "try later")
    await engine.ask()
    clock[0] += 1000
    runs_code = {"type": "code_execution_20250522", "name": "code_execution"}
    await engine.ask(message(tools=[runs_code], tool_choice={"type": "tool", "name": "code_execution"}))
    upstream.script = lambda call: answer("openai-chat", call, Said("Back."))

    assert checked((await engine.ask()).content).text == "Back."

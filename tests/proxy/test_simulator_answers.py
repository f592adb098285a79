"""What the simulator says: the format of its answers, its tool calls, its limits, its errors."""

import json
from typing import Any

import pytest

from proxy.simulator.plan import SimulatorPlan
from proxy.simulator.site import Planned, Site

TOOLS = [{"name": name, "description": "does it", "input_schema": {"type": "object"}} for name in ("Write", "Bash")]


def site(**plan: Any) -> Site:
    return Site("sim", SimulatorPlan(**plan), started_at=0.0, seed=7)


def body(said: Any = "Find the bug", **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": said}]
    return {"model": "claude-opus-5-5", "max_tokens": 4000, "messages": messages, **fields}


def post(provider: Site, fields: dict[str, Any] | bytes, path: str = "/v1/messages", now: float = 0.0) -> Planned:
    content = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return provider.respond("POST", path, {"beta": "true"}, content, now)


def sent(planned: Planned) -> bytes:
    return b"".join(step.data or b"" for step in planned.body)


def message(provider: Site, fields: dict[str, Any]) -> dict[str, Any]:
    planned = post(provider, fields)
    assert planned.status == 200
    decoded: dict[str, Any] = json.loads(sent(planned))
    return decoded


def stream(provider: Site, fields: dict[str, Any]) -> list[dict[str, Any]]:
    lines = sent(post(provider, {**fields, "stream": True})).decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def error(planned: Planned) -> tuple[int, str]:
    payload = json.loads(sent(planned))
    assert payload["type"] == "error"
    assert payload["request_id"] == planned.headers["request-id"]
    return planned.status, payload["error"]["type"]


def test_a_greeting_is_told_that_no_model_and_no_money_is_behind_it() -> None:
    text = message(site(), body("say hi"))["content"][0]["text"]
    assert "simulator of cctui" in text
    assert "no model, no network and no money" in text


def test_the_same_request_gets_the_same_answer_and_another_seed_another_one() -> None:
    first = message(site(seed=1), body())["content"]
    assert first == message(site(seed=1), body())["content"]
    assert first != message(site(seed=2), body())["content"]


def test_a_stream_opens_closes_and_numbers_its_blocks_in_order() -> None:
    events = stream(site(), body(thinking={"type": "adaptive"}))
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["message_start", "ping"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("message_start") == kinds.count("message_delta") == 1
    opened = [(e["index"], e["content_block"]["type"]) for e in events if e["type"] == "content_block_start"]
    assert opened == [(0, "thinking"), (1, "text")]
    assert [e["index"] for e in events if e["type"] == "content_block_stop"] == [0, 1]


def test_a_stream_and_a_whole_answer_say_and_bill_the_same() -> None:
    events = stream(site(seed=1), body())
    whole = message(site(seed=1), {**body(), "stream": True} | {"stream": False})
    deltas = "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")
    assert deltas.startswith("On “Find the bug”: ")
    assert whole["content"][-1]["text"].startswith("On “Find the bug”: ")
    usage = events[-2]["usage"]
    assert usage["input_tokens"] == events[0]["message"]["usage"]["input_tokens"]
    assert usage["output_tokens"] > 20


def test_thinking_that_the_client_omits_is_billed_and_not_sent() -> None:
    shown = stream(site(), body(thinking={"type": "adaptive"}))
    hidden = stream(site(), body(thinking={"type": "adaptive", "display": "omitted"}))
    kinds = {e["delta"]["type"] for e in hidden if e["type"] == "content_block_delta"}
    assert kinds == {"signature_delta", "text_delta"}
    assert all(events[-2]["usage"]["output_tokens_details"]["thinking_tokens"] > 0 for events in (shown, hidden))


def test_a_marker_calls_the_tool_and_its_result_gets_a_closing_text() -> None:
    asked = body("please [[write /tmp/a.txt]] and [[run ls]]", tools=TOOLS)
    called = message(site(), asked)
    assert called["stop_reason"] == "tool_use"
    calls = [block for block in called["content"] if block["type"] == "tool_use"]
    assert [(call["name"], sorted(call["input"])) for call in calls] == [
        ("Write", ["content", "file_path"]),
        ("Bash", ["command", "description"]),
    ]
    assert calls[0]["id"] != calls[1]["id"]
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "ok"} for call in calls]
    asked["messages"] += [
        {"role": "assistant", "content": called["content"]},
        {"role": "user", "content": results},
        {"role": "system", "content": "a note"},
    ]
    assert message(site(), asked)["stop_reason"] == "end_turn"


def test_streamed_arguments_join_to_the_whole_json() -> None:
    events = stream(site(), body("[[write /tmp/ä b.txt]]", tools=TOOLS))
    parts = [e["delta"]["partial_json"] for e in events if e.get("delta", {}).get("type") == "input_json_delta"]
    assert parts[0] == ""
    assert json.loads("".join(parts))["file_path"] == "/tmp/ä b.txt"


def test_a_marker_without_the_tool_or_in_a_reminder_calls_nothing() -> None:
    assert message(site(), body("[[write /tmp/a]]"))["stop_reason"] == "end_turn"
    reminder = [
        {"type": "text", "text": "<system-reminder>[[run x]]</system-reminder>"},
        {"type": "text", "text": "go"},
    ]
    assert message(site(), body(reminder, tools=TOOLS))["stop_reason"] == "end_turn"


def test_structured_output_follows_the_schema() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}, "new": {"type": "boolean"}}}
    asked = body("Fix the login form please", output_config={"format": {"type": "json_schema", "schema": schema}})
    text = message(site(), asked)["content"][0]["text"]
    assert json.loads(text) == {"title": "Fix the login form please", "new": False}


def test_max_tokens_and_stop_sequences_cut_the_answer() -> None:
    short = message(site(), body(max_tokens=5))
    assert short["stop_reason"] == "max_tokens"
    assert short["usage"]["output_tokens"] <= 5
    stopped = message(site(), body(stop_sequences=["bug"]))
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "bug")
    assert stopped["content"][-1]["text"] == "On “Find the "


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [
        (b"{", 400, "invalid_request_error"),
        (b"[]", 400, "invalid_request_error"),
        (b'{"model": "claude-opus-5-5", "max_tokens": 9}', 400, "invalid_request_error"),
        (body(model="gpt-9"), 404, "not_found_error"),
        (body(max_tokens=None), 400, "invalid_request_error"),
        ({**body(), "messages": []}, 400, "invalid_request_error"),
        (body(thinking={"type": "enabled", "budget_tokens": 10}), 400, "invalid_request_error"),
        (body("x" * 900_000, model="claude-haiku-4-5"), 400, "invalid_request_error"),
    ],
)
def test_a_request_that_cannot_be_served_is_refused_in_the_error_shape(
    content: dict[str, Any] | bytes, status: int, kind: str
) -> None:
    assert error(post(site(), content)) == (status, kind)


def test_an_unknown_path_is_not_found() -> None:
    assert error(site().respond("GET", "/v1/files", {}, b"", 0.0)) == (404, "not_found_error")


def test_tokens_are_counted_without_max_tokens() -> None:
    asked = body("x" * 4000)
    del asked["max_tokens"]
    counted = json.loads(sent(post(site(), asked, "/v1/messages/count_tokens")))
    assert counted["input_tokens"] == pytest.approx(1000, abs=20)


def test_models_come_in_pages_with_windows_and_prices() -> None:
    provider = site(models=["claude-opus-5-5", "openai/gpt-5.5", "own-model"])
    first = json.loads(sent(provider.respond("GET", "/v1/models", {"limit": "2"}, b"", 0.0)))
    assert ([entry["id"] for entry in first["data"]], first["has_more"]) == (
        ["claude-opus-5-5", "openai/gpt-5.5"],
        True,
    )
    assert first["data"][0]["pricing"]["completion"] == "0.00002"
    assert first["data"][0]["max_input_tokens"] == 1_000_000
    query = {"limit": "2", "after_id": first["last_id"]}
    second = json.loads(sent(provider.respond("GET", "/v1/models", query, b"", 0.0)))
    assert ([entry["id"] for entry in second["data"]], second["has_more"]) == (["own-model"], False)


def test_a_newer_claude_than_the_list_answers_under_its_own_name() -> None:
    assert message(site(), body(model="claude-opus-9"))["model"] == "claude-opus-9"
    assert message(site(), body(model="claude-haiku-4-5-20251001"))["model"] == "claude-haiku-4-5"
    assert post(site(models=["openai/gpt-5.5"]), body(model="claude-opus-9")).status == 404

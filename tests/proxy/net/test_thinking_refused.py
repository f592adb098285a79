"""Thinking of unknown origin that a target refuses is left out, once, and the request served."""

import json
from typing import Any

from tests.proxy.running_engine import RunningEngine, message
from tests.upstreams import Answer, Call, ScriptedUpstream, as_json, as_stream, error_body, message_stream

REFUSAL = as_json(
    error_body("invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block"), 400
)


def with_thinking() -> dict[str, Any]:
    thought = {"type": "thinking", "thinking": "hm", "signature": "of-whoever"}
    return message(
        messages=[
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [thought, {"type": "text", "text": "1"}]},
            {"role": "user", "content": "b"},
        ]
    )


def refuses_foreign_thinking(call: Call) -> Answer:
    return REFUSAL if b"of-whoever" in call.body else as_stream(message_stream())


async def test_the_same_target_serves_without_it(engine: RunningEngine, upstream: ScriptedUpstream) -> None:
    upstream.script = refuses_foreign_thinking

    response = await engine.ask(with_thinking())

    assert response.status_code == 200
    record = await engine.record()
    assert [attempt.outcome for attempt in record.attempts] == ["thinking_refused", "served"]
    assert record.attempts[1].changed == ("1 thinking block of another provider left out",)
    assert len(json.loads(upstream.calls[1].body)["messages"]) == 3


async def test_a_target_that_goes_on_refusing_is_not_asked_for_ever(
    engine: RunningEngine, upstream: ScriptedUpstream
) -> None:
    upstream.script = REFUSAL

    response = await engine.ask(with_thinking())

    assert (response.status_code, response.content) == (400, REFUSAL.body)
    assert len(upstream.calls) == 2

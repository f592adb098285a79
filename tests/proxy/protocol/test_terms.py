"""Requests on the terms of a target of Anthropic's format."""

import json
from typing import Any

import pytest

from proxy.protocol.messages import Body
from proxy.protocol.rejections import Rejection
from proxy.protocol.terms import NOT_KEPT, Terms, on_terms

USER = {"role": "user", "content": "go"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {}}
HERS = {"type": "thinking", "thinking": "hm", "signature": "s"}
HOLDER = {"type": "thinking", "thinking": NOT_KEPT, "signature": ""}


def body(**fields: Any) -> Body:
    return Body(json.dumps({"model": "m", "max_tokens": 64, "messages": [USER], **fields}).encode())


def sent(of: Body, **terms: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    changed, words = on_terms(of, Terms(**terms))
    return json.loads(changed.raw), words


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def test_with_nothing_to_change_the_bytes_stay() -> None:
    asked = body(output_config={"effort": "high"}, thinking={"type": "disabled"})
    terms = Terms((Rejection("context_management"),), output_limit=64, left=3000)
    assert on_terms(asked, terms) == (asked, ())


class TestEffortWithoutThinking:
    @pytest.mark.parametrize(
        ("config", "left"), [({"effort": "high"}, None), ({"effort": "low", "format": {}}, {"format": {}})]
    )
    def test_it_is_left_out_where_thinking_is_off(self, config: dict[str, Any], left: object) -> None:
        asked = body(output_config=config, thinking={"type": "disabled"})
        payload, words = sent(asked, effort_without_thinking=False)
        assert payload.get("output_config") == left
        assert words == (f"effort {config['effort']} left out: the target takes none where thinking is off",)

    @pytest.mark.parametrize("thinking", [{"type": "adaptive"}, {"type": "enabled", "budget_tokens": 2000}, None])
    def test_it_stays_where_it_is_not(self, thinking: object) -> None:
        asked = body(output_config={"effort": "high"}, thinking=thinking)
        assert on_terms(asked, Terms(effort_without_thinking=False)) == (asked, ())


class TestThinkingBack:
    def test_every_past_turn_without_thinking_gets_a_placeholder(self) -> None:
        asked = body(messages=[USER, assistant(CALL), USER, {"role": "assistant", "content": "done"}, USER])
        payload, words = sent(asked, thinking_back=True)
        assert payload["messages"][1]["content"] == [HOLDER, CALL]
        assert payload["messages"][3]["content"] == [HOLDER, {"type": "text", "text": "done"}]
        assert words == ("a placeholder for thinking put into 2 past turns: the target wants some in each",)

    @pytest.mark.parametrize("thought", [HERS, {"type": "redacted_thinking", "data": "d"}])
    def test_a_turn_with_thinking_keeps_its_own(self, thought: dict[str, Any]) -> None:
        asked = body(messages=[USER, assistant(thought, CALL), USER])
        assert on_terms(asked, Terms(thinking_back=True)) == (asked, ())

    def test_a_request_that_does_not_think_needs_none(self) -> None:
        asked = body(messages=[USER, assistant(CALL), USER], thinking={"type": "disabled"})
        assert on_terms(asked, Terms(thinking_back=True)) == (asked, ())

    @pytest.mark.parametrize(
        "messages", [None, "hi", [7], [{"role": "assistant"}], [{"role": "assistant", "content": ""}]]
    )
    def test_what_is_no_conversation_is_left_alone(self, messages: object) -> None:
        asked = body(messages=messages)
        assert on_terms(asked, Terms(thinking_back=True)) == (asked, ())


class TestTheAnswersLength:
    def test_it_is_what_the_window_leaves(self) -> None:
        payload, words = sent(body(max_tokens=32_000), left=13_000)
        assert payload["max_tokens"] == 13_000
        assert words == ("max_tokens lowered from 32000 to 13000, what is left of the target's window",)

    def test_the_smaller_of_limit_and_window_counts(self) -> None:
        assert sent(body(max_tokens=32_000), output_limit=8_192, left=13_000)[0]["max_tokens"] == 8_192
        assert sent(body(max_tokens=32_000), output_limit=16_000, left=13_000)[0]["max_tokens"] == 13_000

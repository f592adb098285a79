"""Thinking in requests of the Responses API: past reasoning that goes back, and how much is wished for."""

import json
from typing import Any

import pytest

from proxy.dialects.effort import nearest_effort
from proxy.dialects.openai_responses_reasoning import DIALECT, sealed_reasoning
from proxy.dialects.quirks import Effort, Quirks
from proxy.dialects.signatures import sealed
from tests.proxy.dialects.conversations import Body
from tests.proxy.dialects.responses_requests import MODEL, items, outgoing, sent
from tests.proxy.dialects.turns import asking, assistant, call, result, user

THINKS = Quirks(effort_field="reasoning_effort", efforts=("minimal", "low", "medium", "high", "xhigh"))


def thought(encrypted: str = "gAAAA", model: str = MODEL, dialect: str = DIALECT) -> Body:
    return {"type": "thinking", "thinking": "hm", "signature": sealed(dialect, sealed_reasoning(model, encrypted))}


def test_encrypted_reasoning_goes_back_without_an_id_before_the_call_that_it_led_to() -> None:
    listed = items(asking(user("go"), assistant(thought(), "I run it", call()), user(result())))
    assert [item["type"] for item in listed] == [
        "message", "reasoning", "message", "function_call", "function_call_output",
    ]  # fmt: skip
    assert listed[1] == {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}


def test_reasoning_of_several_segments_goes_back_in_its_places() -> None:
    body = asking(user("go"), assistant(thought("one"), call("a"), thought("two"), call("b")), user(result("a")))
    told = [item.get("encrypted_content", item.get("call_id")) for item in items(body)[1:5]]
    assert told == ["one", "a", "two", "b"]


@pytest.mark.parametrize("after", [[], ["the end"], [call("earlier"), thought()]])
def test_reasoning_that_no_call_follows_stays_behind(after: list[Any]) -> None:
    if not after:
        listed = items(asking(user("go"), assistant(thought())))
    elif len(after) == 1:
        listed = items(asking(user("go"), assistant(thought(), *after), user("more")))
    else:
        listed = items(asking(user("go"), assistant(*after), user(result("earlier"))))
    assert all(item["type"] != "reasoning" for item in listed)


@pytest.mark.parametrize(
    "foreign",
    [
        thought(dialect="gemini"),
        thought(model="another-model"),
        {"type": "thinking", "thinking": "hm", "signature": "EqoBCkgIARABGAIiQL"},
        {"type": "thinking", "thinking": "hm", "signature": sealed(DIALECT, "0123456789abcdef01234567")},
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "redacted_thinking", "data": "EmwKAhgB"},
    ],
    ids=["dialect", "model", "claude", "unencrypted", "unsigned", "redacted"],
)
def test_reasoning_of_others_is_never_sent(foreign: Body) -> None:
    listed = items(asking(user("go"), assistant(foreign, call()), user(result())))
    assert [item["type"] for item in listed] == ["message", "function_call", "function_call_output"]


def test_a_server_without_encrypted_reasoning_gets_none_back() -> None:
    body = asking(user("go"), assistant(thought(), call()), user(result()))
    assert all(item["type"] != "reasoning" for item in items(body, Quirks(encrypted_reasoning=False)))


def test_a_sealed_payload_needs_no_escaping_in_json() -> None:
    signature = sealed(DIALECT, sealed_reasoning(MODEL, 'a"b\\c%d é\n'))
    assert json.dumps(signature) == f'"{signature}"'
    body = asking(user("go"), assistant({**thought(), "signature": signature}, call()), user(result()))
    assert items(body)[1]["encrypted_content"] == 'a"b\\c%d é\n'


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"output_config": {"effort": "high"}}, "high"),
        ({"output_config": {"effort": "max"}}, "xhigh"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31999}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 31999}, "output_config": {"effort": "low"}}, "low"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, None),
        ({"output_config": {"effort": "unheard-of"}}, None),
    ],
)
def test_effort_is_told_in_a_word_that_the_server_takes(fields: Body, effort: str | None) -> None:
    assert sent(asking(**fields), THINKS).get("reasoning", {}).get("effort") == effort


def test_thinking_that_is_off_is_told_where_the_server_has_a_word_for_it() -> None:
    quirks = Quirks(effort_field="reasoning", effort_when_off="none")
    assert sent(asking(thinking={"type": "disabled"}), quirks)["reasoning"] == {"effort": "none"}


def test_effort_stays_behind_with_a_note_where_the_server_takes_none() -> None:
    out = outgoing(asking(output_config={"effort": "high"}))
    assert "reasoning" not in json.loads(out.body)
    assert out.notes == ("effort high left out: the provider does not take it",)


@pytest.mark.parametrize(
    ("wish", "taken", "nearest"),
    [
        ("max", ("low", "high"), "high"),
        ("medium", ("low", "high"), "low"),
        ("minimal", ("low", "high"), "low"),
        ("none", ("none", "low"), "none"),
        ("none", ("low",), "low"),
        ("low", ("none", "high"), "high"),
        ("low", (), None),
    ],
)
def test_the_nearest_effort_is_the_strongest_that_is_no_stronger(
    wish: Effort, taken: tuple[Effort, ...], nearest: str | None
) -> None:
    assert nearest_effort(wish, taken) == nearest


def test_summaries_are_asked_for_while_thinking_is_on() -> None:
    body = asking(thinking={"type": "adaptive"})
    assert sent(body, THINKS)["reasoning"] == {"summary": "auto"}
    assert "reasoning" not in sent(asking(), THINKS)
    assert "reasoning" not in sent(body, Quirks(effort_field="reasoning", reasoning_summaries=False))

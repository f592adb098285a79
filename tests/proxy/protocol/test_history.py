"""Pitfall 16: thinking of one provider is not sent to another, and returns unharmed when the route returns."""

import json
from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from proxy.dialects.signatures import sealed
from proxy.protocol.history import Issuers, issuer_of, without_foreign_thinking
from proxy.protocol.messages import Body
from proxy.protocol.thinking_off import with_thinking_off
from proxy.protocol.thoughts import mark_of

CLAUDE, GLM = issuer_of("anthropic", "claude-opus-4-8"), issuer_of("zai", "glm-5")
OTHER = issuer_of("moonshot", "kimi-k3")


def thought(signature: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": "hm", "signature": signature}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def said(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def asked(words: str) -> dict[str, Any]:
    return {"role": "user", "content": words}


def body(*messages: dict[str, Any], **more: Any) -> Body:
    return Body(json.dumps({"model": "m", "messages": list(messages), **more}).encode())


def learned() -> Issuers:
    issuers = Issuers()
    issuers.learn(CLAUDE, ["signed by claude"])
    issuers.learn(GLM, ["signed by glm"])
    return issuers


def messages_after(given: Body, issuer: str) -> list[dict[str, Any]]:
    sent, _ = without_foreign_thinking(given, learned().foreign(issuer))
    decoded: list[dict[str, Any]] = json.loads(sent.raw)["messages"]
    return decoded


def test_only_foreign_thinking_is_left_out() -> None:
    given = body(
        asked("a"), said(thought("signed by claude"), text("1")), asked("b"), said(thought("signed by glm"), text("2"))
    )

    kept = messages_after(given, GLM)

    assert kept[1] == said(text("1"))
    assert kept[3] == said(thought("signed by glm"), text("2"))


def test_it_is_still_there_when_the_route_returns() -> None:
    given = body(asked("a"), said(thought("signed by claude"), text("1")))

    assert without_foreign_thinking(given, learned().foreign(CLAUDE)) == (given, ())


def test_redacted_thinking_counts_as_thinking() -> None:
    given = body(asked("a"), said({"type": "redacted_thinking", "data": "signed by claude"}, text("1")))

    assert messages_after(given, GLM)[1] == said(text("1"))


def test_a_message_of_thinking_alone_goes_whole() -> None:
    given = body(asked("a"), said(thought("signed by claude")), asked("b"))

    assert messages_after(given, GLM) == [asked("a"), asked("b")]


def test_unknown_thinking_is_left_alone() -> None:
    given = body(asked("a"), said(thought("whoever"), text("1")))

    assert without_foreign_thinking(given, learned().foreign(GLM)) == (given, ())


def test_a_tool_loop_that_lost_its_thinking_goes_on_without() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}]}
    given = body(
        asked("a"),
        said(thought("signed by claude"), call),
        result,
        thinking={"type": "enabled", "budget_tokens": 2048},
    )

    sent, changes = without_foreign_thinking(given, learned().foreign(GLM))

    assert json.loads(sent.raw)["thinking"] == {"type": "disabled"}
    assert changes == (
        "1 thinking block of another provider left out",
        "thinking turned off for this request: its tool loop began without signed thinking",
    )


def test_an_answer_in_plain_words_after_it_leaves_thinking_on() -> None:
    given = body(
        asked("a"),
        said(thought("signed by claude"), text("1")),
        asked("b"),
        {"role": "assistant", "content": "plain words"},
        asked("c"),
        thinking={"type": "enabled", "budget_tokens": 2048},
    )

    sent, changes = without_foreign_thinking(given, learned().foreign(GLM))

    assert json.loads(sent.raw)["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert len(changes) == 1


def test_a_history_that_cannot_be_read_stays_as_it_is() -> None:
    given = Body(body(asked("ODD"), said(thought("signed by claude"), text("1"))).raw.replace(b"ODD", b"caf\xe9"))

    assert without_foreign_thinking(given, learned().foreign(GLM)) == (given, ())


def test_a_body_concerns_whoever_did_not_sign_all_of_its_thinking() -> None:
    given = body(asked("a"), said(thought("signed by claude"), text("1"))).raw

    assert learned().concerns(given, GLM)
    assert not learned().concerns(given, CLAUDE)
    assert not learned().concerns(body(asked('what is a "signature"?')).raw, GLM)


def test_where_only_one_ever_signed_no_body_is_searched() -> None:
    issuers = Issuers()
    issuers.learn(GLM, ["x"])

    assert not issuers.concerns(body(said({"type": "redacted_thinking", "data": "y"})).raw, GLM)


def test_what_the_engine_sealed_concerns_claude_and_whoever_did_not_think_it() -> None:
    mark = sealed("openai-chat", "thought")
    given = body(asked("a"), said(thought(mark), text("1"))).raw
    issuers = learned()
    issuers.learn(OTHER, [mark])

    assert learned().concerns(given, CLAUDE)
    assert not learned().concerns(given, GLM)
    assert issuers.concerns(given, GLM)
    assert not issuers.concerns(given, OTHER)


@given_any(st.lists(st.text("abc+/=", min_size=1), max_size=5), st.binary(max_size=40))
def test_a_search_for_signatures_survives_any_bytes(signatures: list[str], rubbish: bytes) -> None:
    found = body(said(*map(thought, signatures))).raw

    assert learned().concerns(found + rubbish + b'"signature"', GLM) in (False, True)


def test_a_signature_itself_is_not_remembered() -> None:
    issuers = learned()

    assert "signed by claude" not in json.dumps([*issuers.blocks, *issuers.blocks.values()])


def unsigned(words: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": words, "signature": ""}


def with_unsigned() -> Issuers:
    issuers = learned()
    issuers.learn(GLM, [mark_of(unsigned("mine")) or ""])
    return issuers


def test_thinking_that_nobody_signed_belongs_to_who_thought_it() -> None:
    given = body(asked("a"), said(unsigned("mine"), text("1")))

    assert with_unsigned().concerns(given.raw, OTHER)
    sent, _ = without_foreign_thinking(given, with_unsigned().foreign(OTHER))
    assert json.loads(sent.raw)["messages"][1] == said(text("1"))
    assert without_foreign_thinking(given, with_unsigned().foreign(GLM)) == (given, ())


def test_unsigned_thinking_of_whomever_is_left_alone_but_never_claude_s() -> None:
    given = body(asked("a"), said(unsigned("whose?"), text("1")))

    assert without_foreign_thinking(given, with_unsigned().foreign(OTHER)) == (given, ())
    assert without_foreign_thinking(given, with_unsigned().foreign(CLAUDE))[1] != ()


@pytest.mark.parametrize("first", [unsigned("hm"), {"type": "thinking", "thinking": "hm"}], ids=["empty", "without"])
def test_a_block_without_a_signature_hides_no_signed_one_behind_it(first: dict[str, Any]) -> None:
    given = body(asked("a"), said(first, text("1")), asked("b"), said(thought("signed by claude"), text("2")))

    assert learned().concerns(given.raw, GLM)
    assert messages_after(given, GLM)[3] == said(text("2"))


def test_an_edit_of_thinking_goes_with_the_thinking() -> None:
    clear = {"type": "clear_thinking_20251015", "keep": "all"}
    tools = {"type": "clear_tool_uses_20250919"}
    for edits, left in (([clear], None), ([clear, tools], {"edits": [tools]}), ([tools], {"edits": [tools]})):
        given = body(thinking={"type": "enabled", "budget_tokens": 2048}, context_management={"edits": edits})
        sent = json.loads(with_thinking_off(given).raw)
        assert (sent["thinking"], sent.get("context_management")) == ({"type": "disabled"}, left)


@pytest.mark.parametrize("management", [None, [], {"edits": None}, {"edits": ["x"]}, {"edits": [{}]}])
def test_what_cannot_be_read_as_edits_is_left_alone(management: Any) -> None:
    sent = json.loads(with_thinking_off(body(context_management=management)).raw)

    assert sent["context_management"] == management

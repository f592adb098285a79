"""Pitfall 16: thinking of one provider is not sent to another, and returns unharmed when the route returns."""

import json
from typing import Any

from hypothesis import given as given_any
from hypothesis import strategies as st

from proxy.protocol.history import Issuers, issuer_of, without_foreign_thinking, without_server_tools
from proxy.protocol.messages import Body

CLAUDE, GLM = issuer_of("anthropic", "claude-opus-4-8"), issuer_of("zai", "glm-5")


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
    fields, _ = without_foreign_thinking(given, learned().foreign(issuer))
    decoded: list[dict[str, Any]] = json.loads(fields["messages"])
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

    assert without_foreign_thinking(given, learned().foreign(CLAUDE)) == ({}, ())


def test_redacted_thinking_counts_as_thinking() -> None:
    given = body(asked("a"), said({"type": "redacted_thinking", "data": "signed by claude"}, text("1")))

    assert messages_after(given, GLM)[1] == said(text("1"))


def test_a_message_of_thinking_alone_goes_whole() -> None:
    given = body(asked("a"), said(thought("signed by claude")), asked("b"))

    assert messages_after(given, GLM) == [asked("a"), asked("b")]


def test_unknown_thinking_is_left_alone() -> None:
    given = body(asked("a"), said(thought("whoever"), text("1")))

    assert without_foreign_thinking(given, learned().foreign(GLM)) == ({}, ())


def test_a_tool_loop_that_lost_its_thinking_goes_on_without() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}]}
    given = body(
        asked("a"),
        said(thought("signed by claude"), call),
        result,
        thinking={"type": "enabled", "budget_tokens": 2048},
    )

    fields, changes = without_foreign_thinking(given, learned().foreign(GLM))

    assert fields["thinking"] == b'{"type":"disabled"}'
    assert changes == (
        "1 thinking block of another provider left out",
        "thinking turned off for this request: its tool loop began without signed thinking",
    )


def test_a_body_concerns_whoever_did_not_sign_all_of_its_thinking() -> None:
    given = body(asked("a"), said(thought("signed by claude"), text("1"))).raw

    assert learned().concerns(given, GLM)
    assert not learned().concerns(given, CLAUDE)
    assert not learned().concerns(body(asked('what is a "signature"?')).raw, GLM)


def test_where_only_one_ever_signed_no_body_is_searched() -> None:
    issuers = Issuers()
    issuers.learn(GLM, ["x"])

    assert not issuers.concerns(body(said({"type": "redacted_thinking", "data": "y"})).raw, GLM)


@given_any(st.lists(st.text("abc+/=", min_size=1), max_size=5), st.binary(max_size=40))
def test_a_search_for_signatures_survives_any_bytes(signatures: list[str], rubbish: bytes) -> None:
    found = body(said(*map(thought, signatures))).raw

    assert learned().concerns(found + rubbish + b'"signature"', GLM) in (False, True)


def test_a_signature_itself_is_not_remembered() -> None:
    issuers = learned()

    assert "signed by claude" not in json.dumps([*issuers.blocks, *issuers.blocks.values()])


def test_past_web_searches_become_text_for_a_target_without_them() -> None:
    given = body(
        asked("a"),
        said(
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "retries"}},
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": [{"type": "web_search_result", "title": "Retries", "url": "https://example.com/r"}],
            },
            text("1"),
        ),
    )

    fields, changes = without_server_tools(given)

    blocks = json.loads(fields["messages"])[1]["content"]
    assert blocks[0] == text('[web_search: {"query":"retries"}]')
    assert blocks[1] == text("[results] Retries https://example.com/r")
    assert changes == ("2 blocks of server tools told as text",)

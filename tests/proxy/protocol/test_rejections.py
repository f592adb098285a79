"""Pitfall 14: towards a provider that rejects them, a beta and its field are dropped as a pair."""

import json
from typing import Any

import pytest

from proxy.protocol.messages import Body
from proxy.protocol.rejections import Rejection, betas_without_rejected, read_rejection, without_rejected

BETAS = "claude-code-20250219,context-management-2025-06-27,effort-2025-11-24,advanced-tool-use-2025-11-20"


def body(**fields: Any) -> Body:
    return Body(json.dumps({"model": "m", "messages": [], **fields}).encode())


def after(given: Body, *rejections: Rejection) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(without_rejected(given, rejections)[0].raw)
    return decoded


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("context_management: Extra inputs are not permitted", "context_management"),
        ("tools.3.custom.defer_loading: Extra inputs are not permitted", "tools.*.custom.defer_loading"),
        ("thinking.adaptive.display: Extra inputs are not permitted", "thinking.adaptive.display"),
        ("thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags", "thinking"),
        ("Unexpected value(s) `effort-2025-11-24` for the `anthropic-beta` header.", "effort-2025-11-24"),
        ("invalid beta flag", "every beta"),
        ("Malformed input request: #: extraneous key [output_config] is not permitted, please…", "output_config"),
        ("Unknown parameter: 'output_config'.", "output_config"),
    ],
)
def test_rejections_are_read_from_the_providers_words(message: str, name: str) -> None:
    rejection = read_rejection(message)

    assert rejection is not None
    assert rejection.name == name


@pytest.mark.parametrize(
    "message",
    ["max_tokens: must be at most 8192", "messages: Extra inputs are not permitted", "Overloaded", "model: not found"],
)
def test_what_cannot_be_left_out_is_no_rejection(message: str) -> None:
    assert read_rejection(message) is None


def test_a_field_and_its_beta_go_together() -> None:
    rejection = Rejection(field="context_management")

    assert "context_management" not in after(body(context_management={"edits": []}), rejection)
    assert "context-management-2025-06-27" not in betas_without_rejected(BETAS, [rejection])
    assert "claude-code-20250219" in betas_without_rejected(BETAS, [rejection])


def test_a_beta_and_its_field_go_together() -> None:
    rejection = Rejection(betas=("effort-2025-11-24",))
    given = body(output_config={"effort": "high"}, context_management={"edits": []})

    assert "output_config" not in after(given, rejection)
    assert "context_management" in after(given, rejection)
    assert betas_without_rejected(BETAS, [rejection]) == BETAS.replace("effort-2025-11-24,", "")


def test_a_field_of_tools_is_taken_out_of_every_tool_but_not_of_their_schemas() -> None:
    schema = {"type": "object", "properties": {"defer_loading": {"type": "string"}}}
    given = body(tools=[{"name": "a", "defer_loading": True, "input_schema": schema}, {"name": "b"}])

    kept = after(given, Rejection(field="tools.0.custom.defer_loading"))["tools"]

    assert kept == [{"name": "a", "input_schema": schema}, {"name": "b"}]


def test_a_field_inside_messages_is_taken_out_wherever_it_stands_at_that_depth() -> None:
    given = Body(
        json.dumps(
            {
                "model": "m",
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"ttl": "1h"}}]},
                    {"role": "user", "content": "plain"},
                ],
            }
        ).encode()
    )

    kept = after(given, Rejection(field="messages.0.content.0.text.cache_control"))["messages"]

    assert kept[0]["content"] == [{"type": "text", "text": "a"}]
    assert kept[1]["content"] == "plain"


def test_what_was_left_out_is_told() -> None:
    given = body(context_management={})

    assert without_rejected(given, [Rejection(field="context_management")])[1] == (
        "context_management left out: the provider rejects it",
    )
    assert without_rejected(given, [Rejection(field="speed")]) == (given, ())


def test_no_beta_flag_means_none_at_all() -> None:
    assert betas_without_rejected(BETAS, [Rejection(betas=("*",))]) == ""

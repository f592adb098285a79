"""Betas of requests for Claude in the clouds, and the fields that go only with them."""

from typing import Any

import pytest

from proxy.dialects.bedrock import Bedrock
from proxy.dialects.dialect import Dialect
from proxy.dialects.vertex import Vertex
from tests.proxy.dialects.cloud_requests import BOTH, TOOL, sent
from tests.proxy.dialects.conversations import Body

CLAUDE_CODES_BETAS = (
    "claude-code-20250219",
    "oauth-2025-04-20",
    "interleaved-thinking-2025-05-14",
    "context-management-2025-06-27",
    "prompt-caching-scope-2026-01-05",
    "advanced-tool-use-2025-11-20",
    "effort-2025-11-24",
)


@pytest.mark.parametrize(
    ("dialect", "kept"),
    [
        (Bedrock(), ["context-management-2025-06-27", "tool-search-tool-2025-10-19", "effort-2025-11-24"]),
        (
            Vertex(),
            ["interleaved-thinking-2025-05-14", "context-management-2025-06-27", "tool-search-tool-2025-10-19"],
        ),
    ],
    ids=["bedrock", "vertex"],
)
def test_only_betas_that_the_cloud_knows_go_along_in_the_body(dialect: Dialect, kept: list[str]) -> None:
    payload, outgoing = sent(dialect, betas=CLAUDE_CODES_BETAS)
    assert payload["anthropic_beta"] == kept
    (note,) = outgoing.notes
    assert "oauth-2025-04-20" in note
    assert not any(beta in note for beta in kept)
    assert all(name != b"anthropic-beta" for name, _ in outgoing.headers)


@BOTH
def test_betas_are_split_at_commas_and_told_once(dialect: Dialect) -> None:
    one, two = "context-1m-2025-08-07", "compact-2026-01-12"
    payload, _ = sent(dialect, betas=(f"{one}, {two}", one, ""), anthropic_beta=[two])
    assert payload["anthropic_beta"] == [one, two]


@BOTH
def test_without_any_beta_the_field_is_absent(dialect: Dialect) -> None:
    assert "anthropic_beta" not in sent(dialect)[0]


EDITS: list[Body] = [
    {"type": kind} for kind in ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")
]
CONTEXT_BETAS = ("context-management-2025-06-27", "compact-2026-01-12")


def edits_of(payload: Body) -> list[str]:
    return [edit["type"] for edit in payload.get("context_management", {}).get("edits", [])]


def test_context_edits_go_where_they_are_known() -> None:
    bedrock, outgoing = sent(Bedrock(), betas=CONTEXT_BETAS, context_management={"edits": EDITS})
    vertex, _ = sent(Vertex(), betas=CONTEXT_BETAS, context_management={"edits": EDITS})
    assert edits_of(bedrock) == ["clear_tool_uses_20250919", "compact_20260112"]
    assert edits_of(vertex) == [edit["type"] for edit in EDITS]
    assert "clear_thinking_20251015" in outgoing.notes[0]


def test_field_and_beta_go_together_where_no_edit_is_left() -> None:
    payload, _ = sent(Bedrock(), betas=CONTEXT_BETAS[:1], context_management={"edits": EDITS[:1]})
    assert "context_management" not in payload
    assert "anthropic_beta" not in payload


@BOTH
def test_an_edit_without_its_beta_is_left_out(dialect: Dialect) -> None:
    assert "context_management" not in sent(dialect, context_management={"edits": EDITS})[0]


@pytest.mark.parametrize("context", [{}, {"edits": []}, {"edits": None}, {"edits": [1, {}]}, "x", []])
@BOTH
def test_context_management_without_sense_is_left_out(dialect: Dialect, context: Any) -> None:
    assert "context_management" not in sent(dialect, betas=CONTEXT_BETAS, context_management=context)[0]


@BOTH
def test_fields_of_tools_that_need_betas_go_with_them(dialect: Dialect) -> None:
    extras = {"strict": True, "input_examples": [], "allowed_callers": [], "custom": {}, "eager_input_streaming": True}
    tool = {**TOOL, **extras, "defer_loading": True, "type": "custom"}
    assert sent(dialect, tools=[tool])[0]["tools"] == [{**TOOL, "type": "custom"}]
    searching, _ = sent(dialect, tools=[tool], betas=("tool-search-tool-2025-10-19",))
    assert searching["tools"] == [{**TOOL, "type": "custom", "defer_loading": True}]


@BOTH
def test_fields_of_tools_that_are_left_out_are_named_once(dialect: Dialect) -> None:
    tools = [{**TOOL, "name": name, "strict": True, "input_examples": [{}], "allowed_callers": []} for name in "ab"]
    _, outgoing = sent(dialect, tools=tools)
    assert outgoing.notes == (
        f"fields of tools that {type(dialect).__name__} does not take left out: strict, input_examples",
    )


def test_fine_grained_streaming_is_bedrocks() -> None:
    tool, betas = {**TOOL, "eager_input_streaming": True}, ("fine-grained-tool-streaming-2025-05-14",)
    assert sent(Bedrock(), tools=[tool], betas=betas)[0]["tools"] == [tool]
    assert sent(Vertex(), tools=[tool], betas=betas)[0]["tools"] == [TOOL]

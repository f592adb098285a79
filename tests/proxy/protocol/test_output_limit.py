"""An answer's length, lowered to what its target allows, which is told when more was asked for."""

import json
from typing import Any

import pytest

from proxy.protocol.messages import Body
from proxy.protocol.output_limit import asks_more, read_output_limit, with_output_limit


def lowered(limit: int, **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    body, changes = with_output_limit(Body(json.dumps({"model": "m", "messages": [], **fields}).encode()), limit)
    sent: dict[str, Any] = json.loads(body.raw)
    return sent, changes


def test_an_answer_that_fits_is_left_alone() -> None:
    assert lowered(4096, max_tokens=4096) == ({"model": "m", "messages": [], "max_tokens": 4096}, ())


def test_a_thinking_budget_is_lowered_with_the_answer() -> None:
    sent, _ = lowered(8192, max_tokens=64_000, thinking={"type": "enabled", "budget_tokens": 32_000})

    assert (sent["max_tokens"], sent["thinking"]) == (8192, {"type": "enabled", "budget_tokens": 4096})


def test_thinking_that_finds_no_room_is_turned_off_with_the_edits_of_it() -> None:
    sent, changes = lowered(
        1500,
        max_tokens=64_000,
        thinking={"type": "enabled", "budget_tokens": 32_000},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    )

    assert (sent["max_tokens"], sent["thinking"]) == (1500, {"type": "disabled"})
    assert "context_management" not in sent
    assert changes[1] == "thinking turned off with it"


@pytest.mark.parametrize(
    ("message", "most"),
    [
        ("max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for claude-3-5-sonnet", 8192),
        ("max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you", 16384),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 8192),
        ("Range of max_tokens should be [1, 8192]", 8192),
        ("`max_completion_tokens` must be less than or equal to `8192`, the maximum value for it", 8192),
        (
            "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 128000, but got 200000",
            128000,
        ),
        ("The maximum tokens you requested exceeds the model limit of 4,096. Try again with a lower value.", 4096),
        ("it has a maxOutputTokens value of 100000 but the supported range is from 1 (inclusive) to 65537 (exc", 65536),
        ("max_tokens: Input should be less than or equal to 8192", 8192),
        ("{'loc': ('body', 'max_tokens'), 'msg': 'Input should be less than or equal to 8192'}", 8192),
        ("('body', 'max_tokens') and temperature: Input should be less than or equal to 1", None),
        ("max_tokens: must be at least 1", None),
        ("Unsupported parameter: 'max_tokens' is not supported with this model.", None),
        ("prompt is too long: 9 tokens > 8 maximum", None),
    ],
)
def test_the_limit_is_read_in_everybodys_words(message: str, most: int | None) -> None:
    assert read_output_limit(message) == most


@pytest.mark.parametrize(
    ("asked", "more"), [(9000, True), (8192, False), (None, False), ("many", False), (True, False)]
)
def test_only_who_asks_for_more_can_ask_for_less(asked: object, more: bool) -> None:
    assert asks_more(Body(json.dumps({"max_tokens": asked}).encode()), 8192) is more

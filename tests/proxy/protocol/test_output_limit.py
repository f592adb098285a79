"""An answer's length, lowered to what its target allows."""

import json
from typing import Any

from proxy.protocol.messages import Body
from proxy.protocol.output_limit import with_output_limit


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

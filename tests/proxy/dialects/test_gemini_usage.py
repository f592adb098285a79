"""Tokens in Gemini's answers."""

import pytest

from proxy.dialects.dialect import Outgoing
from proxy.dialects.gemini import Gemini
from tests.proxy.dialects.chunking import read
from tests.proxy.dialects.conversations import Body
from tests.proxy.dialects.gemini_answers import AT, USAGE, answer, event, stream, text


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (USAGE, (100, 0, 12, 5)),
        ({**USAGE, "cachedContentTokenCount": 60}, (40, 60, 12, 5)),
        ({**USAGE, "cachedContentTokenCount": 160}, (0, 160, 12, 5)),
        ({**USAGE, "toolUsePromptTokenCount": 30}, (130, 0, 12, 5)),
        ({"promptTokenCount": 3}, (3, 0, 0, 0)),
        ({"promptTokenCount": "3", "candidatesTokenCount": "7"}, (3, 0, 7, 0)),
        ({"candidatesTokenCount": 7}, (11, 0, 7, 0)),
        ({"promptTokenCount": None, "candidatesTokenCount": "many", "thoughtsTokenCount": -1, "x": 1}, None),
    ],
)
def test_tokens_are_counted_once_each(usage: Body, counts: tuple[int, ...] | None) -> None:
    seen = answer(event(text("12345678"), reason="STOP", usage=usage))
    told = (
        seen.usage["input_tokens"],
        seen.usage["cache_read_input_tokens"],
        seen.usage["output_tokens"],
        seen.usage.get("output_tokens_details", {}).get("thinking_tokens"),
    )
    assert told == (counts or (11, 0, 2, None))


def test_of_many_counts_the_last_is_told() -> None:
    first, last = {"promptTokenCount": 100, "candidatesTokenCount": 2}, {"candidatesTokenCount": 9}
    seen = answer(event(text("a"), usage=first), event(text("b"), reason="STOP", usage=last), {"usageMetadata": {}})
    assert (seen.usage["input_tokens"], seen.usage["output_tokens"]) == (100, 9)


def test_counts_after_the_reason_still_count() -> None:
    seen = answer(event(text("a"), reason="STOP"), {"usageMetadata": USAGE})
    assert seen.usage["output_tokens"] == 12


def test_the_first_event_tells_the_prompts_tokens() -> None:
    seen = answer(event(text("a"), reason="STOP", usage={**USAGE, "cachedContentTokenCount": 60}))
    assert (seen.message["usage"]["input_tokens"], seen.message["usage"]["cache_read_input_tokens"]) == (40, 60)


def test_without_any_count_the_answer_is_an_estimate() -> None:
    reader = Gemini().reader(Outgoing("", b""), AT)
    read(reader, [stream(event(text("abcdefgh"), reason="STOP"))])
    assert reader.estimated

"""A prompt that is too long, in everybody's words."""

import pytest

from proxy.protocol.overflow import Overflow, Room, client_sentence, read_overflow

WORDINGS = [
    ("prompt is too long: 210000 tokens > 200000 maximum", 210000, 200000),
    (
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130512 tokens. "
            "Please reduce the length of the messages."
        ),
        130512,
        128000,
    ),
    (
        (
            "This endpoint's maximum context length is 131072 tokens. However, you requested about 140001 tokens (9 of text"
            " input, 131072 in the output)."
        ),
        140001,
        131072,
    ),
    ("This model's maximum prompt length is 131072 but the request contains 150000 tokens.", 150000, 131072),
    (
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        1200000,
        1048576,
    ),
    ("prompt token count of 70000 exceeds the limit of 64000", 70000, 64000),
    (
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        40000,
        32768,
    ),
    ("the request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it", 9000, 8192),
    (
        (
            "Trying to keep the first 30123 tokens when context the overflows. However, the model is loaded with context "
            "length of only 4096 tokens"
        ),
        30123,
        4096,
    ),
    ("Invalid request: Your request exceeded model token limit: 131072", None, 131072),
    ("Range of input length should be [1, 98304]", None, 98304),
    ("Input is too long for requested model.", None, None),
    ("context_length_exceeded", None, None),
    ("Prompt exceeds max length", None, None),
]


@pytest.mark.parametrize(("message", "tokens", "maximum"), WORDINGS)
def test_every_known_wording_is_read(message: str, tokens: int | None, maximum: int | None) -> None:
    assert read_overflow(message) == Overflow(tokens, maximum)


@pytest.mark.parametrize(
    "message",
    ["", "max_tokens: must be at most 8192", "tools.0.input_schema: too deep", "Overloaded", "rate limit: 100 tokens"],
)
def test_other_rejections_are_left_alone(message: str) -> None:
    assert read_overflow(message) is None


def test_the_client_gets_both_numbers_and_the_first_is_the_larger() -> None:
    assert client_sentence(Overflow(210, 200), Room(1, None)) == "prompt is too long: 210 tokens > 200 maximum"
    assert client_sentence(Overflow(), Room(50, 40)) == "prompt is too long: 50 tokens > 40 maximum"
    assert client_sentence(Overflow(), Room(30, 40)) == "prompt is too long: 41 tokens > 40 maximum"
    assert client_sentence(Overflow(), Room(30, None)) == "prompt is too long: 30 tokens > 29 maximum"

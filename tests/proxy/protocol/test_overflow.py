"""A prompt that is too long, in everybody's words."""

import pytest

from proxy.protocol.overflow import (
    Excess,
    Overflow,
    Room,
    client_sentence,
    is_clients_own,
    read_excess,
    read_overflow,
    sentence_for,
)

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
    ("Request body too large for gpt-4o model. Max size: 8000 tokens.", None, 8000),
    ("Input is too long for requested model.", None, None),
    (
        "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 477469 tokens.",
        477469,
        272000,
    ),
    ("The input (345516 tokens) is longer than the model's context length (262144 tokens).", 345516, 262144),
    ("The decoder prompt (length 45000) is longer than the maximum model length of 32768.", 45000, 32768),
    ("The prompt is too long: 140000, model maximum context length: 131071", 140000, 131071),
    ("Please reduce the length of the messages. Current length is 140000 while limit is 131072", 140000, 131072),
    ("Input length 131393 exceeds the maximum allowed input length of 131040 tokens.", 131393, 131040),
    (
        (
            "You passed 40000 input tokens and requested 1000 output tokens. However, the model's context length is only "
            "32768 tokens, resulting in a maximum input length of 31768 tokens."
        ),
        40000,
        32768,
    ),
    (
        "This model's maximum context length is 32768 tokens. However, your request has 40000 input tokens.",
        40000,
        32768,
    ),
    ("the input length exceeds the context length", None, None),
    ("context_length_exceeded", None, None),
    ("Prompt exceeds max length", None, None),
]


TOGETHER = [
    (
        (
            "input length and `max_tokens` exceed context limit: 143653 + 64000 > 200000, decrease input length or "
            "`max_tokens` and try again"
        ),
        Excess(143653, 64000, 200000),
    ),
    (
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 32768 tokens "
            "and your request has 17459 input tokens (32000 > 32768 - 17459)."
        ),
        Excess(17459, 32000, 32768),
    ),
    (
        (
            "This model's maximum context length is 131072 tokens. However, you requested 150000 tokens (118000 in the "
            "messages, 32000 in the completion). Please reduce the length of the messages or completion."
        ),
        Excess(118000, 32000, 131072),
    ),
    (
        (
            "This endpoint's maximum context length is 131072 tokens. However, you requested about 140001 tokens (100001 of "
            "text input, 8000 of tool input, 32000 in the output)."
        ),
        Excess(108001, 32000, 131072),
    ),
    (
        (
            "Requested token count exceeds the model's maximum context length of 32768 tokens. You requested a total of 40000 "
            "tokens: 8000 tokens from the input messages and 32000 tokens for the completion."
        ),
        Excess(8000, 32000, 32768),
    ),
    (
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8192. Given: 7000 `inputs` tokens and "
            "32000 `max_new_tokens`"
        ),
        Excess(7000, 32000, 8192),
    ),
    (
        (
            "You passed 98305 input tokens and requested 32768 output tokens. However, the model's context length is only "
            "131072 tokens, resulting in a maximum input length of 98304 tokens."
        ),
        Excess(98305, 32768, 131072, at_least=True),
    ),
    (
        (
            "This model's maximum context length is 51200 tokens. However, you requested 12054 output tokens and your prompt "
            "is large, for a total of at least 51201 tokens."
        ),
        Excess(39147, 12054, 51200, at_least=True),
    ),
]


@pytest.mark.parametrize(("message", "excess"), TOGETHER)
def test_a_prompt_that_is_too_long_only_together_with_its_answer_is_told_apart(message: str, excess: Excess) -> None:
    assert (read_excess(message), read_overflow(message)) == (excess, None)


@pytest.mark.parametrize("message", [words for words, _, _ in WORDINGS])
def test_a_prompt_that_is_too_long_by_itself_asks_for_no_shorter_answer(message: str) -> None:
    assert read_excess(message) is None


def test_the_client_gets_the_figures_in_the_sentence_on_which_it_asks_for_less() -> None:
    _, vllm = TOGETHER[1]
    told = sentence_for(TOGETHER[1][0], Room(1, None))
    assert told.startswith("input length and `max_tokens` exceed context limit: 17459 + 32000 > 32768, ")
    assert (read_excess(told), is_clients_own(told)) == (vllm, True)


def test_a_prompt_that_was_not_counted_to_its_end_is_estimated() -> None:
    words = TOGETHER[6][0]
    assert "exceed context limit: 110000 + 32768 > 131072" in sentence_for(words, Room(110_000, None))
    assert sentence_for(words, Room(150_000, None)) == "prompt is too long: 150000 tokens > 131072 maximum"


def test_only_anthropics_own_sentences_are_left_as_they_are() -> None:
    own = [message for message, _, _ in WORDINGS if is_clients_own(message)]
    assert own == ["prompt is too long: 210000 tokens > 200000 maximum"]
    assert [is_clients_own(message) for message, _ in TOGETHER].index(True) == 0


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

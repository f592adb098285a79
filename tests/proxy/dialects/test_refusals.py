"""What servers refuse, in their own words, and what is spared them from then on."""

import pytest

from proxy.dialects.quirks import PLAIN, Quirks
from proxy.dialects.refusals import (
    EFFORT,
    EFFORT_ALONE,
    EFFORT_WITH_TOOLS,
    LESSONS,
    PAST_REASONING,
    PAST_THINKING,
    read_refusal,
    with_refusals,
)
from proxy.protocol.rejections import Rejection

VERIFIED = (
    "Your organization must be verified to generate reasoning summaries. Please go to: https://platform.openai.com/settings"
    "/organization/general and click on Verify Organization. If you just verified, it can take up to 15 minutes"
)
EXPECTED = [
    (VERIFIED, "reasoning.summary"),
    ("Unsupported parameter: 'reasoning.summary' is not supported with this model.", "reasoning.summary"),
    ("That is not taken (param: reasoning.summary)", "reasoning.summary"),
    ("tool_choice: Input should be 'none', 'auto' or 'required'", "tool_choice"),
    ("Encrypted content is not supported with this model.", "include"),
    ("Unsupported parameter: 'reasoning.effort' is not supported with this model.", EFFORT),
    ("Unrecognized request argument supplied: reasoning_effort", EFFORT),
    ("Model grok-4 does not support parameter reasoningEffort.", EFFORT),
    ("Argument not supported on this model: reasoning_effort", EFFORT),
    ("litellm.UnsupportedParamsError: openai does not support parameters: ['reasoning_effort'], for gpt-4o", EFFORT),
    ("Unrecognized request argument supplied: stream_options", "stream_options"),
    ("stream_options: Extra inputs are not permitted", "stream_options"),
    ("[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs'}]", "stream_options"),
    ("property 'stream_options' is unsupported", "stream_options"),
    (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens",
    ),
    ("Unsupported parameter: 'parallel_tool_calls' is not supported with this model.", "parallel_tool_calls"),
    ("deepseek-reasoner does not support this tool_choice", "tool_choice"),
    ("Unsupported value: 'temperature' does not support 0.5 with this model. Only 1 is.", "temperature"),
    ("This response_format type is unavailable now", "response_format"),
    (
        (
            "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please use "
            "/v1/responses instead."
        ),
        EFFORT_WITH_TOOLS,
    ),
    ("The `reasoning_content` in the thinking mode must be passed back to the API.", PAST_REASONING),
    (
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
        PAST_REASONING,
    ),
]
ELSE = (
    "messages.0: an image is too large",
    "Invalid schema for function 'Read'",
    "model is not supported",
    "Unsupported parameter: 'messages' is not supported",
    "max_tokens: Input should be less than or equal to 8192",
    "temperature: Input should be less than or equal to 1",
    "[{'type': 'less_than_equal', 'loc': ('body', 'top_p'), 'msg': 'Input should be less than or equal to 1'}]",
    "parallel_tool_calls: Input should be a valid boolean",
    "This is not for your plan (user)",
    "",
)


@pytest.mark.parametrize(("message", "refused"), EXPECTED)
def test_a_refusal_names_what_it_is_about(message: str, refused: str) -> None:
    assert read_refusal(message, anthropic=False) == Rejection(refused)


@pytest.mark.parametrize("message", ELSE)
def test_what_cannot_be_left_out_is_nothing_to_learn(message: str) -> None:
    assert read_refusal(message, anthropic=False) is None


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        ("thinking options type cannot be disabled when reasoning_effort is set", EFFORT_ALONE),
        ("The `content[].thinking` in the thinking mode must be passed back to the API.", PAST_THINKING),
        ("The `reasoning_content` in the thinking mode must be passed back to the API.", PAST_THINKING),
    ],
)
def test_a_server_of_anthropic_s_format_teaches_what_its_format_has(message: str, refused: str) -> None:
    assert read_refusal(message, anthropic=True) == Rejection(refused)


def test_a_server_of_anthropic_s_format_teaches_nothing_of_others() -> None:
    assert read_refusal("stream_options: Extra inputs are not permitted", anthropic=True) is None


def test_every_lesson_changes_a_quirk() -> None:
    wanting = Quirks(
        effort_field="reasoning_effort", effort_with_tools="low", top_k=True, cache_key=True, user_field="user"
    )
    other = Quirks(max_tokens_field="max_completion_tokens")
    unchanged = [
        name
        for name in LESSONS
        if with_refusals(wanting, [Rejection(name)]) == wanting and with_refusals(other, [Rejection(name)]) == other
    ]
    assert unchanged == []


def test_lessons_add_up_and_others_rejections_are_none() -> None:
    learned = [Rejection("reasoning.summary"), Rejection("include"), Rejection("context_management")]
    quirks = with_refusals(PLAIN, learned)
    assert (quirks.reasoning_summaries, quirks.encrypted_reasoning) == (False, False)
    assert with_refusals(PLAIN, learned[2:]) == PLAIN


def test_the_most_tokens_of_an_answer_are_no_other_name_for_the_field() -> None:
    assert with_refusals(PLAIN, [Rejection("max_tokens", most=8192)]) == PLAIN


OF_VLLM = (
    """1 validation error: {'type': 'literal_error', 'loc': ('body', 'reasoning_effort'), 'msg': "Input should be """
    """'low', 'medium' or 'high'", 'input': 'xhigh', 'ctx': {'expected': "'low', 'medium' or 'high'"}}"""
)
OF_PYDANTIC = (
    "1 validation error for ChatCompletionRequest\nreasoning_effort\n  Input should be 'low', 'medium' or 'high' "
    "[type=literal_error, input_value='xhigh', input_type=str]"
)
NARROW = (
    "Unsupported value: 'reasoning.effort' does not support 'xhigh' with this model. Supported values are: 'low', "
    "'medium', and 'high'."
)


@pytest.mark.parametrize(
    ("message", "left"),
    [
        (NARROW, ("low", "medium", "high")),
        (
            "Unsupported value: 'low' is not supported. Supported values are: 'medium'. (param: reasoning.effort)",
            ("medium",),
        ),
        ("reasoning_effort: Input should be 'low', 'medium' or 'high'", ("low", "medium", "high")),
        (OF_VLLM, ("low", "medium", "high")),
        (OF_PYDANTIC, ("low", "medium", "high")),
        (
            "Unsupported value: reasoning_effort. It must be one of low, medium, high, got xhigh",
            ("low", "medium", "high"),
        ),
    ],
)
def test_of_efforts_only_those_are_kept_that_the_refusal_allows(message: str, left: tuple[str, ...]) -> None:
    refusal = read_refusal(message, anthropic=False)
    assert refusal == Rejection(EFFORT, taken=left)
    quirks = with_refusals(Quirks(efforts=("minimal", "xhigh"), effort_with_tools="none"), [refusal])
    assert (quirks.efforts, quirks.effort_with_tools) == (left, None)


def test_the_user_reads_what_is_refused() -> None:
    names = [Rejection(EFFORT, taken=("low", "high")).name, Rejection("max_tokens", most=16384).name]
    assert names == ["effort other than low, high", "max_tokens above 16,384"]

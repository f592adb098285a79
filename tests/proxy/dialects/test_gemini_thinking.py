"""How much a Gemini model shall think, family by family."""

import pytest

from proxy.dialects.conversation_reading import read_conversation
from proxy.dialects.gemini_thinking import gemini_version, thinking_config
from tests.proxy.dialects.conversations import Body


def budget(tokens: int) -> Body:
    return {"type": "enabled", "budget_tokens": tokens}


ON, OFF, ADAPTIVE = budget(5000), {"type": "disabled"}, {"type": "adaptive"}


@pytest.mark.parametrize(
    ("model", "thinking", "effort", "config"),
    [
        ("gemini-3.1-pro-preview", ON, None, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", budget(1024), None, {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", budget(31999), None, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3-pro-preview", ON, None, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3-flash-preview", ON, None, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        ("gemini-3.8-flash", ADAPTIVE, None, {"includeThoughts": True}),
        ("gemini-3.8-flash", ADAPTIVE, "low", {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3.8-flash", ADAPTIVE, "xhigh", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3.8-flash", ADAPTIVE, "max", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3.8-flash", None, "medium", {"thinkingLevel": "MEDIUM"}),
        ("gemini-3.8-flash", OFF, "high", {"thinkingLevel": "LOW"}),
        ("gemini-flash-latest", OFF, None, {"thinkingLevel": "LOW"}),
        ("gemini-3.8-flash", None, None, None),
        ("gemini-2.5-pro", ON, None, {"thinkingBudget": 5000, "includeThoughts": True}),
        ("gemini-2.5-pro", budget(63999), None, {"thinkingBudget": 32768, "includeThoughts": True}),
        ("gemini-2.5-pro", OFF, None, {"thinkingBudget": 128}),
        ("gemini-2.5-flash", OFF, "high", {"thinkingBudget": 0}),
        ("gemini-2.5-flash-lite", budget(100), None, {"thinkingBudget": 512, "includeThoughts": True}),
        ("gemini-2.5-flash", ADAPTIVE, "medium", {"thinkingBudget": 8192, "includeThoughts": True}),
        ("gemini-2.5-flash", ADAPTIVE, "max", {"thinkingBudget": 24576, "includeThoughts": True}),
        ("gemini-2.5-flash", ADAPTIVE, None, {"includeThoughts": True}),
        ("gemini-2.5-flash-image", ON, None, None),
        ("gemini-2.0-flash", ON, "high", None),
        ("gemma-4-27b-it", ON, "high", None),
    ],
)
def test_thinking_is_asked_for_in_the_words_of_the_models_family(
    model: str, thinking: Body | None, effort: str | None, config: Body | None
) -> None:
    body: Body = {"messages": [], "output_config": {"effort": effort}, "thinking": thinking}
    assert thinking_config(model, read_conversation(body)) == config


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("gemini-3.1-pro-preview", (3, 1)),
        ("models/Gemini-2.5-Flash", (2, 5)),
        ("gemini-3-pro-preview", (3, 0)),
        ("gemini-flash-latest", (99, 0)),
        ("gemma-4-27b-it", None),
        ("", None),
    ],
)
def test_the_family_stands_in_the_id(model: str, version: tuple[int, int] | None) -> None:
    assert gemini_version(model) == version

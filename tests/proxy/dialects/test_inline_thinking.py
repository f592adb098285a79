"""``<think>`` at the start of a text, in any pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.inline_thinking import InlineThinking


def told(pieces: list[str]) -> tuple[str, str]:
    """Thinking and text."""
    inline = InlineThinking()
    said = [each for piece in pieces for each in inline.feed(piece)] + list(inline.end())
    return tuple("".join(text for kind, text in said if kind == wanted) for wanted in ("thinking", "text"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("text", "thinking", "rest"),
    [
        ("plain", "", "plain"),
        ("<think>a</think>b", "a", "b"),
        ("\n <think>\na\n</think>\n\nb", "a\n", "b"),
        ("<think></think>b", "", "b"),
        ("<think>\n\n</think>\n\nb", "", "b"),
        ("<think>a < b </ think</think>b", "a < b </ think", "b"),
        ("<think>never ends", "never ends", ""),
        ("<think>a</think>", "a", ""),
        ("<thinking>a", "", "<thinking>a"),
        ("a <think>b</think>", "", "a <think>b</think>"),
        ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
        ("<thi", "", "<thi"),
        ("", "", ""),
    ],
)
def test_thinking_and_text_are_told_apart_in_every_cut(text: str, thinking: str, rest: str) -> None:
    assert told([text]) == (thinking, rest)
    assert told(list(text)) == (thinking, rest)


@given(st.text("<>/think ab\n", max_size=40), st.integers(1, 9))
def test_where_pieces_end_never_matters(text: str, size: int) -> None:
    whole = f"<think>{text}"
    assert told([whole[at : at + size] for at in range(0, len(whole), size)]) == told([whole])
    assert told([text[at : at + size] for at in range(0, len(text), size)]) == told([text])

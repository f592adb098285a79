"""How hard a model shall think: the client's wish in the words that a server takes."""

from collections.abc import Sequence

from proxy.dialects.conversation import Conversation
from proxy.dialects.quirks import Effort, Quirks

EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Weakest first."""
_BUDGETS: tuple[tuple[int, Effort], ...] = ((4000, "low"), (16000, "medium"))
"""A thinking budget below so many tokens is that effort; above, it is ``high``."""


def wished_effort(asked: Conversation, quirks: Quirks) -> Effort | None:
    """The effort to send; None: the server's own choice. A wish in words beats a budget of tokens."""
    if asked.thinking == "off":
        return quirks.effort_when_off
    if (named := next((each for each in EFFORTS if each == asked.effort), None)) is not None:
        return nearest_effort(named, quirks.efforts)
    if asked.thinking_budget is not None:
        budget = asked.thinking_budget
        return nearest_effort(next((word for limit, word in _BUDGETS if budget < limit), "high"), quirks.efforts)
    return None


def nearest_effort(wish: Effort, taken: Sequence[Effort]) -> Effort | None:
    """The strongest of ``taken`` that is no stronger than ``wish``; the weakest where all are stronger."""
    if wish == "none" and "none" in taken:
        return "none"
    known = sorted((each for each in taken if each != "none"), key=EFFORTS.index)
    weaker = [each for each in known if EFFORTS.index(each) <= EFFORTS.index(wish)]
    return weaker[-1] if weaker else (known[0] if known else None)

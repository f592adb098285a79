"""How full a context window or a budget is: its share, when that is near the end, and its words. Pure."""

from proxy.contract import Budget
from tui.state import formats as f
from tui.state.lines import Tone

NEAR = 0.8
CONTEXT_FULL = 0.95
"""From there on hardly anything more has room in a window."""
AT_LEAST = "≥"
"""Stands before a share of which a part is not known."""


def share_tone(share: float, full: float, far: Tone = "accent") -> Tone:
    """How near a share is to where it is ``full``; ``far`` from it otherwise."""
    return "bad" if share >= full else "warn" if share >= NEAR else far


def context_tone(share: float, far: Tone = "accent") -> Tone:
    """The same of a conversation in its window."""
    return share_tone(share, CONTEXT_FULL, far)


def budget_share(budget: Budget) -> float:
    """What is known to be spent, of its limit; one of nothing is used up."""
    return budget.spent_nano_usd / budget.limit_nano_usd if budget.limit_nano_usd else 1.0


def budget_words(budget: Budget) -> str:
    """The same in words: ``40%``, ``≥40%`` where some requests have no known price, ``?`` where all of them."""
    share = budget_share(budget)
    if not budget.unpriced_requests:
        return f.percent(share)
    return f"{AT_LEAST}{int(share * 100)}%" if budget.spent_nano_usd else f.UNKNOWN

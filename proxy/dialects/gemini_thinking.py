"""How much a Gemini model shall think: a budget for 2.5, a level from 3 on, nothing for older ones.

Facts of Google's guide to thinking, and of reports of what each model refuses: a level on 2.5 and both together are
errors, so is a budget of 0 for 2.5 Pro; of the levels only LOW and HIGH are known to every model from 3 on.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from proxy.dialects.conversation import Conversation

Version = tuple[int, int]
Level = Literal["LOW", "MEDIUM", "HIGH"]

_NUMBERS = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_NEWEST: Version = (99, 0)
_LEVELS: Mapping[str, Level] = {"none": "LOW", "minimal": "LOW", "low": "LOW", "medium": "MEDIUM"}
"""By effort; the stronger ones are HIGH."""
_BUDGETS: Mapping[str, int] = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192}
"""Tokens by effort, as Google's own layer for OpenAI's format has them."""
_BUDGET_HIGH = 24576
_LEVEL_BUDGETS: tuple[tuple[int, Level], ...] = ((4000, "LOW"), (16000, "MEDIUM"))
"""A budget below so many tokens is that level; above, it is HIGH."""


def gemini_version(model: str) -> Version | None:
    """``(3, 1)`` of ``gemini-3.1-pro-preview``; the newest for names that move, such as ``gemini-flash-latest``; None
    for other models."""
    found = _NUMBERS.search(model.lower())
    if found:
        return int(found[1]), int(found[2] or 0)
    return _NEWEST if "gemini" in model.lower() and "latest" in model.lower() else None


def thinking_config(model: str, asked: Conversation) -> dict[str, Any] | None:
    """``thinkingConfig`` for the request; None: the model's own way."""
    version = gemini_version(model)
    if version is None or version < (2, 5) or "image" in model.lower():
        return None
    if asked.thinking == "unset" and asked.effort is None:
        return None
    wish = _level(model, asked) if version >= (3, 0) else _budget(model, asked)
    shown = {"includeThoughts": True} if asked.thinking in ("on", "adaptive") else {}
    return {**wish, **shown} or None


def _level(model: str, asked: Conversation) -> dict[str, Any]:
    """None of them can be told not to think at all."""
    level: Level
    if asked.thinking == "off":
        level = "LOW"
    elif asked.effort is not None:
        level = _LEVELS.get(asked.effort, "HIGH")
    elif asked.thinking_budget is not None:
        budget = asked.thinking_budget
        level = next((each for limit, each in _LEVEL_BUDGETS if budget < limit), "HIGH")
    else:
        return {}
    knows_medium = gemini_version(model) != (3, 0) or "pro" not in model.lower()
    return {"thinkingLevel": level if level != "MEDIUM" or knows_medium else "HIGH"}


def _budget(model: str, asked: Conversation) -> dict[str, Any]:
    least, most = _bounds(model)
    if asked.thinking == "off":
        return {"thinkingBudget": 0 if "pro" not in model.lower() else least}
    if asked.effort is not None:
        wish = _BUDGETS.get(asked.effort, _BUDGET_HIGH)
    elif asked.thinking_budget is not None:
        wish = asked.thinking_budget
    else:
        return {}
    return {"thinkingBudget": min(max(wish, least), most)}


def _bounds(model: str) -> tuple[int, int]:
    """The least and the most tokens that a model of 2.5 takes."""
    if "lite" in model.lower():
        return 512, 24576
    return (128, 32768) if "pro" in model.lower() else (1, 24576)

"""A call whose arguments Gemini streams: value by value, each with its place in the whole (``$.items[0].name``).

A first part names the tool and says that more will come; the parts after it bring values, texts in pieces; one that
does not say so is the last. Vertex does this where it is asked to, and gateways ask.
"""

import itertools
import re
from collections.abc import Mapping
from typing import Any

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6})\]|\[(['\"])(.*?)\3\]")
STEPS_MAX = 64
"""Steps from the root to a value."""
GAP_MAX = 1000
"""Entries of a list that were not told before the one that is."""
_VALUES = ("stringValue", "numberValue", "boolValue")


class PartialCall:
    """One call as far as it is known."""

    def __init__(self, name: str, call_id: object, signature: object) -> None:
        self._name = name
        self._id = call_id
        self._signature = signature
        self._args: dict[str, Any] = {}

    def goes_on(self, call: Mapping[str, Any]) -> bool:
        """Whether ``call``, which names its tool, is a piece of this one all the same."""
        if call.get("id") or self._id:
            return call.get("id") == self._id
        return call.get("name") == self._name and isinstance(call.get("partialArgs"), list)

    def take(self, call: Mapping[str, Any]) -> None:
        """Values of one part."""
        if isinstance(args := call.get("args"), dict):
            self._args |= args
        pieces = call.get("partialArgs")
        for piece in pieces if isinstance(pieces, list) else ():
            if isinstance(piece, dict) and isinstance(path := piece.get("jsonPath"), str):
                _put(self._args, _steps(path), _value(piece))

    def part(self) -> dict[str, Any]:
        """The call as a part that brings it whole."""
        return {
            "functionCall": {"name": self._name, "id": self._id, "args": self._args},
            "thoughtSignature": self._signature,
        }


def continues(call: Mapping[str, Any]) -> bool:
    """``call`` is a piece of one, and not the last."""
    return call.get("willContinue") is True


def is_piece(call: Mapping[str, Any]) -> bool:
    return continues(call) or isinstance(call.get("partialArgs"), list)


def _steps(path: str) -> list[str | int]:
    found = _STEP.finditer(path.removeprefix("$"))
    return [int(step[2]) if step[2] else step[1] or step[4] or "" for step in found][:STEPS_MAX]


def _value(piece: Mapping[str, Any]) -> object:
    return next((piece[name] for name in _VALUES if name in piece), None)


def _put(holder: Any, steps: list[str | int], value: object) -> None:
    """Set what ``steps`` lead to; a text that is there already goes on."""
    for step, following in itertools.pairwise(steps):
        if not _fits(holder, step):
            return
        if holder[step] is None:
            holder[step] = [] if isinstance(following, int) else {}
        holder = holder[step]
    if steps and _fits(holder, steps[-1]):
        told = holder[steps[-1]]
        holder[steps[-1]] = told + value if isinstance(told, str) and isinstance(value, str) else value


def _fits(holder: Any, step: str | int) -> bool:
    """``holder`` takes ``step``, which is there afterwards."""
    if isinstance(holder, dict) and isinstance(step, str):
        holder.setdefault(step, None)
        return True
    if isinstance(holder, list) and isinstance(step, int) and step < len(holder) + GAP_MAX:
        holder += [None] * (step + 1 - len(holder))
        return True
    return False

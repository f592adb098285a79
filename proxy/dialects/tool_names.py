"""Names and ids of tools, made legal for a server and mapped back.

Most servers take 64 letters, digits, ``_`` and ``-``; Claude Code's tools of MCP servers are often longer. The same
name gives the same legal name in every request, so that a provider's prompt cache goes on working.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Literal

NAME_MAX = 64
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
_LEGAL_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_NAMESPACE = re.compile(r"^.*[.:/]")
_TAIL = 8


class ToolNames:
    """The tools of one request: by their own names and by the names that the server gets."""

    def __init__(self, names: Iterable[str] = (), *, begins_with_letter: bool = False) -> None:
        """``begins_with_letter``: the server takes no digit or dash at the start (Gemini)."""
        self._begins_with_letter = begins_with_letter
        self._sent: dict[str, str] = {}
        self._own: dict[str, str] = {}
        for name in names:
            self.sent(name)

    def sent(self, name: str) -> str:
        """The name that the server gets."""
        if name not in self._sent:
            legal = self._legal(name)
            if legal != name or self._own.get(legal, name) != name:
                legal = f"{legal[: NAME_MAX - _TAIL - 1]}_{_hash(name)[:_TAIL]}"
            self._sent[name] = legal
            self._own[legal] = name
        return self._sent[name]

    def own(self, sent: str) -> str:
        """The tool's own name, also where a model wrote more around it: a namespace before it, marks of its format
        behind it (gpt-oss: ``functions.Read<|channel|>commentary``). A name that no tool has stays as it is, for the
        client to refuse."""
        if sent in self._sent and sent not in self._own:
            return sent
        bare = sent.partition("<|")[0].strip()
        known = (name for name in (sent, bare, _NAMESPACE.sub("", bare)) if name in self._own)
        return self._own.get(next(known, sent), sent)

    def _legal(self, name: str) -> str:
        legal = _ILLEGAL.sub("_", name)[:NAME_MAX] or "tool"
        if self._begins_with_letter and not (legal[0].isalpha() or legal[0] == "_"):
            legal = f"_{legal}"[:NAME_MAX]
        return legal


def sent_id(tool_id: str, rule: Literal["any", "nine"]) -> str:
    """A call's id as the server takes it; call and result get the same."""
    if rule == "nine":
        return tool_id if re.fullmatch(r"[A-Za-z0-9]{9}", tool_id) else _hash(tool_id)[:9]
    return tool_id if 0 < len(tool_id) <= NAME_MAX else _hash(tool_id)[:32]


def own_id(given: str | None, message_id: str, ordinal: int) -> str:
    """A call's id for the client: the server's own if it is legal and long enough to be unique, else one made from the
    message's id and the call's number in it. Claude refuses ids with other characters and ids that occur twice."""
    if given and _LEGAL_ID.fullmatch(given):
        return given
    return f"toolu_{_hash(f'{message_id}:{ordinal}:{given}')[:24]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()

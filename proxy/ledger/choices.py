"""A choice of requests as conditions in SQL, over rows of ``requests``, over ``cells`` and over ``threads``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy import contract as c
from proxy.ledger.cells import TEXTS, Face, face_of
from proxy.ledger.spans import Span, span

_COLUMNS = {
    "session": "session_id",
    "agent": "agent_id",
    "role": "role",
    "project": "project",
    "provider": "provider",
    "model": "model",
}
NUMBER_OF = {"session_id": "session", "agent_id": "agent"}
"""Columns of ``threads`` that have the number of a name."""
_OF_THREAD = {"session_id": "in_session", "agent_id": "by_agent"}
"""What a cell knows of them."""

Condition = tuple[str, tuple[Any, ...]]
"""SQL and its values."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen but the time, by column; an empty text chooses what has none."""

    when: Span
    texts: dict[str, str] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    """Columns with the largest value that they may have."""

    @property
    def threads(self) -> bool:
        """A session or a sub-agent is named: cells do not tell which."""
        return any(self.texts.get(name) for name in _OF_THREAD)

    @property
    def things(self) -> Mapping[str, str | int]:
        """What cells must be, beside ``most``."""
        told: dict[str, str | int] = {name: text for name, text in self.texts.items() if name in TEXTS}
        lacking = {_OF_THREAD[name]: 0 for name in _OF_THREAD if self.texts.get(name) == ""}
        return {**told, **lacking}

    def face(self, *others: str) -> Face:
        """The face whose cells tell what is chosen, and ``others``."""
        return face_of(frozenset((*self.things, *others)))

    def of_requests(self, when: Span) -> Condition:
        """Over rows of ``requests`` that began in ``when``."""
        named = [_of_request(name, text) for name, text in self.texts.items()]
        bounds = [f"{name} <= ?" for name in self.most]
        parts = ["kind = 'messages'", "started_at >= ?", "started_at < ?", *named, *bounds]
        return " AND ".join(parts), (when.since, when.until, *self.texts.values(), *self.most.values())

    def of_cells(self, face: Face) -> Condition:
        """Over ``cells``."""
        named = [f"cells.{name} = ?" for name in self.things]
        bounds = [f"cells.{name} <= ?" for name in self.most]
        return " AND ".join(["cells.face = ?", *named, *bounds]), (
            int(face),
            *self.things.values(),
            *self.most.values(),
        )

    def of_threads(self) -> Condition:
        """Over ``threads``, beside their cells."""
        named = {NUMBER_OF[name]: self.texts[name] for name in NUMBER_OF if name in self.texts}
        parts = [f"threads.{name} = (SELECT id FROM names WHERE name = ?)" for name in named]
        indexed = [f"threads.{name} > 0" for name, text in named.items() if text]
        return " AND ".join([*parts, *indexed]) or "true", tuple(named.values())


def chosen(choice: c.Choice) -> Chosen:
    texts = {column: getattr(choice, name) for name, column in _COLUMNS.items() if getattr(choice, name) is not None}
    return Chosen(span(choice.since, choice.until), texts)


def both(*conditions: Condition) -> Condition:
    """All of ``conditions``."""
    return " AND ".join(where for where, _ in conditions), tuple(_joined(values for _, values in conditions))


def _of_request(name: str, text: str) -> str:
    source = TEXTS.get(name, name)
    return f"{source} = ?" if text else f"coalesce({source}, '') = ?"


def _joined(each: Iterable[tuple[Any, ...]]) -> Iterable[Any]:
    return (value for values in each for value in values)

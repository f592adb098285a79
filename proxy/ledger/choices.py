"""A choice of requests as conditions in SQL, over rows of ``requests`` and over ``series``."""

from dataclasses import dataclass, field
from typing import Any

from proxy import contract as c
from proxy.ledger.rollups import COLUMN_OF
from proxy.ledger.spans import Span, span

_COLUMNS = {
    "session": "session_id",
    "agent": "agent_id",
    "role": "role",
    "project": "project",
    "provider": "provider",
    "model": "model",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen but the time, by column of ``series``; an empty text chooses what has none."""

    when: Span
    texts: dict[str, str] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    """Columns with the largest value that they may have."""

    @property
    def threads(self) -> bool:
        """A session or an agent is named."""
        return "session_id" in self.texts or "agent_id" in self.texts

    def of_requests(self, when: Span) -> tuple[str, tuple[Any, ...]]:
        """As a condition over rows of ``requests`` that began in ``when``."""
        columns = [COLUMN_OF[name] if text else f"coalesce({COLUMN_OF[name]}, '')" for name, text in self.texts.items()]
        named = [f"{column} = ?" for column in columns]
        parts = ["kind = 'messages'", "started_at >= ?", "started_at < ?", *named, *self._bounds]
        return " AND ".join(parts), (when.since, when.until, *self.values)

    def of_series(self) -> str:
        """As a condition over ``series`` with ``values``."""
        parts = [*(f"series.{name} = ?" for name in self.texts), *(f"series.{each}" for each in self._bounds)]
        return " AND ".join(parts) or "true"

    @property
    def values(self) -> tuple[Any, ...]:
        return (*self.texts.values(), *self.most.values())

    @property
    def _bounds(self) -> list[str]:
        return [f"{name} <= ?" for name in self.most]


def chosen(choice: c.Choice) -> Chosen:
    texts = {column: getattr(choice, name) for name, column in _COLUMNS.items() if getattr(choice, name) is not None}
    return Chosen(span(choice.since, choice.until), texts)

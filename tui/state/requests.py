"""The requests that the panel knows: bounded, ordered, filtered.

``RequestBook`` owns them. Putting one costs the same however many there are, apart from moving a list's
pointers; so does reading a row. Rows are counted from the newest, which stands on top.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from proxy.contract import Request
from tui.state.text import clean_line

ENDED_LIMIT = 5_000
"""Ended requests kept in the panel; the ledger has them all."""


class Rows(Protocol):
    """Requests by row, the newest first."""

    def __len__(self) -> int: ...

    def row(self, index: int) -> Request:
        """The request in row ``index``."""
        ...

    def find(self, request_id: str) -> int | None:
        """The row of a request; None where it is not among them."""
        ...

    @property
    def partial(self) -> bool:
        """There were older requests than any that is known here."""
        ...


@dataclass(frozen=True, slots=True)
class Filter:
    """Which requests are shown: those of ``session`` (None: of all) that hold every word of ``text``."""

    session: str | None = None
    text: str = ""

    @property
    def open(self) -> bool:
        return self.session is None and not self.text.strip()

    def admits(self, request: Request) -> bool:
        if self.session is not None and (request.session_id or "") != self.session:
            return False
        words = self.text.lower().split()
        return not words or _holds(request, words)


class RequestBook:
    """Requests by id. An id sorts by arrival."""

    def __init__(self, limit: int = ENDED_LIMIT) -> None:
        self._limit = limit
        self._by_id: dict[str, Request] = {}
        self._ids: list[str] = []
        self._shown: list[str] = self._ids
        self._filter = Filter()
        self._live: dict[str, Request] = {}
        self._partial = False

    @property
    def partial(self) -> bool:
        return self._partial

    @property
    def filter(self) -> Filter:
        return self._filter

    @property
    def total(self) -> int:
        """All requests known, shown or not."""
        return len(self._ids)

    @property
    def live(self) -> tuple[Request, ...]:
        """Requests in flight, oldest first."""
        return tuple(self._live.values())

    def get(self, request_id: str) -> Request | None:
        return self._by_id.get(request_id)

    def __len__(self) -> int:
        return len(self._shown)

    def row(self, index: int) -> Request:
        return self._by_id[self._shown[-1 - index]]

    def find(self, request_id: str) -> int | None:
        place = bisect_left(self._shown, request_id)
        if place < len(self._shown) and self._shown[place] == request_id:
            return len(self._shown) - 1 - place
        return None

    def newest(self) -> Iterator[Request]:
        """Every request known, the newest first, whatever the filter."""
        return (self._by_id[request_id] for request_id in reversed(self._ids))

    def put(self, request: Request) -> None:
        """Add a request or replace what was known of it."""
        known = request.id in self._by_id
        self._by_id[request.id] = request
        if not known:
            _insert(self._ids, request.id)
        if request.live:
            self._live[request.id] = request
        else:
            self._live.pop(request.id, None)
        if self._shown is not self._ids:
            self._show(request)
        self._evict()

    def add_history(self, requests: Iterable[Request], *, more: bool = False) -> None:
        """Add older requests; what is known already is newer than they are and stays. ``more``: some are older yet."""
        self._partial = self._partial or more
        for request in requests:
            if request.id not in self._by_id:
                self.put(request)

    def replace_live(self, requests: Iterable[Request]) -> None:
        """A new state of the engine: what lived and is not in it any more is forgotten."""
        requests = tuple(requests)
        present = {request.id for request in requests}
        for gone in [request_id for request_id in self._live if request_id not in present]:
            self._forget({gone})
        for request in requests:
            self.put(request)

    def clear(self) -> None:
        self._forget(set(self._by_id))
        self._partial = False

    def show(self, chosen: Filter) -> None:
        """Change what the rows are."""
        self._filter = chosen
        if chosen.open:
            self._shown = self._ids
        else:
            self._shown = [request_id for request_id in self._ids if chosen.admits(self._by_id[request_id])]

    def frozen(self) -> "FrozenRows":
        """The rows as they are now."""
        return FrozenRows([self._by_id[request_id] for request_id in self._shown], partial=self._partial)

    def _show(self, request: Request) -> None:
        shown = self.find(request.id) is not None
        if self._filter.admits(request) == shown:
            return
        if shown:
            del self._shown[bisect_left(self._shown, request.id)]
        else:
            _insert(self._shown, request.id)

    def _evict(self) -> None:
        surplus = len(self._ids) - len(self._live) - self._limit
        if surplus <= self._limit // 10:
            return
        ended = (request_id for request_id in self._ids if request_id not in self._live)
        self._forget(set(islice(ended, surplus)))
        self._partial = True

    def _forget(self, gone: set[str]) -> None:
        for request_id in gone:
            del self._by_id[request_id]
            self._live.pop(request_id, None)
        self._ids = [request_id for request_id in self._ids if request_id not in gone]
        self.show(self._filter)


class FrozenRows:
    """Rows that stand still."""

    def __init__(self, oldest_first: list[Request], *, partial: bool = False) -> None:
        self.partial = partial
        self._requests = oldest_first
        self._ids = [request.id for request in oldest_first]

    def __len__(self) -> int:
        return len(self._requests)

    def row(self, index: int) -> Request:
        return self._requests[-1 - index]

    def find(self, request_id: str) -> int | None:
        place = bisect_left(self._ids, request_id)
        if place < len(self._ids) and self._ids[place] == request_id:
            return len(self._ids) - 1 - place
        return None


def _insert(ids: list[str], request_id: str) -> None:
    if not ids or request_id > ids[-1]:
        ids.append(request_id)
    else:
        insort(ids, request_id)


def _holds(request: Request, words: list[str]) -> bool:
    fields = (
        request.asked_model,
        request.served_model,
        request.provider,
        request.project,
        request.role,
        request.outcome or request.phase,
        request.error,
        request.session_id,
        str(request.status or ""),
    )
    text = clean_line(" ".join(field for field in fields if field)).lower()
    return all(word in text for word in words)

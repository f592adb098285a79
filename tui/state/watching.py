"""Which request's text is shown."""

from proxy.contract import Request
from tui.state.requests import RequestBook, Rows

ROWS_LOOKED_AT = 100
"""More requests than that neither begin nor end between two looks."""


def choose_watched(book: RequestBook, rows: Rows, selected: str | None, watched: str | None) -> str | None:
    """The request to watch: the selected one; when following (no selection), the newest that is being answered.

    One that is watched already and speaks stays until it ends, so that the text does not jump with every new request.
    One that still waits, and background calls and token counts, are watched only where nothing else lives; with
    nothing alive the last watched one stays until another that began after its end has ended too: the quickest are
    never seen alive. What the filter leaves out is not watched.
    """
    if selected is not None:
        return selected
    present = book.get(watched) if watched else None
    if present is not None and not book.filter.admits(present):
        present = None
    if present is not None and present.phase == "streaming" and _worth_reading(present):
        return present.id
    live = sorted((request for request in book.live if book.filter.admits(request)), key=_rank)
    if live:
        return live[-1].id
    if present is not None:
        return _begun_after(present, rows) or present.id
    return rows.row(0).id if len(rows) else None


def _begun_after(ended: Request, rows: Rows) -> str | None:
    """The newest worth reading of those that began when ``ended`` was over."""
    end = ended.started_at + (ended.duration_ms or 0.0) / 1000
    for index in range(min(len(rows), ROWS_LOOKED_AT)):
        request = rows.row(index)
        if request.id <= ended.id:
            return None
        if request.started_at >= end and _worth_reading(request):
            return request.id
    return None


def _worth_reading(request: Request) -> bool:
    return request.kind == "messages" and request.role != "background"


def _rank(request: Request) -> tuple[bool, bool, str]:
    return _worth_reading(request), request.phase == "streaming", request.id

"""Which request's text is shown."""

from proxy.contract import Request
from tui.state.requests import RequestBook, Rows


def choose_watched(book: RequestBook, rows: Rows, selected: str | None, watched: str | None) -> str | None:
    """The request to watch: the selected one; when following (no selection), the newest that is being answered.

    One that is watched already and speaks stays until it ends, so that the text does not jump with every new request.
    One that still waits, and background calls and token counts, are watched only where nothing else lives; with
    nothing alive the last watched one stays.
    """
    if selected is not None:
        return selected
    present = book.get(watched) if watched else None
    if present is not None and present.phase == "streaming" and _worth_reading(present):
        return present.id
    live = sorted((request for request in book.live if book.filter.admits(request)), key=_rank)
    if live:
        return live[-1].id
    if present is not None:
        return present.id
    return rows.row(0).id if len(rows) else None


def _worth_reading(request: Request) -> bool:
    return request.kind == "messages" and request.role != "background"


def _rank(request: Request) -> tuple[bool, bool, str]:
    return _worth_reading(request), request.phase == "streaming", request.id

"""Requests as objects of an export: what ``cctui requests --json`` has, without what providers said in words. Pure."""

from collections.abc import Iterable, Iterator

from proxy import contract as c
from tui.cli import json_output

_SAID = ("error",)
"""Sentences of providers: they may quote a prompt."""
_SAID_OF_ATTEMPT = ("reason", "key")


def export_rows(requests: Iterable[c.Request]) -> Iterator[json_output.Json]:
    """Ended ``requests``, oldest first."""
    ended = sorted((row for row in requests if not row.live), key=lambda row: row.started_at)
    yield from (export_row(row) for row in ended)


def export_row(request: c.Request) -> json_output.Json:
    row = {name: value for name, value in json_output.request(request).items() if name not in _SAID}
    attempts = row["attempts"]
    if isinstance(attempts, list):
        row["attempts"] = [
            {name: value for name, value in attempt.items() if name not in _SAID_OF_ATTEMPT} for attempt in attempts
        ]
    return {**row, "cost_nano_usd": request.cost_nano_usd, "message_id": request.message_id}

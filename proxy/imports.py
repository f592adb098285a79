"""Answers from Claude Code's own transcripts on their way into the ledger: told apart from what it has, and priced.

What did not pass through the engine costs what the list asked on its day: a transcript names no provider and does
not say whether a subscription paid. The counting of tokens is that of live answers.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import msgspec

from proxy import contract as c
from proxy.board import add
from proxy.ledger.queries import LedgerReader
from proxy.ledger.writer import LedgerWriter
from proxy.prices import day_of, list_price
from proxy.protocol.pricing import Settled, bill, split_cost
from proxy.protocol.usage import AnswerFacts

WHY = "read from a transcript of Claude Code's"
ENDS_AT = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""No calendar has a day for what was said later."""
FLUSH_S = 20.0
"""A slow disk may take so long for a batch."""


class CannotImport(Exception):
    """The ledger takes nothing now. ``str()`` says why."""


class Importer:
    """Takes answers into the ledger, one batch at a time."""

    def __init__(
        self, writer: LedgerWriter, reader: LedgerReader, taken: Callable[[Sequence[c.Request]], Awaitable[None]]
    ) -> None:
        """``taken`` is told what was added."""
        self._writer, self._reader, self._taken = writer, reader, taken
        self._turn = asyncio.Lock()

    async def take(self, command: c.ImportAnswers) -> c.ImportReport:
        """Take in what is new of ``command``. Raises ``CannotImport``."""
        read = await asyncio.to_thread(_read, command)
        rows = list({row.id: row for row in read if row is not None}.values())
        async with self._turn:
            fresh, known, too_old = await asyncio.to_thread(self._sort_out, rows)
            if fresh and not command.dry_run:
                await asyncio.to_thread(self._write, fresh)
                await self._taken(fresh)
        added = c.Tally()
        for row in fresh:
            added = add(added, row)
        empty = sum(row is None for row in read)
        return c.ImportReport(added=added, known=known, too_old=too_old, empty=empty)

    def _sort_out(self, rows: Sequence[c.Request]) -> tuple[list[c.Request], int, int]:
        """The new ones, and how many are known and how many too old to tell."""
        if not self._writer.flush(FLUSH_S):
            raise CannotImport(self._writer.problem or "the ledger is busy; try again")
        found = self._reader.known(rows)
        if found is None:
            raise CannotImport("the ledger cannot be read now; try again")
        ids, begin = found
        recent = [row for row in rows if row.started_at >= begin]
        fresh = [row for row in recent if row.id not in ids]
        return fresh, len(recent) - len(fresh), len(rows) - len(recent)

    def _write(self, rows: Sequence[c.Request]) -> None:
        for row in rows:
            self._writer.record(row)
        if not self._writer.flush(FLUSH_S):
            raise CannotImport(self._writer.problem or "the disk is too slow; what is missing comes with the next try")


def _read(command: c.ImportAnswers) -> list[c.Request | None]:
    return [imported(answer, subscription=command.subscription) for answer in command.answers]


def imported(answer: c.Transcribed, *, subscription: bool) -> c.Request | None:
    """``answer`` as a row of the ledger; None where nothing was billed, or its usage or time cannot be read."""
    if not 0 <= answer.at < ENDS_AT:
        return None
    try:
        usage = msgspec.json.decode(answer.usage)
    except msgspec.DecodeError:
        return None
    facts = AnswerFacts()
    facts.see_usage(usage)
    if not facts.usage.total_tokens and facts.reported_nano_usd is None:
        return None
    settled = _cost(answer, facts)
    return c.Request(
        id=_row_id(answer),
        started_at=answer.at,
        session_id=answer.session_id,
        agent_id=answer.agent_id,
        project=answer.project,
        role=answer.role,
        client=answer.client,
        asked_model=answer.asked_model or answer.model,
        served_model=answer.model,
        why=WHY,
        phase="done",
        outcome="served",
        usage=facts.usage,
        cost_nano_usd=settled.nano_usd,
        cost_source=settled.source,
        cost_split=settled.split,
        subscription=subscription,
        stop_reason=answer.stop_reason,
        message_id=answer.message_id,
        imported=True,
    )


def _cost(answer: c.Transcribed, facts: AnswerFacts) -> Settled:
    price = list_price(None, answer.model, day_of(answer.at), facts.speed)
    told = None if price is None else bill(facts.usage, price)
    if facts.reported_nano_usd is not None:
        split = None if told is None else split_cost(facts.reported_nano_usd, told)
        return Settled(facts.reported_nano_usd, "reported", split)
    if told is None:
        return Settled()
    return Settled(told.nano_usd, "genai-prices", split_cost(told.nano_usd, told))


def _row_id(answer: c.Transcribed) -> str:
    """Sortable by time like the engine's own, and the same whenever this answer is read again."""
    digest = hashlib.sha256(f"{answer.message_id}\0{answer.request_id or ''}".encode()).hexdigest()
    return f"r{int(answer.at * 1000):011x}i{digest[:12]}"

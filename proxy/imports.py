"""Answers from Claude Code's own transcripts on their way into the ledger: told apart from what it has, and priced.

What did not pass through the engine costs what the user's ``[prices]`` or the list asked on its day: a transcript names
no provider and does not say whether a subscription paid. The counting of tokens is that of live answers.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from proxy import contract as c
from proxy.board import Board, Grown, add
from proxy.costs import Costs
from proxy.ledger.queries import LedgerReader
from proxy.ledger.writer import LedgerWriter
from proxy.prices import day_of
from proxy.protocol.pricing import together
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
        self,
        writer: LedgerWriter,
        reader: LedgerReader,
        board: Board,
        costs: Costs,
        taken: Callable[[Sequence[c.Request], Sequence[Grown]], Awaitable[None]],
        turn: asyncio.Lock,
    ) -> None:
        """``taken`` is told what was added and what grew. ``turn`` is held until it knows."""
        self._writer, self._reader, self._board, self._costs = writer, reader, board, costs
        self._taken, self._turn = taken, turn

    async def take(self, command: c.ImportAnswers) -> c.ImportReport:
        """Take in what is new of ``command``. Raises ``CannotImport``."""
        read = await asyncio.to_thread(self._read, command)
        rows = list({row.id: row for row in read if row is not None}.values())
        async with self._turn:
            running = {exchange.facts.message_id for exchange in self._board.live.values()}
            sorted_out = await asyncio.to_thread(self._sort_out, [row for row in rows if row.message_id not in running])
            fresh, grown = sorted_out.fresh, sorted_out.grown
            if (fresh or grown) and not command.dry_run:
                await asyncio.to_thread(self._write, [*fresh, *(each.now for each in grown)])
                await self._taken(fresh, grown)
        added = c.Tally()
        for row in fresh:
            added = add(added, row)
        return c.ImportReport(
            added=added,
            known=len(rows) - len(fresh) - len(grown) - sorted_out.too_old,
            grown=len(grown),
            too_old=sorted_out.too_old,
            empty=sum(row is None for row in read),
        )

    def _sort_out(self, rows: Sequence[c.Request]) -> "_SortedOut":
        """Blocks. Raises ``CannotImport``."""
        if not self._writer.flush(FLUSH_S):
            raise CannotImport(self._writer.problem or "the ledger is busy; try again")
        found = self._reader.known(rows)
        if found is None:
            raise CannotImport("the ledger cannot be read now; try again")
        ids, begin = found
        recent = {row.id: row for row in rows if row.started_at >= begin}
        grown = [Grown(was, recent[was.id]) for was in self._reader.outgrown(list(recent.values()))]
        fresh = [row for row in recent.values() if row.id not in ids]
        return _SortedOut(fresh, grown, len(rows) - len(recent))

    def _read(self, command: c.ImportAnswers) -> list[c.Request | None]:
        return [imported(answer, self._costs, subscription=command.subscription) for answer in command.answers]

    def _write(self, rows: Sequence[c.Request]) -> None:
        for row in rows:
            self._writer.record(row)
        if not self._writer.flush(FLUSH_S):
            raise CannotImport(self._writer.problem or "the disk is too slow; what is missing comes with the next try")


@dataclass(frozen=True, slots=True)
class _SortedOut:
    """Read answers beside what the ledger has; the rest is known."""

    fresh: Sequence[c.Request]
    grown: Sequence[Grown]
    too_old: int
    """Of before the rows that are kept: nobody can tell whether they are known."""


def imported(answer: c.Transcribed, costs: Costs, *, subscription: bool) -> c.Request | None:
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
    passes = [
        c.Pass(
            served_model=each.model or answer.model,
            usage=each.usage,
            reported_nano_usd=facts.reported_nano_usd,
            speed=facts.speed,
            geo=facts.geo,
        )
        for each in facts.paid_for(facts.usage)
    ]
    settled = together(costs.settled(None, each, day_of(answer.at)) for each in passes)
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
        passes=tuple(passes) if len(passes) > 1 else (),
        cost_nano_usd=settled.nano_usd,
        cost_source=settled.source,
        cost_split=settled.split,
        speed=facts.speed,
        geo=facts.geo,
        subscription=subscription,
        stop_reason=answer.stop_reason,
        message_id=answer.message_id,
        imported=True,
    )


def _row_id(answer: c.Transcribed) -> str:
    """Sortable by time like the engine's own, and the same whenever this answer is read again."""
    digest = hashlib.sha256(f"{answer.message_id}\0{answer.request_id or ''}".encode()).hexdigest()
    return f"r{int(answer.at * 1000):011x}i{digest[:12]}"

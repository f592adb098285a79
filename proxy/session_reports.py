"""Answers to "where does this session's money go?": the ledger's sums, the prices in force, the budgets, put together.

Asked for the one session that a panel shows. The ledger is read in a thread, what is computed here is small: it works
on sums, not on requests.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from proxy import contract as c
from proxy.board import Board
from proxy.ledger.rollups import QUARTER_S
from proxy.ledger.sessions import AgentSum, Extent, SessionLedger
from proxy.ledger.writer import FLUSH_S, LedgerWriter
from proxy.net.exchange import Exchange
from proxy.protocol.pace import SPANS_S, Ends, Life, forecast, pace
from proxy.protocol.session_bill import Axis, PriceOf, Sum, axis, session_bill

Counts = Callable[[bool, bool], bool]
"""Whether budgets count money that is simulated, that a subscription pays."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger has of a session."""

    extent: Extent
    over: Axis
    sums: list[Sum]
    agents: list[AgentSum]
    names: Mapping[tuple[str, str], str]
    lives: list[tuple[Life, bool]]


class SessionReports:
    """Makes reports of sessions."""

    def __init__(
        self, ledger: SessionLedger, writer: LedgerWriter, board: Board, price_of: PriceOf, counts: Counts
    ) -> None:
        self._ledger, self._writer, self._board = ledger, writer, board
        self._price_of, self._counts = price_of, counts

    async def report(self, session: str, budgets: Iterable[c.Budget]) -> c.SessionReport:
        """``budgets`` are those that the session's requests fall under."""
        now = time.time()
        known = await asyncio.to_thread(self._read, session, now)
        over = known.over
        bill = session_bill(known.sums, over.steps, self._price_of)
        lives = [*(self._life(life, paid=paid) for life, paid in known.lives), *self._living(now)]
        own = [life for life in lives if life.session == session]
        return c.SessionReport(
            session_id=session,
            tally=bill.tally,
            by_model=bill.by_model,
            by_kind=bill.by_kind,
            in_proportion_nano_usd=bill.in_proportion_nano_usd,
            agents=agent_tallies(known.agents, known.names),
            project=next((one.project for one in known.agents if one.project), None),
            began_at=known.extent.began,
            ended_at=known.extent.ended,
            begins_at=over.begins_at,
            step_s=over.step_s,
            steps=over.steps,
            paces=tuple(pace(own, now, span_s) for span_s in SPANS_S),
            forecast=forecast(lives, session, bill.tally, tuple(budgets), ends_of(now), now),
        )

    def _read(self, session: str, now: float) -> _Known:
        """Blocks."""
        self._writer.flush(FLUSH_S)
        extent = self._ledger.extent(session) or Extent(now, now)
        over = axis(extent.began, extent.ended, QUARTER_S if extent.by_quarter else 0.0)
        lives = self._ledger.lives(session, now - SPANS_S[-1], now - c.FORECAST_S)
        return _Known(
            extent=extent,
            over=over,
            sums=self._ledger.sums(session, over),
            agents=self._ledger.agents(session),
            names=self._ledger.agent_names([session]),
            lives=lives,
        )

    def _life(self, life: Life, *, paid: bool) -> Life:
        return replace(life, counts=self._counts(life.simulated, paid))

    def _living(self, now: float) -> list[Life]:
        living = (each for each in self._board.live.values() if each.kind == "messages")
        return [_of_exchange(each, now) for each in living]


def agent_tallies(sums: Iterable[AgentSum], names: Mapping[tuple[str, str], str]) -> tuple[c.AgentTally, ...]:
    """The agents of a session; ``sums`` are in the order in which they began, ``names`` by session and sub-agent."""
    found: dict[tuple[str, str | None], c.AgentTally] = {}
    numbered = 0
    for one in sums:
        key = (one.role, one.agent_id)
        before = found.get(key)
        if before is None:
            numbered += one.role == "agent"
            before = c.AgentTally(
                role=one.role,
                agent_id=one.agent_id,
                ordinal=numbered if one.role == "agent" else 0,
                name=names.get((one.session, one.agent_id or "")),
                started_at=one.began,
            )
        found[key] = msgspec.structs.replace(
            before,
            parent_agent_id=before.parent_agent_id or one.parent_agent_id,
            tally=before.tally + one.tally,
            last_at=max(before.last_at, one.ended),
        )
    return tuple(found.values())


def ends_of(now: float) -> Ends:
    """When the local hour, day and month of ``now`` end."""
    moment = datetime.fromtimestamp(now).astimezone()
    hour = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    next_month = (moment.date().replace(day=1) + timedelta(days=32)).replace(day=1)
    return Ends(hour.timestamp(), c.midnight(moment.date() + timedelta(days=1)), c.midnight(next_month))


def _of_exchange(exchange: Exchange, now: float) -> Life:
    """What it cost is not known while it lives."""
    identity, usage = exchange.identity, exchange.counted
    began = min(exchange.started_at, now)
    return Life(began, now, usage.total_tokens, 0, exchange.simulated, identity.session or "", identity.project)

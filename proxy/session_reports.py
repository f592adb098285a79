"""Answers to "where does this session's money go?": the ledger's sums, the prices in force, the budgets, put together.

Asked for the one session that a panel shows. The ledger is read in a thread, what is computed here is small: it works
on sums, not on requests.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from proxy import contract as c
from proxy.board import Board
from proxy.ledger.sessions import SessionLedger
from proxy.ledger.writer import LedgerWriter
from proxy.net.exchange import Exchange
from proxy.protocol.pace import FORECAST_S, SPANS_S, Ends, Life, forecast, pace
from proxy.protocol.session_bill import Axis, PriceOf, Sum, axis, session_bill

FLUSH_S = 2.0

Counts = Callable[[bool, bool], bool]
"""Whether budgets count money that is simulated, that a subscription pays."""


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
        over, sums, ended = await asyncio.to_thread(self._read, session, now)
        bill = session_bill(sums, over.steps, self._price_of)
        lives = [*(self._life(life, paid=paid) for life, paid in ended), *self._living(now)]
        own = [life for life in lives if life.session == session]
        return c.SessionReport(
            session_id=session,
            tally=bill.tally,
            by_model=bill.by_model,
            by_kind=bill.by_kind,
            in_proportion_nano_usd=bill.in_proportion_nano_usd,
            begins_at=over.begins_at,
            step_s=over.step_s,
            steps=over.steps,
            paces=tuple(pace(own, now, span_s) for span_s in SPANS_S),
            forecast=forecast(lives, session, bill.tally, tuple(budgets), ends_of(now), now),
        )

    def _read(self, session: str, now: float) -> tuple[Axis, list[Sum], list[tuple[Life, bool]]]:
        """Blocks."""
        self._writer.flush(FLUSH_S)
        began, ended = self._ledger.span(session) or (now, now)
        over = axis(began, ended)
        return over, self._ledger.sums(session, over), self._ledger.lives(session, now - SPANS_S[-1], now - FORECAST_S)

    def _life(self, life: Life, *, paid: bool) -> Life:
        return replace(life, counts=self._counts(life.simulated, paid))

    def _living(self, now: float) -> list[Life]:
        living = (each for each in self._board.live.values() if each.kind == "messages")
        return [_of_exchange(each, now) for each in living]


def ends_of(now: float) -> Ends:
    """When the local hour, day and month of ``now`` end."""
    moment = datetime.fromtimestamp(now).astimezone()
    hour = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    next_month = (moment.date().replace(day=1) + timedelta(days=32)).replace(day=1)
    return Ends(hour.timestamp(), c.midnight(moment.date() + timedelta(days=1)), c.midnight(next_month))


def _of_exchange(exchange: Exchange, now: float) -> Life:
    """What it cost is not known while it lives."""
    identity, usage = exchange.identity, exchange.view().usage
    began = min(exchange.started_at, now)
    return Life(began, now, usage.total_tokens, 0, exchange.simulated, identity.session or "", identity.project)

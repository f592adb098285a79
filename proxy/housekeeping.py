"""What an engine looks after each second beside its traffic: connections after a sleep of the machine, the turn of the
day, troubles, news of providers, and what was learned and is not on the disk yet."""

import asyncio
import logging
import time

from proxy import contract as c
from proxy.board import Board
from proxy.chores import contained
from proxy.dispatch import Dispatch
from proxy.feed import Feed
from proxy.ledger.writer import LedgerWriter
from proxy.overview import Overview

log = logging.getLogger(__name__)

BEAT_S = 1.0
SHOWN_BEATS = 10
"""Panels hear so often of the engine's own state, where nothing in it is news."""
LEARNED_BEATS = 15
"""So often is kept what was learned of models' token counts."""
SLEPT_S = 5.0
"""If the wall clock ran ahead of the monotonic one by more, the machine slept: connections are made anew."""


class Housekeeping:
    """Keeps an engine in order. Belongs to the event loop."""

    def __init__(self, dispatch: Dispatch, board: Board, feed: Feed, overview: Overview, writer: LedgerWriter) -> None:
        self._dispatch, self._board, self._feed, self._overview = dispatch, board, feed, overview
        self._writer = writer
        self._providers_dirty = self._health_unsaved = False

    async def run(self) -> None:
        offset = time.time() - time.monotonic()
        beats = 0
        while True:
            await asyncio.sleep(BEAT_S)
            beats += 1
            now = time.time()
            if abs(now - time.monotonic() - offset) > SLEPT_S:
                log.info("the machine slept or its clock was set: connections are made anew")
                self._dispatch.upstreams.renew()
            offset = now - time.monotonic()
            with contained("housekeeping"):
                await self.look_after(now, beats)

    async def look_after(self, now: float, beats: int) -> None:
        """One beat at ``now`` (Unix seconds), the ``beats``-th."""
        news = self.look_for_problems()
        if self._board.turn_day(now):
            await self.show_sums()
        elif beats % SHOWN_BEATS == 0 or news:
            self._feed.publish(self._overview.engine_changed)
        if self._providers_dirty:
            self.providers_changed()
        if self._health_unsaved:
            self._health_unsaved = False
            await self._dispatch.health.save()
            await self._dispatch.rejected.save()
        if beats % LEARNED_BEATS == 0:
            await self._dispatch.fitting.save()

    async def show_sums(self) -> None:
        """Panels hear of today's sums and of all budgets, those too of which only the ledger knows what was spent."""
        await self._dispatch.gate.learn(self._board.sessions())
        self._feed.publish(self._overview.snapshot)

    def look_for_problems(self) -> bool:
        """Whether what is wrong with the engine itself changed."""
        if remark := self._writer.remark:
            self._writer.remark = None
            self._dispatch.herald.say("warning", remark)
        return self._overview.look()

    def provider_news(self) -> None:
        """Panels hear of it with the next beat: of an outage there is much in a second."""
        self._providers_dirty = self._health_unsaved = True

    def providers_changed(self) -> None:
        """Panels hear of it now."""
        self._providers_dirty = False
        self._feed.publish(lambda: c.ProvidersChanged(providers=self._overview.providers()))

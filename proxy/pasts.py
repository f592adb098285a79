"""Sessions that the board meets anew, as after ``claude --resume``: what the ledger has of them goes into their sums.

Read in a thread, some at a time. Meanwhile nobody may change what is read, so imports and repricings take turns
with it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass

from proxy.board import Board
from proxy.feed import Feed
from proxy.ledger.sessions import AgentSum, SessionLedger
from proxy.ledger.writer import LedgerWriter

FLUSH_S = 5.0


@dataclass(frozen=True, slots=True)
class _Past:
    """What the ledger has of a session."""

    sums: Sequence[AgentSum]
    names: Mapping[str, str]
    """Of its sub-agents."""


class Pasts:
    """Adds to the board what is missing there."""

    def __init__(
        self,
        ledger: SessionLedger,
        writer: LedgerWriter,
        board: Board,
        feed: Feed,
        start: Callable[[str, Coroutine[None, None, None]], None],
        turn: asyncio.Lock,
    ) -> None:
        """``turn`` is held by whoever changes rows of the past and the sums of them."""
        self._ledger, self._writer, self._board, self._feed = ledger, writer, board, feed
        self._start, self._turn = start, turn
        self._loading = False

    def look_up(self) -> None:
        """Have what is missing added. Returns at once."""
        if not self._loading and self._board.lacking():
            self._loading = True
            self._start("past of a session", self._load())

    async def _load(self) -> None:
        try:
            while self._board.lacking():
                async with self._turn:
                    found = await asyncio.to_thread(self._read, dict(self._board.lacking()))
                    for session, past in found.items():
                        self._board.add_past(session, past.sums)
                        for agent, name in past.names.items():
                            self._board.name_agent(session, agent, name)
                        self._feed.opened(session)
                if not found:
                    return
        finally:
            self._loading = False

    def _read(self, lacking: Mapping[str, float]) -> dict[str, _Past]:
        """Blocks. Nothing while the ledger does not take what was recorded: it is tried again with the next request."""
        if not self._writer.flush(FLUSH_S):
            return {}
        return {session: self._past(session, met_at) for session, met_at in lacking.items()}

    def _past(self, session: str, met_at: float) -> _Past:
        names = {agent: name for (_, agent), name in self._ledger.agent_names((session,)).items()}
        return _Past(self._ledger.agents_before(met_at, (session,)), names)

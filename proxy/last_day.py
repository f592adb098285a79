"""What panels are shown of the past: at a start the ledger's last day, later what came into it from elsewhere."""

from collections.abc import Sequence

from proxy import contract as c
from proxy.board import Board, Grown
from proxy.catalog import ModelCatalog
from proxy.ledger.queries import LedgerReader
from proxy.ledger.sessions import SessionLedger
from proxy.roster import Roster

RESTORED_S = 24 * 3600.0


class LastDay:
    """Puts on the board what passed before."""

    def __init__(
        self, board: Board, reader: LedgerReader, sessions: SessionLedger, catalog: ModelCatalog, providers: Roster
    ) -> None:
        self._board, self._reader, self._sessions = board, reader, sessions
        self._catalog, self._providers = catalog, providers

    def restore(self, now: float) -> None:
        """Show what the ledger has of the last day. Reads files."""
        begin = restored_since(now)
        requests = self._reader.since(begin)
        sessions = tuple(dict.fromkeys(each.session_id for each in requests if each.session_id))
        self._board.restore_sums(self._sessions.agents_before(begin, sessions))
        for request in requests:
            self._board.restore(request, self._window(request))
        for (session, agent), name in self._sessions.agent_names(sessions).items():
            self._board.name_agent(session, agent, name)

    def add(self, requests: Sequence[c.Request], grown: Sequence[Grown], now: float) -> None:
        """Sums have in them what came into the ledger from elsewhere, and its sessions of the last day are met."""
        for one in grown:
            self._board.grew(one)
        for request in requests:
            self._board.imported(request)
            if request.session_id and request.started_at >= now - RESTORED_S:
                self._board.meet(request.session_id, request.project, now)

    def _window(self, request: c.Request) -> int | None:
        if request.provider and request.provider in self._providers and request.target_model:
            return self._catalog.window(request.provider, request.target_model)
        return None


def restored_since(now: float) -> float:
    """From when on panels are shown what the ledger has: a day, and all of today, which may have 25 hours."""
    return min(now - RESTORED_S, c.midnight(c.local_day(now)))

"""The one writer of the ledger: a thread that takes requests from a bounded queue and commits them in batches.

``record`` and ``note`` never wait and never fail: when the disk does not keep up, the oldest that waits is dropped
and counted; what no ledger can hold costs itself alone. A damaged file is moved aside and a new one begun; a
locked or full disk is tried again. What is wrong is in ``problem``, in words, for the panel. Whoever else has
something to write hands it to ``submit``; between batches the thread does the ledger's upkeep.
"""

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from proxy import contract as c
from proxy.ledger.notes import Note, write_notes
from proxy.ledger.rollups import record
from proxy.ledger.rows import to_row
from proxy.ledger.schema import NewerLedger, check, connect, is_damage, migrate
from proxy.ledger.upkeep import LOOK_AGAIN_S, Upkeep
from proxy.paths import make_private_dir

log = logging.getLogger(__name__)

BATCH_S = 0.5
"""A crash loses at most what arrived within this time."""
WAITING_MAX = 20_000
RETRY_S = 2.0
FLUSH_S = 2.0
"""Whoever reads the ledger to show it waits so long for what ended just before."""

T = TypeVar("T")
_Kept = c.Request | Note
_Job = tuple[Callable[[sqlite3.Connection], Any], "Future[Any]"]


class LedgerUnusable(Exception):
    """The ledger takes nothing now. ``str()`` says why."""


class LedgerWriter:
    """Writes ended requests to ``file``."""

    def __init__(self, file: Path, keep_days: int | None = None) -> None:
        """``keep_days`` None: rows are kept for ever."""
        self._file = file
        self._upkeep = Upkeep(keep_days)
        self._upkeep_at = 0.0
        """When the next step of it is due, on the monotonic clock."""
        self._jobs: deque[_Job] = deque()
        self._waiting: deque[_Kept] = deque(maxlen=WAITING_MAX)
        self._batch: list[_Kept] = []
        """Taken from the queue, not committed yet."""
        self._asking: set[threading.Event] = set()
        """Set when everything is committed that was recorded before they came; they take no request's place."""
        self._wake = threading.Event()
        self._stopping = False
        self._since = str(time.time())
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="ledger writer", daemon=True)
        self._urgent = threading.Event()
        """Set by whoever waits for a commit: it ends the pause between two batches."""
        self.problem: str | None = None
        """What keeps the ledger from being written; None: nothing."""
        self.remark: str | None = None
        """What the user should know of the ledger's past, such as a crash."""
        self.dropped = 0
        """Requests that waited for the disk when too many others came."""
        self.unfit = 0
        """Requests with a value that no ledger can hold."""

    def start(self) -> None:
        """Open the file, which may take its time, before the first request; failing leaves a ``problem``."""
        make_private_dir(self._file.parent)
        self._open()
        self._thread.start()

    def record(self, request: c.Request) -> None:
        """Keep ``request``. Returns at once."""
        self._keep(request)

    def note(self, note: Note) -> None:
        """Keep ``note``. Returns at once."""
        self._keep(note)

    def flush(self, patience_s: float = 5.0) -> bool:
        """Wait until everything recorded so far is committed; False where it could not be in time."""
        committed = threading.Event()
        self._asking.add(committed)
        self._urgent.set()
        self._wake.set()
        try:
            return committed.wait(patience_s)
        finally:
            self._asking.discard(committed)

    def submit(self, job: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Let the writer do ``job`` in a transaction, after what was recorded so far. Keep it short: requests wait.

        The future raises ``LedgerUnusable``, or what ``job`` raised; then nothing of it is written.
        """
        future: Future[T] = Future()
        if self._stopping:
            future.set_exception(LedgerUnusable("the engine is ending"))
            return future
        self._jobs.append((job, future))
        self._urgent.set()
        self._wake.set()
        return future

    def close(self) -> None:
        """Commit what waits and end."""
        self._stopping = True
        self._urgent.set()
        self._wake.set()
        self._thread.join(timeout=10)

    def _keep(self, kept: _Kept) -> None:
        if len(self._waiting) == WAITING_MAX:
            self.dropped += isinstance(self._waiting[0], c.Request)
        self._waiting.append(kept)
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(max(0.0, self._upkeep_at - time.monotonic()))
            woken = self._wake.is_set()
            self._wake.clear()
            self._urgent.clear()
            if not self._write_waiting():
                self._wake.set()
                self._urgent.wait(RETRY_S)
                continue
            self._do_jobs()
            self._keep_up()
            if woken and not self._stopping:
                self._urgent.wait(min(BATCH_S, max(0.0, self._upkeep_at - time.monotonic())))
        if not self._write_waiting():
            log.error("%d requests could not be recorded before the end", len(self._batch) + len(self._waiting))
        self._do_jobs()
        self._finish()

    def _do_jobs(self) -> None:
        while self._jobs:
            job, future = self._jobs.popleft()
            try:
                future.set_result(self._in_transaction(job))
            except Exception as error:  # whoever submitted it is told
                future.set_exception(error)

    def _in_transaction(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Raises ``LedgerUnusable`` and what ``job`` raises."""
        if self._connection is None:
            self._open()
        connection = self._connection
        if connection is None:
            raise LedgerUnusable(self.problem or "the ledger cannot be opened")
        try:
            connection.execute("BEGIN IMMEDIATE")
            done = job(connection)
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._failed(error)
            raise LedgerUnusable(str(error)) from error
        except Exception:
            self._disconnect()
            raise
        return done

    def _keep_up(self) -> None:
        """A step of the upkeep, if one is due."""
        if self._stopping or time.monotonic() < self._upkeep_at:
            return
        rest_s = LOOK_AGAIN_S
        if self._connection is None:
            self._open()
        try:
            if self._connection is not None:
                rest_s = self._upkeep.step(self._connection, time.time())
        except sqlite3.DatabaseError as error:
            self._failed(error)
            rest_s = RETRY_S
        except Exception:
            log.exception("upkeep of the ledger")
            self._disconnect()
        self._upkeep_at = time.monotonic() + rest_s

    def _write_waiting(self) -> bool:
        """Commit everything that waits; False where the database does not take it now."""
        asking = tuple(self._asking)
        while self._batch or self._waiting:
            if not self._batch:
                self._batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not self._write(self._batch):
                return False
            self._batch = []
        for each in asking:
            each.set()
        return True

    def _write(self, batch: list[_Kept]) -> bool:
        if self._connection is None:
            self._open()
        connection = self._connection
        if connection is None:
            return False
        try:
            connection.execute("BEGIN IMMEDIATE")
            rows = [to_row(each) for each in batch if isinstance(each, c.Request)]
            if rows:
                record(connection, rows)
            write_notes(connection, (each for each in batch if not isinstance(each, c.Request)))
            connection.execute("COMMIT")
        except (sqlite3.DatabaseError, OverflowError, UnicodeError) as error:
            if _of_a_row(error):
                return self._write_apart(batch)
            if isinstance(error, sqlite3.DatabaseError):
                self._failed(error)
            return False
        self.problem = None
        return True

    def _write_apart(self, batch: list[_Kept]) -> bool:
        """No ledger can hold one of ``batch``: each alone, and without that one."""
        self._disconnect()
        if len(batch) > 1:
            for number, each in enumerate(batch):
                if not self._write([each]):
                    self._batch = batch[number:]
                    return False
            return True
        self.unfit += isinstance(batch[0], c.Request)
        log.exception("%s cannot be recorded", _named(batch[0]))
        return True

    def _open(self) -> None:
        try:
            self._file.touch(mode=0o600)
            self._file.chmod(0o600)
            self._connection = connect(str(self._file))
            check(self._connection)
            migrate(self._connection)
            self._note_start(self._connection)
            self.problem = None
        except NewerLedger as error:
            self._disconnect()
            self.problem = str(error)
        except OSError as error:
            self._disconnect()
            self.problem = f"the ledger cannot be used ({error}); requests wait in memory"
        except sqlite3.DatabaseError as error:
            self._failed(error)
            if self._connection is None and not self._stopping and not self._file.exists():
                self._open()

    def _note_start(self, connection: sqlite3.Connection) -> None:
        row = connection.execute("SELECT value FROM facts WHERE name = 'open since'").fetchone()
        if row is not None and row[0] != self._since:
            self.remark = (
                "the engine did not end properly last time; requests of its last second may be missing from the history"
            )
        connection.execute("INSERT OR REPLACE INTO facts VALUES ('open since', ?)", (self._since,))

    def _finish(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.execute("DELETE FROM facts WHERE name = 'open since'")
        except sqlite3.Error as error:
            log.warning("closing the ledger: %s", error)
        self._disconnect()

    def _failed(self, error: sqlite3.DatabaseError) -> None:
        """A lock or a full disk passes; a damaged file does not get better and is moved aside."""
        self._disconnect()
        if not is_damage(error):
            self.problem = f"the ledger cannot be written ({error}); requests wait in memory and are tried again"
            log.warning("%s", self.problem)
            return
        aside = self._file.with_name(f"{self._file.stem}.damaged-{time.time_ns() // 10**6}{self._file.suffix}")
        try:
            self._file.rename(aside)
            for ending in ("-wal", "-shm"):
                self._file.with_name(self._file.name + ending).unlink(missing_ok=True)
        except OSError as trouble:
            self.problem = f"the ledger is damaged ({error}) and cannot be moved aside ({trouble})"
            return
        self.remark = f"the ledger was damaged ({error}); it was kept as {aside.name} and a new one begun"
        log.error("%s", self.remark)

    def _disconnect(self) -> None:
        """What is not committed is undone."""
        if self._connection is not None:
            try:
                self._connection.close()
            except sqlite3.Error as error:
                log.debug("closing the ledger: %s", error)
            self._connection = None


def _named(kept: _Kept) -> str:
    return f"request {kept.id}" if isinstance(kept, c.Request) else type(kept).__name__


def _of_a_row(error: Exception) -> bool:
    """A value is at fault that no ledger can hold, not the file. SQLite tells a sum beyond 64 bits in words alone."""
    rows = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, OverflowError, UnicodeError)
    return isinstance(error, rows) or str(error) == "integer overflow"

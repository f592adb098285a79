"""The ledger's tables, as migrations: each takes the database from one version to the next, in no time.

A row of ``requests`` is one ended request. There is no prompt text, no answer text and no credential in it; words that
name a sub-agent stand in ``agent_names``. ``cells``, ``threads``, ``speeds`` and the tables of sums beside them are
what ``rollups`` the module keeps and explains; ``former_series`` and ``former_rollups`` what earlier versions had in
their place, until ``former`` has moved it. A new file gives the pages of removed rows back to the disk; one from before
it was made so uses them again.
"""

import sqlite3

_TOKENS = """input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL,
        cache_write_5m_tokens INTEGER NOT NULL,
        cache_write_1h_tokens INTEGER NOT NULL,
        web_searches INTEGER NOT NULL,"""
"""What was used."""
_SPLIT = """input_nano_usd INTEGER NOT NULL,
        output_nano_usd INTEGER NOT NULL,
        cache_read_nano_usd INTEGER NOT NULL,
        cache_write_nano_usd INTEGER NOT NULL,
        searches_nano_usd INTEGER NOT NULL,
        divided_nano_usd INTEGER NOT NULL,"""
"""What it cost, by what was paid for."""
_SUMS = f"""requests INTEGER NOT NULL,
        {_TOKENS}
        cost_nano_usd INTEGER NOT NULL,
        {_SPLIT}
        unpriced_requests INTEGER NOT NULL,
        failed INTEGER NOT NULL,"""
"""Of many requests. As the migrations wrote them: a table that is to have others names a list of its own."""

MIGRATIONS: tuple[str, ...] = (
    f"""
    CREATE TABLE requests (
        id TEXT NOT NULL UNIQUE,
        started_at REAL NOT NULL,
        kind TEXT NOT NULL,
        path TEXT NOT NULL,
        session_id TEXT,
        agent_id TEXT,
        parent_agent_id TEXT,
        project TEXT,
        role TEXT NOT NULL,
        client TEXT,
        asked_model TEXT,
        target_model TEXT,
        served_model TEXT,
        provider TEXT,
        why TEXT NOT NULL,
        outcome TEXT NOT NULL,
        status INTEGER,
        error TEXT,
        attempts TEXT NOT NULL,
        streaming INTEGER NOT NULL,
        headers_ms REAL,
        ttft_ms REAL,
        first_text_ms REAL,
        duration_ms REAL,
        {_TOKENS}
        usage_estimated INTEGER NOT NULL,
        cost_nano_usd INTEGER,
        cost_source TEXT NOT NULL,
        simulated INTEGER NOT NULL,
        subscription INTEGER NOT NULL,
        request_bytes INTEGER NOT NULL,
        output_bytes INTEGER NOT NULL,
        stop_reason TEXT
    );
    CREATE INDEX requests_by_time ON requests (started_at);
    CREATE INDEX requests_by_session ON requests (session_id, started_at);
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
    f"""
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        role TEXT NOT NULL,
        project TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        simulated INTEGER NOT NULL,
        subscription INTEGER NOT NULL,
        UNIQUE (session_id, agent_id, role, project, provider, model, simulated, subscription)
    );
    CREATE INDEX series_by_agent ON series (agent_id);
    CREATE TABLE rollups (
        level INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        series INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        {_TOKENS}
        cost_nano_usd INTEGER NOT NULL,
        unpriced_requests INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        PRIMARY KEY (level, slot, series)
    ) WITHOUT ROWID;
    CREATE INDEX rollups_by_series ON rollups (series, level, slot);
    CREATE TABLE speeds (
        grain_s INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        series INTEGER NOT NULL,
        measure INTEGER NOT NULL,
        value INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        PRIMARY KEY (grain_s, slot, series, measure, value)
    ) WITHOUT ROWID;
    INSERT INTO facts SELECT 'rolled up to row', 0 FROM requests LIMIT 1;
    INSERT INTO facts SELECT 'roll up to row', max(rowid) FROM requests HAVING max(rowid) > 0;
    """,
    """
    ALTER TABLE requests ADD COLUMN message_id TEXT;
    ALTER TABLE requests ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX requests_by_message ON requests (message_id) WHERE message_id IS NOT NULL;
    """,
    "ALTER TABLE requests ADD COLUMN speed TEXT;",
    """
    ALTER TABLE requests ADD COLUMN output_estimated INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX requests_estimated ON requests (started_at) WHERE usage_estimated = 1;
    """,
    """
    ALTER TABLE requests ADD COLUMN input_nano_usd INTEGER;
    ALTER TABLE requests ADD COLUMN output_nano_usd INTEGER;
    ALTER TABLE requests ADD COLUMN cache_read_nano_usd INTEGER;
    ALTER TABLE requests ADD COLUMN cache_write_nano_usd INTEGER;
    ALTER TABLE requests ADD COLUMN searches_nano_usd INTEGER;
    ALTER TABLE requests ADD COLUMN divided INTEGER NOT NULL DEFAULT 0;
    """,
    f"""
    ALTER TABLE series RENAME TO former_series;
    ALTER TABLE rollups RENAME TO former_rollups;
    ALTER TABLE speeds RENAME COLUMN series TO cell;
    CREATE TABLE cells (
        id INTEGER PRIMARY KEY,
        face INTEGER NOT NULL,
        role TEXT NOT NULL,
        project TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        in_session INTEGER NOT NULL,
        by_agent INTEGER NOT NULL,
        simulated INTEGER NOT NULL,
        subscription INTEGER NOT NULL,
        UNIQUE (face, role, project, provider, model, in_session, by_agent, simulated, subscription)
    );
    CREATE TABLE cell_faces (cell INTEGER NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (cell, part)) WITHOUT ROWID;
    CREATE TABLE cell_sums (
        cell INTEGER NOT NULL,
        grain_s INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        {_SUMS}
        PRIMARY KEY (cell, grain_s, slot)
    ) WITHOUT ROWID;
    CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE threads (
        session INTEGER NOT NULL,
        agent INTEGER NOT NULL,
        cell INTEGER NOT NULL,
        first_at REAL NOT NULL,
        last_at REAL NOT NULL,
        requests INTEGER NOT NULL,
        cost_nano_usd INTEGER NOT NULL,
        ended_at REAL NOT NULL,
        parent_agent_id TEXT,
        {_TOKENS}
        {_SPLIT}
        unpriced_requests INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        PRIMARY KEY (session, agent, cell)
    ) WITHOUT ROWID;
    CREATE INDEX threads_by_agent ON threads (agent, cell, first_at, last_at, cost_nano_usd, requests)
        WHERE agent > 0;
    CREATE INDEX threads_by_begin ON threads (first_at);
    CREATE INDEX threads_long ON threads (first_at) WHERE last_at - first_at >= 86400;
    CREATE TABLE thread_sums (
        session INTEGER NOT NULL,
        agent INTEGER NOT NULL,
        cell INTEGER NOT NULL,
        grain_s INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        {_SUMS}
        PRIMARY KEY (session, agent, cell, grain_s, slot)
    ) WITHOUT ROWID;
    INSERT INTO names VALUES (0, '');
    INSERT INTO cells (id, face, role, project, provider, model, in_session, by_agent, simulated, subscription)
        SELECT id, 0, role, project, provider, model, 1, role = 'agent', simulated, subscription FROM former_series
        WHERE session_id = '' AND agent_id = '';
    INSERT INTO facts SELECT 'moved up to', '0' FROM former_rollups LIMIT 1;
    """,
    """
    CREATE TABLE agent_names (
        session_id TEXT NOT NULL,
        agent_id TEXT NOT NULL,
        name TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (session_id, agent_id)
    ) WITHOUT ROWID;
    CREATE INDEX agent_names_by_time ON agent_names (at);
    CREATE TABLE cache_breaks (
        request_id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL,
        at REAL NOT NULL,
        agent_id TEXT,
        reason TEXT NOT NULL,
        lost_tokens INTEGER NOT NULL,
        lost_nano_usd INTEGER,
        read_before REAL NOT NULL,
        read_after REAL NOT NULL,
        simulated INTEGER NOT NULL
    );
    CREATE INDEX cache_breaks_by_session ON cache_breaks (session_id, at);
    CREATE INDEX cache_breaks_by_time ON cache_breaks (at);
    """,
    """
    CREATE TABLE removed_estimates (
        slot INTEGER NOT NULL,
        session INTEGER NOT NULL,
        agent INTEGER NOT NULL,
        cell INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        PRIMARY KEY (slot, session, agent, cell)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE requests ADD COLUMN searched_here INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE requests ADD COLUMN passes TEXT;
    ALTER TABLE requests ADD COLUMN geo TEXT;
    CREATE INDEX requests_in_passes ON requests (started_at) WHERE passes IS NOT NULL;
    CREATE INDEX agent_names_by_agent ON agent_names (agent_id);
    """,
)

VERSION = len(MIGRATIONS)

LOCK_PATIENCE_S = 1.0
"""How long a connection waits for another one's lock: short, for the start waits too and the writer tries again."""

CHECKED_BYTES_MAX = 64 * 1024 * 1024
"""A larger ledger is not read through at every start; its damage shows when it is met."""


class Damaged(sqlite3.DatabaseError):
    """The file holds what no ledger can hold."""


class NewerLedger(Exception):
    """The database was written by a newer cctui. ``str()`` says what to do."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to ``VERSION``, each step in a transaction of its own."""
    current: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if current > VERSION:
        raise NewerLedger(
            f"the ledger has version {current}, this cctui knows {VERSION}: install the newer cctui, or move the file"
        )
    for version in range(current, VERSION):
        connection.executescript(f"BEGIN; {MIGRATIONS[version]} PRAGMA user_version = {version + 1}; COMMIT;")


def connect(file: str, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with the ledger's settings: write-ahead log, patience for locks."""
    if read_only:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=LOCK_PATIENCE_S, check_same_thread=False)
    else:
        connection = sqlite3.connect(file, timeout=LOCK_PATIENCE_S, check_same_thread=False, isolation_level=None)
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA temp_store = MEMORY")
        except sqlite3.DatabaseError:
            connection.close()
            raise
    return connection


def check(connection: sqlite3.Connection) -> None:
    """Look for damage, in a file that is read in no time. Raises ``Damaged``."""
    pages, page_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    if pages * page_bytes > CHECKED_BYTES_MAX:
        return
    finding: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise Damaged(" ".join(finding.split()))


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is at fault, not a lock, a full disk or a missing right."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, Damaged) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

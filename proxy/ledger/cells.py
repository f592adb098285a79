"""What requests are summed under: cells, which tell apart everything that a choice can name but time and thread.

A *thread* is a session's conversation or a sub-agent of it. Of the thread a cell knows only whether there is a session
and a sub-agent at all. There are few cells, some dozens for a user of some projects and models, and each is counted
also in the cells of its *faces*, which tell fewer things apart: sums over time by one thing alone are read from those.
"""

import sqlite3
from collections.abc import Mapping
from enum import IntEnum


class Face(IntEnum):
    """Which things the cells of a kind tell apart."""

    WHOLE = 0
    SESSION = 1
    ROLE = 2
    PROJECT = 3
    PROVIDER = 4
    MODEL = 5


MODEL = "coalesce(served_model, target_model, asked_model)"
"""The model of a row of ``requests``, as everybody names it."""

TEXTS = {"role": "role", "project": "project", "provider": "provider", "model": MODEL}
"""Columns of ``cells`` that are text, and where a row of ``requests`` has them."""
MONEY = ("simulated", "subscription")
"""Whose money it is: cells of every face tell it."""
OF_REQUEST: Mapping[str, str] = {
    **{name: f"coalesce({source}, '')" for name, source in TEXTS.items()},
    "in_session": "coalesce(session_id, '') != ''",
    "by_agent": "coalesce(agent_id, '') != ''",
    **{name: name for name in MONEY},
}
"""Columns of ``cells`` beside ``face``, as SQL over a row of ``requests``."""
COLUMNS = ", ".join(("face", *OF_REQUEST))

THINGS: Mapping[Face, frozenset[str]] = {
    Face.SESSION: frozenset({"in_session"}),
    Face.ROLE: frozenset({"role", "by_agent"}),
    Face.PROJECT: frozenset({"project"}),
    Face.PROVIDER: frozenset({"provider"}),
    Face.MODEL: frozenset({"model"}),
    Face.WHOLE: frozenset(OF_REQUEST) - frozenset(MONEY),
}
"""What each face tells apart beside ``MONEY``; columns of other things are empty. Those with few cells come first."""
LONG = (Face.WHOLE, Face.SESSION)
"""Faces that have sums by half hour and day too; the others would save little and cost every request a bit."""


def face_of(things: frozenset[str]) -> Face:
    """The face with the fewest cells that tells ``things`` apart."""
    return next(face for face, told in THINGS.items() if things <= told)


def add_faces(connection: sqlite3.Connection) -> None:
    """Make the faces of cells that have none yet; ``cell_faces`` says which they are, the cell itself among them."""
    new = "face = 0 AND id NOT IN (SELECT cell FROM cell_faces)"
    for cell, *values in connection.execute(f"SELECT id, {COLUMNS} FROM cells WHERE {new}").fetchall():
        told = dict(zip(("face", *OF_REQUEST), values, strict=True))
        parts = {_part(connection, face, told) for face in Face if face is not Face.WHOLE}
        connection.executemany("INSERT INTO cell_faces VALUES (?, ?)", [(cell, part) for part in (cell, *parts)])


def _part(connection: sqlite3.Connection, face: Face, told: Mapping[str, str | int]) -> int:
    """The cell of ``face`` in which one that tells ``told`` is counted."""
    kept = {*THINGS[face], *MONEY}
    values = [told[name] if name in kept else "" if name in TEXTS else 0 for name in OF_REQUEST]
    marks = ", ".join("?" * (len(values) + 1))
    connection.execute(f"INSERT OR IGNORE INTO cells ({COLUMNS}) VALUES ({marks})", (face, *values))
    same = " AND ".join(f"{name} = ?" for name in OF_REQUEST)
    row = connection.execute(f"SELECT id FROM cells WHERE face = ? AND {same}", (face, *values)).fetchone()
    return int(row[0])

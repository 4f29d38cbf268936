"""Define the tables of a stored run, create them, and check that a file holds them undamaged."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from truetwin.errors import RunError, TruetwinError

VERSION = 1
WAIT_FOR_LOCK = 60.0  # most seconds that one writer waits for another

# `texts` holds each text that prompts are made of once, under its hash; `calls.prompt` lists the hashes. `calls` has
# one row for each answered cell. Replies that were asked again are moved to `earlier`. `failures` has one row for
# each attempt that gave no answer, so that usage adds up.
# `claims` records which session is asking a cell right now, and whether a request for it may be with the provider.
# `sessions` counts what each session has used, or has put aside for requests under way, so that caps hold for all.
TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE steps (step TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, born TEXT NOT NULL, about TEXT NOT NULL,
    started REAL NOT NULL, beat REAL NOT NULL, ended REAL,
    requests INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0, cost REAL NOT NULL DEFAULT 0
);
CREATE TABLE texts (id TEXT PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE calls (
    step TEXT NOT NULL, persona TEXT NOT NULL, item TEXT NOT NULL, replicate INTEGER NOT NULL,
    state TEXT NOT NULL, value TEXT, reason TEXT NOT NULL,
    digest TEXT NOT NULL, prompt TEXT NOT NULL,
    reply TEXT, finish_reason TEXT, refusal TEXT, logprobs TEXT, model TEXT,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
    cost REAL, latency REAL, attempts INTEGER NOT NULL, time REAL NOT NULL, session INTEGER,
    reasoning TEXT, seal INTEGER, setting TEXT,
    UNIQUE (step, persona, item, replicate)
);
CREATE TABLE earlier (
    step TEXT NOT NULL, persona TEXT NOT NULL, item TEXT NOT NULL, replicate INTEGER NOT NULL,
    state TEXT NOT NULL, value TEXT, reason TEXT NOT NULL,
    digest TEXT NOT NULL, prompt TEXT NOT NULL,
    reply TEXT, finish_reason TEXT, refusal TEXT, logprobs TEXT, model TEXT,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
    cost REAL, latency REAL, attempts INTEGER NOT NULL, time REAL NOT NULL, session INTEGER,
    reasoning TEXT, seal INTEGER, setting TEXT, replaced REAL NOT NULL
);
CREATE TABLE failures (
    step TEXT NOT NULL, persona TEXT NOT NULL, item TEXT NOT NULL, replicate INTEGER NOT NULL,
    kind TEXT NOT NULL, message TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
    cost REAL, time REAL NOT NULL, session INTEGER
);
CREATE TABLE claims (
    step TEXT NOT NULL, persona TEXT NOT NULL, item TEXT NOT NULL, replicate INTEGER NOT NULL,
    session INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (step, persona, item, replicate)
) WITHOUT ROWID;
CREATE INDEX claims_of_session ON claims (session);
CREATE TABLE batches (
    custom_id TEXT PRIMARY KEY, step TEXT NOT NULL, persona TEXT NOT NULL, item TEXT NOT NULL,
    replicate INTEGER NOT NULL, digest TEXT NOT NULL, prompt TEXT NOT NULL, batch TEXT NOT NULL, outcome TEXT,
    round TEXT
) WITHOUT ROWID;
CREATE INDEX batches_of_cell ON batches (step, persona, item, replicate);
"""


TABLE_NAMES = frozenset(re.findall(r"CREATE TABLE (\w+)", TABLES))
#: Columns that files of the first version lack: table, name, declaration.
ADDED = (
    ("calls", "reasoning", "TEXT"),
    ("calls", "seal", "INTEGER"),
    ("calls", "setting", "TEXT"),
    ("batches", "outcome", "TEXT"),
    ("batches", "round", "TEXT"),
    ("claims", "sent", "INTEGER NOT NULL DEFAULT 1"),
    ("sessions", "requests", "INTEGER NOT NULL DEFAULT 0"),
    ("sessions", "tokens", "INTEGER NOT NULL DEFAULT 0"),
    ("sessions", "cost", "REAL NOT NULL DEFAULT 0"),
)
#: Tables that files of earlier versions lack.
ADDED_TABLES = frozenset({"earlier"})
#: Index that files of earlier versions lack.
ADDED_INDEX = "batches_of_cell"
_NO_SPACE = ("database or disk is full", "unable to open database file", "readonly database", "is locked")


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn errors that a damaged file causes into a :class:`RunError` that names it. Put only its reading inside."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if any(each in str(error) for each in _NO_SPACE):
            raise RunError(f"cannot read the stored run {path}: {error}") from error
        raise RunError(_damaged(path, error)) from error
    except TruetwinError:
        raise
    except (sqlite3.Error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise RunError(_damaged(path, error)) from error


def _damaged(path: Path, what: object) -> str:
    said = f"{type(what).__name__}: {what}" if isinstance(what, LookupError) else what
    return f"{path} is damaged as a stored run: {said}. `truetwin runs check {path}` says what can be saved."


def prepare(base: sqlite3.Connection, path: Path) -> None:
    """Create the tables in a new file; check those of another.

    Raises
    ------
    RunError
        If the file is no stored run, lacks tables or columns, or is of another version.
    sqlite3.Error
        If its pages are damaged.
    """
    if not tables_of(base):
        _use_write_ahead_log(base)
        create_tables(base)
    # With this, data survive a killed process; a power cut may lose the last moments.
    base.execute("PRAGMA synchronous = NORMAL")
    if "meta" not in tables_of(base):
        raise RunError(f"{path} is an SQLite file, but not a stored run")
    row = base.execute("SELECT value FROM meta WHERE name = 'truetwin run'").fetchone()
    found = row[0] if row else "none"
    if found != str(VERSION):
        raise RunError(
            f"stored runs must be of version {VERSION}; {path} is of version {found}. "
            "Read it with the release of truetwin that wrote it."
        )
    if missing := (TABLE_NAMES - ADDED_TABLES - tables_of(base)):
        raise RunError(_damaged(path, f"it lacks the table {min(missing)!r}"))
    for table in sorted(TABLE_NAMES & tables_of(base)):
        newer = {name for where, name, _ in ADDED if where == table}
        if absent := (set(column_order(table)) - newer - columns_of(base, table)):
            raise RunError(_damaged(path, f"its table {table!r} lacks the column {min(absent)!r}"))
    if (said := integrity(base)) is not None:
        raise RunError(_damaged(path, said))


def integrity(base: sqlite3.Connection) -> str | None:
    """Say what is wrong with the pages and indexes of a file; None if nothing is. A million calls take a second."""
    try:
        said = str(base.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if said == "ok" else " ".join(said.split())


def columns_of(base: sqlite3.Connection, table: str) -> frozenset[str]:
    """Name the columns that a table has."""
    return frozenset(row[1] for row in base.execute(f"PRAGMA table_info({table})"))


@cache
def column_order(table: str) -> tuple[str, ...]:
    """Name the columns of a table as it is declared, in their order."""
    base = sqlite3.connect(":memory:")
    base.executescript(TABLES)
    names = tuple(row[1] for row in base.execute(f"PRAGMA table_info({table})"))
    base.close()
    return names


def tables_of(base: sqlite3.Connection) -> set[str]:
    """Name the tables that a file has."""
    return {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def create_tables(base: sqlite3.Connection) -> None:
    """Create all tables of a run, or none if that is interrupted."""
    try:
        base.execute("BEGIN IMMEDIATE")
        if not tables_of(base):  # another process may have been faster
            for statement in filter(str.strip, TABLES.split(";\n")):
                base.execute(statement)
            base.execute("INSERT INTO meta VALUES ('truetwin run', ?)", (str(VERSION),))
        base.execute("COMMIT")
    except BaseException:
        if base.in_transaction:
            base.execute("ROLLBACK")
        raise


def _use_write_ahead_log(base: sqlite3.Connection) -> None:
    """Have a new file written through a log. Here SQLite itself does not wait for another process that does so."""
    limit = time.monotonic() + WAIT_FOR_LOCK
    while True:
        try:
            base.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > limit:
                raise
        time.sleep(0.01)


def add_missing(base: sqlite3.Connection) -> None:
    """Add the tables, columns and index that a file of an earlier version lacks, in an open transaction."""
    there = tables_of(base)
    for statement in filter(str.strip, TABLES.split(";\n")):
        found = re.match(r"\s*CREATE TABLE (\w+)", statement)
        if found and found[1] in ADDED_TABLES - there:
            base.execute(statement)
    for table, column, kind in ADDED:
        if column not in columns_of(base, table):
            base.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    base.execute(f"CREATE INDEX IF NOT EXISTS {ADDED_INDEX} ON batches (step, persona, item, replicate)")


def lacks_something(base: sqlite3.Connection) -> bool:
    """Tell whether a file is of an earlier version that lacks tables, columns or an index."""
    index = base.execute("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?", (ADDED_INDEX,))
    if index.fetchone() is None or not tables_of(base) >= ADDED_TABLES:
        return True
    return any(column not in columns_of(base, table) for table, column, _ in ADDED)

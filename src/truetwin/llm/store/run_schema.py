"""The tables of a run's file, and how it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from truetwin.errors import RunError

VERSION = 1
WAIT_FOR_LOCK = 60.0  # seconds that one writer waits for another

# `texts` holds what prompts are made of, once each, under its hash; `calls.prompt` lists the hashes. `calls` has one
# row for each answered cell; `failures` one for each attempt that gave no answer, so that usage adds up; `claims`
# says which session is asking a cell right now.
TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE steps (step TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, born TEXT NOT NULL, about TEXT NOT NULL,
    started REAL NOT NULL, beat REAL NOT NULL, ended REAL
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
    UNIQUE (step, persona, item, replicate)
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
    session INTEGER NOT NULL, PRIMARY KEY (step, persona, item, replicate)
) WITHOUT ROWID;
CREATE INDEX claims_of_session ON claims (session);
CREATE TABLE batches (
    custom_id TEXT PRIMARY KEY, step TEXT NOT NULL, persona TEXT NOT NULL, item TEXT NOT NULL,
    replicate INTEGER NOT NULL, digest TEXT NOT NULL, prompt TEXT NOT NULL, batch TEXT NOT NULL
) WITHOUT ROWID;
"""


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a run's file, making its tables if it is new.

    Raises
    ------
    RunError
        If there is no such file (and ``create`` is false), it is something else, or of another version.
    """
    if not create and not path.is_file():
        raise RunError(f"a stored run must be a file; there is none at {path}")
    if not path.parent.is_dir():
        raise RunError(f"the run's folder must exist; {path.parent} does not. Create it first.")
    try:
        base = sqlite3.connect(path, timeout=WAIT_FOR_LOCK, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise RunError(f"cannot open the stored run {path}: {error}") from error
    try:
        _prepare(base, path)
    except sqlite3.Error as error:
        base.close()
        raise RunError(f"{path} cannot be opened as a stored run: {error}") from error
    except RunError:
        base.close()
        raise
    return base


def _prepare(base: sqlite3.Connection, path: Path) -> None:
    if not _tables(base):
        base.execute("PRAGMA journal_mode = WAL")
        _create(base)
    base.execute("PRAGMA synchronous = NORMAL")  # survives kill -9; a power cut may cost the last moments
    if "meta" not in _tables(base):
        raise RunError(f"{path} is an SQLite file, but not a stored run")
    row = base.execute("SELECT value FROM meta WHERE name = 'truetwin run'").fetchone()
    found = row[0] if row else "none"
    if found != str(VERSION):
        raise RunError(
            f"stored runs must be of version {VERSION}; {path} is of version {found}. "
            "Read it with the release of truetwin that wrote it."
        )


def _tables(base: sqlite3.Connection) -> set[str]:
    return {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _create(base: sqlite3.Connection) -> None:
    base.execute("BEGIN IMMEDIATE")
    try:
        if not _tables(base):  # another process may have been faster
            for statement in filter(str.strip, TABLES.split(";\n")):
                base.execute(statement)
            base.execute("INSERT INTO meta VALUES ('truetwin run', ?)", (str(VERSION),))
        base.execute("COMMIT")
    except BaseException:
        base.execute("ROLLBACK")
        raise

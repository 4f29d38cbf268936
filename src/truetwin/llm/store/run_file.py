"""Read a stored run, which is one SQLite file, and write to it in transactions."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from truetwin.errors import RunError
from truetwin.llm.messages import Cell, Request
from truetwin.llm.store.asking_again import Standing
from truetwin.llm.store.log_damage import hides_commits
from truetwin.llm.store.store_tables import (
    WAIT_FOR_LOCK,
    add_missing,
    columns_of,
    damage_named,
    lacks_something,
    prepare,
    tables_of,
)
from truetwin.llm.store.stored_call import (
    COLUMNS,
    StoredCall,
    check_seal,
    from_row,
    key,
    settings_seal,
    text_id,
    to_request,
)
from truetwin.llm.store.totals import Totals, add_up
from truetwin.llm.task import State

FILE_NAME = "run.sqlite"
SETTINGS_SEAL = "hash of the settings of "  # beginning of the name of a note
ONE_CELL = "step = ? AND persona = ? AND item = ? AND replicate = ?"


class RunFile:
    """Stored run, to be read. :class:`truetwin.llm.Store` also writes it.

    Parameters
    ----------
    path : path
        The file, or a folder that holds ``run.sqlite``.
    create : bool, default=False
        Whether to make the file if there is none.
    untouched : bool, default=False
        Whether the file and its log stay as they are. Otherwise the log is taken into the file when it is closed.

    Raises
    ------
    RunError
        If there is no such run, or the file is no stored run or one of another version.
    """

    def __init__(self, path: Path | str, *, create: bool = False, untouched: bool = False) -> None:
        self.path = file_of(Path(path))
        self.read_only = untouched or (self.path.is_file() and _is_read_only(self.path))
        self._base = _connect(self.path, create=create, untouched=untouched)
        self._columns = _columns_of(self._base)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(RunError, sqlite3.Error):  # the error that is being raised says more
                self.close()
        if isinstance(error, sqlite3.DatabaseError | json.JSONDecodeError | UnicodeDecodeError):
            with self.reading():
                raise error

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def reading(self) -> AbstractContextManager[None]:
        """Turn errors that damage causes into a :class:`RunError`. Put only the reading of what is stored inside."""
        return damage_named(self.path)

    def settings(self, step: str) -> dict[str, Any]:
        """Read the settings that a step was begun with."""
        with self.reading():
            row = self._base.execute("SELECT settings FROM steps WHERE step = ?", (step,)).fetchone()
            if row is None:
                raise RunError(
                    f"{self.path} has no step {step!r}; it has: {', '.join(self.steps()) or 'none'}"
                )
            settings: dict[str, Any] = json.loads(row[0])
            sealed = self.notes(SETTINGS_SEAL + step).get(SETTINGS_SEAL + step)
            if sealed is not None and sealed != settings_seal(settings):
                raise ValueError(f"the settings of step {step!r} have changed since they were written")
            if not ("model" in settings and "task" in settings):
                raise ValueError(f"the settings of step {step!r} lack the model or the task")
        return settings

    def steps(self) -> list[str]:
        """List the names of the steps in alphabetical order."""
        with self.reading():
            return [str(name) for (name,) in self._base.execute("SELECT step FROM steps ORDER BY step")]

    def state(self, cell: Cell) -> State | None:
        """Look up the state in which a cell ended; None if it has not been stored."""
        with self.reading():
            row = self._base.execute(f"SELECT state FROM calls WHERE {ONE_CELL}", key(cell)).fetchone()
            return None if row is None else State(row[0])

    def has_answers(self, step: str) -> bool:
        """Tell whether a step has been begun, so that its settings are fixed."""
        begun = "SELECT 1 FROM calls WHERE step = ? UNION ALL SELECT 1 FROM claims WHERE step = ? LIMIT 1"
        with self.reading():
            return self._base.execute(begun, (step, step)).fetchone() is not None

    def personas(self, step: str) -> list[str]:
        """List the personas of which something is stored."""
        with self.reading():
            rows = self._base.execute(
                "SELECT DISTINCT persona FROM calls WHERE step = ? ORDER BY persona", (step,)
            )
            return [str(name) for (name,) in rows]

    def items(self, step: str) -> list[str]:
        """List the items, or groups of items, of which something is stored."""
        with self.reading():
            rows = self._base.execute("SELECT DISTINCT item FROM calls WHERE step = ? ORDER BY item", (step,))
            return [str(name) for (name,) in rows]

    def first_cell(self, step: str, persona: str) -> Cell | None:
        """Return a cell of a persona of which something is stored; None if there is none."""
        query = "SELECT persona, item, step, replicate FROM calls WHERE step = ? AND persona = ? LIMIT 1"
        with self.reading():
            row = self._base.execute(query, (step, persona)).fetchone()
            return None if row is None else Cell(*row)

    def has_seeds(self, step: str) -> bool | None:
        """Tell whether prompts of a step carry decoding seeds; None if it has no prompts yet."""
        first = "SELECT prompt FROM calls WHERE step = ?1 UNION ALL SELECT prompt FROM batches WHERE step = ?1 LIMIT 1"
        with self.reading():
            row = self._base.execute(first, (step,)).fetchone()
            return None if row is None else "seed" in json.loads(row[0])

    def standing(self, cell: Cell) -> Standing | None:
        """Look up how a cell stands; None if it has not been stored."""
        column = "setting" if "NULL AS setting" not in self._columns else "NULL"
        with self.reading():
            row = self._base.execute(
                f"SELECT state, {column} FROM calls WHERE {ONE_CELL}", key(cell)
            ).fetchone()
            return None if row is None else Standing(State(row[0]), row[1])

    def earlier(
        self, step: str | None = None, cell: Cell | None = None
    ) -> Iterator[tuple[StoredCall, Request]]:
        """Yield the replies that were asked again, the oldest first, with the request that each answers."""
        if "earlier" not in tables_of(self._base):
            return
        where, values = "", tuple[Any, ...]()
        if cell is not None:
            where, values = f"WHERE {ONE_CELL}", key(cell)
        elif step is not None:
            where, values = "WHERE step = ?", (step,)
        with self.reading():
            for row in self._base.execute(
                f"SELECT {COLUMNS}, prompt FROM earlier {where} ORDER BY replaced", values
            ):
                call = from_row(row[:-1])
                yield call, to_request(row[-1], call.cell, self._text)

    def replies_by_setting(self, step: str) -> dict[str, int]:
        """Count the replies that other settings gave than the run's own, or a second asking, by their name."""
        if "NULL AS setting" in self._columns:
            return {}
        query = "SELECT setting, count(*) FROM calls WHERE step = ? AND setting IS NOT NULL GROUP BY setting"
        with self.reading():
            return {str(name): int(n) for name, n in self._base.execute(query, (step,))}

    def settings_of(self, setting: str) -> str:
        """Read how settings under which cells were asked again differ from the run's own, as JSON."""
        with self.reading():
            return self._text(setting)

    def call(self, cell: Cell) -> StoredCall | None:
        """Read the stored call of a cell; None if nothing is stored."""
        query = f"SELECT {self._columns} FROM calls WHERE {ONE_CELL}"
        with self.reading():
            row = self._base.execute(query, key(cell)).fetchone()
            return None if row is None else from_row(row)

    def calls(self, step: str | None = None, state: State | None = None) -> Iterator[StoredCall]:
        """Yield all stored cells, or those in one state, in the order of step, persona, item and replicate."""
        for _, call in self._rows_and_calls(step, state):
            yield call

    def check_rows(self) -> None:
        """Check the seal of every stored cell. This takes some seconds for a million cells.

        Raises
        ------
        RunError
            If a row was damaged.
        """
        with self.reading():
            for row in self._rows(None):
                check_seal(row)
            if "earlier" in tables_of(self._base):
                for row in self._base.execute(f"SELECT {COLUMNS} FROM earlier"):
                    check_seal(row)

    def check_texts(self) -> None:
        """Check the hash of every text of a prompt.

        Raises
        ------
        RunError
            If a text was changed.
        """
        with self.reading():
            for name, text in self._base.execute("SELECT id, text FROM texts"):
                if text_id(text) != name:
                    raise ValueError("a text of a prompt has changed since it was written")

    def _rows_and_calls(
        self, step: str | None, state: State | None = None
    ) -> Iterator[tuple[tuple[Any, ...], StoredCall]]:
        with self.reading():
            for row in self._rows(step, state):
                yield row, from_row(row)

    def _rows(self, step: str | None, state: State | None = None) -> Iterator[tuple[Any, ...]]:
        wanted = {name: value for name, value in (("step", step), ("state", state)) if value is not None}
        chosen = f"WHERE {' AND '.join(f'{name} = ?' for name in wanted)}" if wanted else ""
        return self._base.execute(
            f"SELECT {self._columns} FROM calls {chosen} ORDER BY step, persona, item, replicate",
            tuple(wanted.values()),
        )

    def request(self, cell: Cell) -> Request:
        """Read the request that was sent for a stored cell.

        Raises
        ------
        RunError
            If the cell is not stored.
        """
        with self.reading():
            row = self._base.execute(f"SELECT prompt FROM calls WHERE {ONE_CELL}", key(cell)).fetchone()
            if row is None:
                raise RunError(f"{self.path} holds nothing for {cell}")
            return to_request(row[0], cell, self._text)

    def _text(self, name: str) -> str:
        row = self._base.execute("SELECT text FROM texts WHERE id = ?", (name,)).fetchone()
        if row is None or text_id(row[0]) != name:
            raise ValueError("a text of a prompt is missing or changed")
        return str(row[0])

    def counts(self, step: str | None = None) -> dict[State, int]:
        """Count stored cells by state; every state is named."""
        chosen, values = ("WHERE step = ?", (step,)) if step is not None else ("", ())
        with self.reading():
            rows = dict(
                self._base.execute(f"SELECT state, count(*) FROM calls {chosen} GROUP BY state", values)
            )
            found = {State(name): int(n) for name, n in rows.items()}
        return {state: found.get(state, 0) for state in State}

    def totals(self, step: str | None = None) -> Totals:
        """Add up requests, tokens and money of all sessions so far, including failed attempts."""
        with self.reading():
            return add_up(self._base, *(("WHERE step = ?", (step,)) if step is not None else ("", ())))

    def totals_of_personas(self, chosen: Callable[[str], bool]) -> Totals:
        """Add up requests, tokens and money as :meth:`totals` does, over the personas that ``chosen`` is true of."""
        with self.reading():
            rows = self._base.execute("SELECT persona FROM calls UNION SELECT persona FROM failures")
            names = json.dumps([str(name) for (name,) in rows if chosen(str(name))])
            return add_up(self._base, "WHERE persona IN (SELECT value FROM json_each(?))", (names,))

    def notes(self, start: str) -> dict[str, Any]:
        """Read the notes whose names begin with ``start``."""
        with self.reading():
            rows = self._base.execute(
                "SELECT name, value FROM meta WHERE substr(name, 1, ?) = ?", (len(start), start)
            )
            return {name: json.loads(value) for name, value in rows}

    def note(self, name: str, value: Any) -> None:
        """Store a note about the run under a name, as JSON. None removes the note."""
        with self.writing():
            if value is None:
                self._base.execute("DELETE FROM meta WHERE name = ?", (name,))
            else:
                self._base.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def bring_up_to_date(self) -> None:
        """Add the tables and columns that a file of an earlier version lacks."""
        if lacks_something(self._base):
            with self.writing() as base:
                add_missing(base)
        self._columns = COLUMNS

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction for writing. After any error, nothing of it is written.

        Raises
        ------
        RunError
            If the disk is full or the file cannot be written.
        """
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield self._base
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise RunError(
                f"cannot write the stored run {self.path}: {error}. What was stored before is kept; "
                "make room (or unlock the file), then run the same command again."
            ) from error

    @contextmanager
    def attached(self, path: Path, name: str) -> Iterator[sqlite3.Connection]:
        """Open a transaction with another store's file attached under ``name``. Yields the connection."""
        self._base.execute(f"ATTACH DATABASE ? AS {name}", (str(path),))
        try:
            with self.writing():
                yield self._base
        finally:
            self._base.execute(f"DETACH DATABASE {name}")


def file_of(run: Path) -> Path:
    """Return the file of a run that is named by its folder or by its file."""
    return run / FILE_NAME if run.is_dir() else run


def _columns_of(base: sqlite3.Connection) -> str:
    """Return :data:`COLUMNS`, with NULL for those that a file of an earlier version lacks."""
    there = columns_of(base, "calls")
    return ", ".join(name if name in there else f"NULL AS {name}" for name in COLUMNS.split(", "))


def _connect(path: Path, *, create: bool, untouched: bool) -> sqlite3.Connection:
    """Open the file of a run and create its tables if the file is new.

    A file on a medium that cannot be written is opened for reading only.

    Raises
    ------
    RunError
        If there is no such file and ``create`` is false, or the file is no stored run, damaged, or of another version.
    """
    if not create and not path.is_file():
        raise RunError(f"a stored run must be a file; there is none at {path}")
    if not create and not path.stat().st_size:
        raise RunError(f"{path} is empty: nothing of a stored run is in it")
    if not path.parent.is_dir():
        raise RunError(f"the run's folder must exist; {path.parent} does not. Create it first.")
    if not untouched and hides_commits(path.with_name(path.name + "-wal")):
        raise RunError(
            _unreadable(path, "its log is damaged, and what stands behind the damage would be lost")
        )
    try:
        base = _open(path, untouched=untouched)
    except sqlite3.Error as error:
        raise RunError(f"cannot open the stored run {path}: {error}") from error
    try:
        prepare(base, path)
    except sqlite3.OperationalError as error:
        base.close()
        if "locked" not in str(error):
            raise RunError(_unreadable(path, error)) from error
        raise RunError(
            f"cannot open the stored run {path}: another process has locked it ({error})"
        ) from error
    except (sqlite3.Error, UnicodeDecodeError) as error:
        base.close()
        raise RunError(_unreadable(path, error)) from error
    except BaseException:
        base.close()
        raise
    return base


def _unreadable(path: Path, error: Exception | str) -> str:
    return f"{path} cannot be opened as a stored run: {error}. `truetwin runs check {path}` says what can be saved."


def _open(path: Path, *, untouched: bool) -> sqlite3.Connection:
    options: Any = {"timeout": WAIT_FOR_LOCK, "isolation_level": None, "check_same_thread": False}
    if not (path.is_file() and _is_read_only(path)):
        name = f"{path.resolve().as_uri()}?mode=ro" if untouched else path
        base: sqlite3.Connection = sqlite3.connect(name, uri=untouched, **options)
        return base
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise RunError(
            f"{path} cannot be written, and its last answers are still in {log.name}: open it once where it "
            "can be, or copy the folder to a place that can be written"
        )
    base = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True, **options)
    return base


def _is_read_only(path: Path) -> bool:
    return not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))

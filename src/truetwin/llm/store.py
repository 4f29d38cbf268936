"""A run on disk: one SQLite file, written as answers arrive, that several processes may share."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from truetwin.errors import RunError
from truetwin.llm.messages import Cell, Request, Usage
from truetwin.llm.schema import connect
from truetwin.llm.sessions import BATCH, Process, is_alive, this_process
from truetwin.llm.settings import compare_settings
from truetwin.llm.stored import (
    COLUMNS,
    OPEN_STATES,
    StoredCall,
    from_row,
    prompt_and_texts,
    storable,
    text_id,
    to_request,
    to_row,
    value_json,
)
from truetwin.llm.task import Parsed, State, Task

FILE_NAME = "run.sqlite"
_BEAT = 15.0  # seconds between signs of life
_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))
_PUT = (
    f"INSERT INTO calls ({COLUMNS}, prompt, session) VALUES ({', '.join('?' * 23)}) "
    "ON CONFLICT (step, persona, item, replicate) DO UPDATE SET "
    + ", ".join(f"{c} = excluded.{c}" for c in [*COLUMNS.split(", ")[4:], "prompt", "session"])
    + f" WHERE calls.state IN ({_OPEN})"
)
_FAILED = "INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WHERE = "step = ? AND persona = ? AND item = ? AND replicate = ?"


@dataclass(frozen=True)
class Failure:
    """One attempt that gave no answer; ``kind`` is one word, ``usage`` what the provider counted all the same."""

    cell: Cell
    kind: str
    message: str
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None


@dataclass(frozen=True)
class Claimed:
    """What came of claiming cells.

    ``mine`` are to be asked now; ``answered`` counts how those with an answer ended; ``elsewhere`` counts those that
    another process is asking, ``in_batch`` those that wait for a provider's batch.
    """

    mine: tuple[Cell, ...]
    answered: Mapping[State, int]
    elsewhere: int = 0
    in_batch: int = 0


@dataclass(frozen=True)
class Totals:
    """What all sessions of a run have used; ``failed_attempts`` counts attempts without an answer by kind."""

    requests: int
    usage: Usage
    cost: float
    unpriced: int
    failed_attempts: Mapping[str, int]


@dataclass
class _Buffer:
    calls: list[tuple[StoredCall, Request]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class Store:
    """One run: its settings, every prompt, raw reply and reading, and who is asking what right now.

    Answers are buffered until :meth:`flush`, which the runner calls every tenth of a second; what a killed process had
    not flushed is counted as interrupted by the next one. An answer is never replaced; only a cell that failed or was
    skipped is asked, and stored, again.

    Parameters
    ----------
    path : path
        The file, or a folder to hold ``run.sqlite``.
    create : bool, default=True
        Whether to make the file if there is none.

    Raises
    ------
    RunError
        If the file is not a run, or of another version.

    Examples
    --------
    >>> import tempfile
    >>> from truetwin.llm import Cell, Message, Parsed, Reply, Request, State
    >>> store = Store(tempfile.mkdtemp())
    >>> cell = Cell("anna", "q1")
    >>> store.begin("answer", {"model": "m"})
    >>> store.claim([cell]).mine == (cell,)
    True
    >>> store.put(cell, Request((Message("user", ("1 or 2?",)),)), Parsed(State.VALID, 1), Reply("1"))
    >>> store.flush()
    >>> [call.parsed.value for call in store.calls()]
    [1]
    >>> store.close()
    """

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        path = Path(path)
        self.path = path / FILE_NAME if path.is_dir() else path
        self._base = connect(self.path, create=create)
        self._session: int | None = None
        self._last_beat = 0.0
        self._buffer = _Buffer()
        self._known: dict[str, None] = {}

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ settings and sessions

    def begin(self, step: str, settings: Mapping[str, Any], *, may_differ: Sequence[str] = ()) -> None:
        """Record a step's settings, or check them against those recorded.

        Parameters
        ----------
        step : str
            Name of the step.
        settings : mapping
            All that makes two runs differ; anything JSON can hold.
        may_differ : sequence of str
            Dotted names of settings that are not compared, such as ``"model.base_url"``.

        Raises
        ------
        RunError
            If the step was begun with other settings; the message says which.
        """
        text = json.dumps(settings, sort_keys=True)
        self._session = self.session
        with self._writing():
            row = self._base.execute("SELECT settings FROM steps WHERE step = ?", (step,)).fetchone()
            if row is None or not self._has_begun(step):
                self._base.execute("INSERT OR REPLACE INTO steps VALUES (?, ?)", (step, text))
                return
        compare_settings(json.loads(row[0]), json.loads(text), f"step {step!r} of {self.path}", may_differ)

    def _has_begun(self, step: str) -> bool:
        """Whether anything was answered, or another process is at work: until then, settings may still change."""
        at_work = "SELECT 1 FROM sessions WHERE ended IS NULL AND id != ?"
        answered = "SELECT 1 FROM calls WHERE step = ? UNION ALL SELECT 1 FROM claims WHERE step = ? LIMIT 1"
        return (
            self._base.execute(at_work, (self._session,)).fetchone() is not None
            or self._base.execute(answered, (step, step)).fetchone() is not None
        )

    def settings(self, step: str) -> dict[str, Any]:
        """The settings that a step was begun with."""
        row = self._base.execute("SELECT settings FROM steps WHERE step = ?", (step,)).fetchone()
        if row is None:
            raise RunError(f"{self.path} has no step {step!r}; it has: {', '.join(self.steps()) or 'none'}")
        return json.loads(row[0])

    def steps(self) -> list[str]:
        """Names of the steps, in the order in which they began to be answered."""
        return [name for (name,) in self._base.execute("SELECT step FROM steps ORDER BY step")]

    @property
    def session(self) -> int:
        """Number of this process's session on the run; begun when first needed."""
        if self._session is None:
            self._session = self.open_session(this_process())
        return self._session

    def open_session(self, process: Process, about: Mapping[str, Any] | None = None) -> int:
        """Begin a session, and free what sessions of dead processes had claimed."""
        self.reap()
        now = time.time()
        with self._writing():
            found = self._base.execute(
                "INSERT INTO sessions (host, pid, born, about, started, beat) VALUES (?, ?, ?, ?, ?, ?)",
                (process.host, process.pid, process.born, json.dumps(about or {}), now, now),
            )
        return int(found.lastrowid or 0)

    def reap(self) -> int:
        """Free the claims of dead sessions and count their calls as interrupted; how many there were."""
        rows = self._base.execute(
            "SELECT id, host, pid, born, beat FROM sessions WHERE ended IS NULL"
        ).fetchall()
        dead = [
            row[0] for row in rows if row[0] != self._session and not is_alive(Process(*row[1:4]), row[4])
        ]
        freed = 0
        for session in dead:
            with self._writing():
                cells = self._base.execute(
                    "DELETE FROM claims WHERE session = ? RETURNING persona, item, step, replicate",
                    (session,),
                ).fetchall()
                lost = [
                    Failure(Cell(*cell), "interrupted", "asked when the process died; may have been paid")
                    for cell in cells
                ]
                self._base.executemany(_FAILED, [_failure_row(each, session) for each in lost])
                self._base.execute("UPDATE sessions SET ended = ? WHERE id = ?", (time.time(), session))
            freed += len(cells)
        return freed

    def others(self) -> int:
        """How many cells other processes are asking right now."""
        found = self._base.execute(
            "SELECT count(*) FROM claims JOIN sessions ON id = session WHERE session != ? AND host != ?",
            (self.session, BATCH),
        )
        return int(found.fetchone()[0])

    # ------------------------------------------------------------------ writing

    def claim(self, cells: Sequence[Cell]) -> Claimed:
        """Take the cells that have no answer and that nobody else is asking; they are this process's to ask."""
        answered: Counter[State] = Counter()
        todo = []
        for cell in cells:
            state = self.state(cell)
            if state is None or state in OPEN_STATES:
                todo.append(cell)
            else:
                answered[state] += 1
        if not todo:
            return Claimed((), answered)
        session, mine, held = self.session, [], Counter[str]()
        with self._writing():
            for cell in todo:
                state = self.state(cell)  # again, now that nobody can write
                if state is not None and state not in OPEN_STATES:
                    answered[state] += 1
                    continue
                found = self._base.execute(
                    "INSERT INTO claims VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (*_key(cell), session)
                )
                if found.rowcount:
                    mine.append(cell)
                else:
                    held[self._holder(cell)] += 1
        return Claimed(tuple(mine), answered, held["other"], held["batch"])

    def _holder(self, cell: Cell) -> str:
        session, host = self._base.execute(
            f"SELECT session, host FROM claims JOIN sessions ON id = session WHERE {_WHERE}", _key(cell)
        ).fetchone()
        return "mine" if session == self._session else "batch" if host == BATCH else "other"

    def release(self, cells: Iterable[Cell]) -> None:
        """Give back cells that were claimed and not asked."""
        with self._writing():
            self._base.executemany(
                f"DELETE FROM claims WHERE {_WHERE} AND session = ?",
                [(*_key(c), self.session) for c in cells],
            )

    def put(
        self,
        cell: Cell,
        request: Request,
        parsed: Parsed,
        reply: Any = None,
        *,
        attempts: int = 1,
        cost: float | None = None,
    ) -> None:
        """Store what came of a cell, at the next flush."""
        call = StoredCall(cell, parsed, reply, request.digest, attempts, cost, time.time())
        self._buffer.calls.append((call, request))

    def put_failure(self, failure: Failure) -> None:
        """Store an attempt that gave no answer, at the next flush."""
        self._buffer.failures.append(failure)

    @property
    def unwritten(self) -> int:
        """Answers received that are not on the disk yet."""
        return len(self._buffer.calls)

    def flush(self) -> None:
        """Write what is buffered; on failure it stays buffered.

        Raises
        ------
        RunError
            If the disk is full or the file cannot be written.
        """
        beating = self._session is not None and time.time() - self._last_beat > _BEAT
        if not (self._buffer.calls or self._buffer.failures or beating):
            return
        session = self.session
        new_texts: dict[str, None] = {}
        with self._writing():
            for call, request in self._buffer.calls:
                self._write(call, request, session, new_texts)
            self._base.executemany(_FAILED, [_failure_row(each, session) for each in self._buffer.failures])
            if beating:
                self._base.execute("UPDATE sessions SET beat = ? WHERE id = ?", (time.time(), session))
        if beating:
            self._last_beat = time.time()
        self._remember(new_texts)
        self._buffer = _Buffer()

    def _prompt(self, request: Request, new_texts: dict[str, None]) -> str:
        """The prompt by reference, its texts stored; ``new_texts`` gathers those that were not known to be."""

        def known(text: str) -> str:
            text = storable(text)
            name = text_id(text)
            if name not in self._known and name not in new_texts:
                self._base.execute("INSERT INTO texts VALUES (?, ?) ON CONFLICT DO NOTHING", (name, text))
                new_texts[name] = None
            return name

        return prompt_and_texts(request, known)

    def _write(self, call: StoredCall, request: Request, session: int, new_texts: dict[str, None]) -> None:
        row = to_row(call, self._prompt(request, new_texts), session)
        if not self._base.execute(_PUT, row).rowcount and call.reply is not None:
            # Two processes asked the same cell, because one was taken for dead: the first answer stays.
            late = Failure(call.cell, "duplicate", "answered twice", call.reply.usage, call.cost)
            self._base.execute(_FAILED, _failure_row(late, session))
        self._base.execute(f"DELETE FROM claims WHERE {_WHERE} AND session = ?", (*_key(call.cell), session))

    def _remember(self, names: Mapping[str, None]) -> None:
        self._known.update(names)
        while len(self._known) > 50_000:  # forgetting costs one look at the table
            del self._known[next(iter(self._known))]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
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

    # ------------------------------------------------------------------ batches

    def hand_over(self, file: str, requests: Sequence[tuple[str, Cell, Request]]) -> None:
        """Leave claimed cells to a batch: until :meth:`take_back`, no process asks them.

        Parameters
        ----------
        file : str
            Name of the batch.
        requests : sequence of (custom id, cell, request)
            What is in it.
        """
        batch = self.open_session(Process(BATCH, 0, ""), {"file": file})
        new_texts: dict[str, None] = {}
        with self._writing():
            for custom_id, cell, request in requests:
                prompt = self._prompt(request, new_texts)
                self._base.execute(
                    "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (custom_id, *_key(cell), request.digest, prompt, file),
                )
                self._base.execute(f"UPDATE claims SET session = ? WHERE {_WHERE}", (batch, *_key(cell)))
        self._remember(new_texts)

    def handed_over(self, custom_id: str) -> tuple[Cell, Request] | None:
        """The cell and request that a batch has under an id; None if it is not waited for."""
        row = self._base.execute(
            "SELECT persona, item, step, replicate, prompt FROM batches WHERE custom_id = ?", (custom_id,)
        ).fetchone()
        if row is None:
            return None
        cell = Cell(*row[:4])
        return cell, to_request(row[4], cell, self._text)

    def waiting(self) -> dict[str, int]:
        """Cells that are left to batches, by batch."""
        return dict(self._base.execute("SELECT batch, count(*) FROM batches GROUP BY batch ORDER BY batch"))

    def take_back(self, custom_ids: Iterable[str]) -> None:
        """End the wait for what a batch has brought: it is stored, or may be asked again."""
        self.flush()
        with self._writing():
            for custom_id in custom_ids:
                rows = self._base.execute(
                    "DELETE FROM batches WHERE custom_id = ? RETURNING step, persona, item, replicate",
                    (custom_id,),
                ).fetchall()
                self._base.executemany(f"DELETE FROM claims WHERE {_WHERE}", rows)

    def take_back_all(self, file: str) -> int:
        """End the wait for a batch; how many of its cells it left unanswered."""
        rows = self._base.execute("SELECT custom_id FROM batches WHERE batch = ?", (file,)).fetchall()
        self.take_back([name for (name,) in rows])
        return len(rows)

    def note(self, name: str, value: Any) -> None:
        """Keep something about the run under a name, as JSON; None removes it."""
        with self._writing():
            if value is None:
                self._base.execute("DELETE FROM meta WHERE name = ?", (name,))
            else:
                self._base.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def notes(self, start: str) -> dict[str, Any]:
        """What was kept under names that begin with ``start``."""
        rows = self._base.execute(
            "SELECT name, value FROM meta WHERE substr(name, 1, ?) = ?", (len(start), start)
        )
        return {name: json.loads(value) for name, value in rows}

    @contextmanager
    def attached(self, path: Path, name: str) -> Iterator[sqlite3.Connection]:
        """The connection, inside one transaction, with another store's file attached under ``name``."""
        self._base.execute(f"ATTACH DATABASE ? AS {name}", (str(path),))
        try:
            with self._writing():
                yield self._base
        finally:
            self._base.execute(f"DETACH DATABASE {name}")

    # ------------------------------------------------------------------ reading

    def state(self, cell: Cell) -> State | None:
        """How a cell ended, or None if it has not been stored."""
        row = self._base.execute(f"SELECT state FROM calls WHERE {_WHERE}", _key(cell)).fetchone()
        return None if row is None else State(row[0])

    def call(self, cell: Cell) -> StoredCall | None:
        """All that is stored of a cell."""
        row = self._base.execute(f"SELECT {COLUMNS} FROM calls WHERE {_WHERE}", _key(cell)).fetchone()
        return None if row is None else from_row(row)

    def calls(self, step: str | None = None) -> Iterator[StoredCall]:
        """All stored cells, one after the other, in the order of step, persona, item and replicate."""
        chosen, values = ("WHERE step = ?", (step,)) if step is not None else ("", ())
        rows = self._base.execute(
            f"SELECT {COLUMNS} FROM calls {chosen} ORDER BY step, persona, item, replicate", values
        )
        for row in rows:
            yield from_row(row)

    def request(self, cell: Cell) -> Request:
        """The request that was sent for a stored cell.

        Raises
        ------
        RunError
            If the cell is not stored.
        """
        row = self._base.execute(f"SELECT prompt FROM calls WHERE {_WHERE}", _key(cell)).fetchone()
        if row is None:
            raise RunError(f"{self.path} holds nothing for {cell}")
        return to_request(row[0], cell, self._text)

    def _text(self, name: str) -> str:
        return str(self._base.execute("SELECT text FROM texts WHERE id = ?", (name,)).fetchone()[0])

    def counts(self, step: str | None = None) -> dict[State, int]:
        """Stored cells by state; every state is named."""
        chosen, values = ("WHERE step = ?", (step,)) if step is not None else ("", ())
        rows = dict(self._base.execute(f"SELECT state, count(*) FROM calls {chosen} GROUP BY state", values))
        return {state: rows.get(state.value, 0) for state in State}

    def totals(self, step: str | None = None) -> Totals:
        """Requests, tokens and money of all sessions so far, failed attempts included."""
        chosen, values = ("WHERE step = ?", (step,)) if step is not None else ("", ())
        sums = (
            "coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), coalesce(sum(reasoning_tokens), 0), "
            "coalesce(sum(cached_tokens), 0), coalesce(sum(cost), 0)"
        )
        calls = self._base.execute(
            f"SELECT {sums}, coalesce(sum(reply IS NOT NULL), 0), coalesce(sum(reply IS NOT NULL AND cost IS NULL), 0) "
            f"FROM calls {chosen}",
            values,
        ).fetchone()
        failed = self._base.execute(f"SELECT {sums} FROM failures {chosen}", values).fetchone()
        kinds = dict(
            self._base.execute(f"SELECT kind, count(*) FROM failures {chosen} GROUP BY kind", values)
        )
        return Totals(
            requests=calls[5] + sum(kinds.values()),
            usage=Usage(*calls[:4]) + Usage(*failed[:4]),
            cost=calls[4] + failed[4],
            unpriced=calls[6],
            failed_attempts=kinds,
        )

    def reparse(self, task: Task, step: str | None = None) -> int:
        """Read every stored reply anew, without a call; how many readings changed."""
        changed = 0
        fresh: list[tuple[Any, ...]] = []
        for call in self.calls(step):
            if call.reply is None:
                continue
            parsed = task.parse(call.cell, call.reply)
            if _reading(parsed) != _reading(call.parsed):
                changed += 1
                fresh.append((*_reading(parsed), *_key(call.cell)))
        with self._writing():
            self._base.executemany(f"UPDATE calls SET state = ?, value = ?, reason = ? WHERE {_WHERE}", fresh)
        return changed

    def close(self) -> None:
        """Write what is buffered and end this process's session; its claims are free again."""
        try:
            self.flush()
            if self._session is not None:
                with self._writing():
                    self._base.execute("DELETE FROM claims WHERE session = ?", (self._session,))
                    self._base.execute(
                        "UPDATE sessions SET ended = ? WHERE id = ?", (time.time(), self._session)
                    )
                self._session = None
        finally:
            self._base.close()


def _key(cell: Cell) -> tuple[str, str, str, int]:
    return cell.step, cell.persona, cell.item, cell.replicate


def _reading(parsed: Parsed) -> tuple[str, str | None, str]:
    return parsed.state.value, value_json(parsed.value), storable(parsed.reason)


def _failure_row(failure: Failure, session: int) -> tuple[Any, ...]:
    used = failure.usage
    return (
        *_key(failure.cell), failure.kind, storable(failure.message)[:500],
        used.prompt_tokens, used.completion_tokens, used.reasoning_tokens, used.cached_tokens,
        failure.cost, time.time(), session,
    )  # fmt: skip

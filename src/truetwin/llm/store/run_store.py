"""A run on disk: one SQLite file, written as answers arrive, that several processes may share."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truetwin.llm.messages import Cell, Reply, Request
from truetwin.llm.store.run_file import ONE_CELL, key
from truetwin.llm.store.shared_run import PUT_FAILURE, Failure, SharedRun, failure_row
from truetwin.llm.store.stored_call import (
    COLUMNS,
    OPEN_STATES,
    StoredCall,
    prompt_and_texts,
    storable,
    text_id,
    to_row,
    value_json,
)
from truetwin.llm.task import Parsed, Task

_BEAT = 15.0  # seconds between signs of life
_KNOWN = 50_000  # hashes of texts that are remembered as stored
_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN_STATES))
_PUT = (
    f"INSERT INTO calls ({COLUMNS}, prompt, session) VALUES ({', '.join('?' * 23)}) "
    "ON CONFLICT (step, persona, item, replicate) DO UPDATE SET "
    + ", ".join(f"{c} = excluded.{c}" for c in [*COLUMNS.split(", ")[4:], "prompt", "session"])
    + f" WHERE calls.state IN ({_OPEN})"
)


@dataclass
class _Buffer:
    calls: list[tuple[StoredCall, Request]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class Store(SharedRun):
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
        super().__init__(path, create=create)
        self._last_beat = 0.0
        self._buffer = _Buffer()
        self._known: dict[str, None] = {}

    def put(
        self,
        cell: Cell,
        request: Request,
        parsed: Parsed,
        reply: Reply | None = None,
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
        with self.writing() as base:
            for call, request in self._buffer.calls:
                self._write(call, request, session)
            base.executemany(PUT_FAILURE, [failure_row(each, session) for each in self._buffer.failures])
            if beating:
                base.execute("UPDATE sessions SET beat = ? WHERE id = ?", (time.time(), session))
        if beating:
            self._last_beat = time.time()
        self._buffer = _Buffer()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """See :meth:`RunFile.writing`."""
        try:
            with super().writing() as base:
                yield base
        except BaseException:
            self._known.clear()  # what was just stored has been taken back
            raise

    def store_prompt(self, request: Request) -> str:
        """Store the texts of a request that are not stored yet, and give the prompt that refers to them.

        Only inside :meth:`writing`.
        """

        def known(text: str) -> str:
            text = storable(text)
            name = text_id(text)
            if name not in self._known:
                self._base.execute("INSERT INTO texts VALUES (?, ?) ON CONFLICT DO NOTHING", (name, text))
                self._known[name] = None
            return name

        while len(self._known) > _KNOWN:  # forgetting costs one look at the table
            del self._known[next(iter(self._known))]
        return prompt_and_texts(request, known)

    def _write(self, call: StoredCall, request: Request, session: int) -> None:
        row = to_row(call, self.store_prompt(request), session)
        if not self._base.execute(_PUT, row).rowcount and call.reply is not None:
            # Two processes asked the same cell, because one was taken for dead: the first answer stays.
            late = Failure(call.cell, "duplicate", "answered twice", call.reply.usage, call.cost)
            self._base.execute(PUT_FAILURE, failure_row(late, session))
        self._base.execute(f"DELETE FROM claims WHERE {ONE_CELL} AND session = ?", (*key(call.cell), session))

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
                fresh.append((*_reading(parsed), *key(call.cell)))
        with self.writing():
            self._base.executemany(
                f"UPDATE calls SET state = ?, value = ?, reason = ? WHERE {ONE_CELL}", fresh
            )
        return changed

    def close(self) -> None:
        """Write what is buffered and end this process's session; its claims are free again."""
        try:
            self.flush()
        except BaseException:
            self.abandon()
            raise
        super().close()


def _reading(parsed: Parsed) -> tuple[str, str | None, str]:
    return parsed.state.value, value_json(parsed.value), storable(parsed.reason)

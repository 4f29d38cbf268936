"""A run that several processes share: who is at work, and who is asking what."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from truetwin.llm.messages import Cell, Usage
from truetwin.llm.store.run_file import ONE_CELL, RunFile, key
from truetwin.llm.store.sessions import BATCH, Process, begin_work, end_work, is_alive
from truetwin.llm.store.settings_comparison import compare_settings
from truetwin.llm.store.stored_call import OPEN_STATES, storable
from truetwin.llm.task import State

PUT_FAILURE = "INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


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


class SharedRun(RunFile):
    """Sessions and claims of a stored run."""

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        super().__init__(path, create=create)
        self._session: int | None = None
        self._process: Process | None = None

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
        with self.writing():
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

    @property
    def session(self) -> int:
        """Number of this process's session on the run; begun when first needed."""
        if self._session is None:
            self._process = begin_work()
            self._session = self.open_session(self._process)
        return self._session

    def open_session(self, process: Process, about: Mapping[str, Any] | None = None) -> int:
        """Begin a session, and free what sessions of dead processes had claimed."""
        self.reap()
        now = time.time()
        with self.writing():
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
            with self.writing():
                cells = self._base.execute(
                    "DELETE FROM claims WHERE session = ? RETURNING persona, item, step, replicate",
                    (session,),
                ).fetchall()
                lost = [
                    Failure(Cell(*cell), "interrupted", "asked when the process died; may have been paid")
                    for cell in cells
                ]
                self._base.executemany(PUT_FAILURE, [failure_row(each, session) for each in lost])
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
        with self.writing():
            for cell in todo:
                state = self.state(cell)  # again, now that nobody can write
                if state is not None and state not in OPEN_STATES:
                    answered[state] += 1
                    continue
                found = self._base.execute(
                    "INSERT INTO claims VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (*key(cell), session)
                )
                if found.rowcount:
                    mine.append(cell)
                else:
                    held[self._holder(cell)] += 1
        return Claimed(tuple(mine), answered, held["other"], held["batch"])

    def _holder(self, cell: Cell) -> str:
        session, host = self._base.execute(
            f"SELECT session, host FROM claims JOIN sessions ON id = session WHERE {ONE_CELL}", key(cell)
        ).fetchone()
        return "mine" if session == self._session else "batch" if host == BATCH else "other"

    def release(self, cells: Iterable[Cell]) -> None:
        """Give back cells that were claimed and not asked."""
        with self.writing():
            self._base.executemany(
                f"DELETE FROM claims WHERE {ONE_CELL} AND session = ?",
                [(*key(c), self.session) for c in cells],
            )

    def close(self) -> None:
        """End this process's session, if it began one; its claims are free again."""
        try:
            if self._session is not None:
                with self.writing():
                    self._base.execute("DELETE FROM claims WHERE session = ?", (self._session,))
                    self._base.execute(
                        "UPDATE sessions SET ended = ? WHERE id = ?", (time.time(), self._session)
                    )
                self._session = None
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the file with the session still in it, as a crash would: what it was asking counts as interrupted."""
        if self._process is not None:
            end_work(self._process)
        super().close()


def failure_row(failure: Failure, session: int) -> tuple[Any, ...]:
    """The values of :data:`PUT_FAILURE`."""
    used = failure.usage
    return (
        *key(failure.cell), failure.kind, storable(failure.message)[:500],
        used.prompt_tokens, used.completion_tokens, used.reasoning_tokens, used.cached_tokens,
        failure.cost, time.time(), session,
    )  # fmt: skip

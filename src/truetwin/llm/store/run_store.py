"""Write a stored run: the settings of its steps, the cells that are asked, and every answer."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from truetwin.errors import RunError
from truetwin.llm.messages import Cell, Reply, Request, Usage
from truetwin.llm.store.asking_again import AskAgain, Round, round_of
from truetwin.llm.store.batched_run import Outcome
from truetwin.llm.store.ledger import Use
from truetwin.llm.store.run_file import ONE_CELL, SETTINGS_SEAL
from truetwin.llm.store.sessions import BATCH, Process
from truetwin.llm.store.shared_run import PUT_FAILURE, SharedRun
from truetwin.llm.store.stored_call import (
    COLUMNS,
    OPEN_IN_SQL,
    OPEN_STATES,
    Failure,
    StoredCall,
    failure_row,
    key,
    prompt_and_texts,
    seal,
    settings_seal,
    storable,
    text_id,
    to_row,
    value_json,
)
from truetwin.llm.task import Parsed, ReplyReader, State

_BEAT = 15.0  # seconds between two signs of life of a session
_USUAL = Round()
_KNOWN = 50_000  # most hashes of stored texts that are kept in memory
_PUT = (
    f"INSERT INTO calls ({COLUMNS}, prompt, session) VALUES ({', '.join('?' * 26)}) "
    "ON CONFLICT (step, persona, item, replicate) DO UPDATE SET "
    + ", ".join(f"{c} = excluded.{c}" for c in [*COLUMNS.split(", ")[4:], "prompt", "session"])
    + f" WHERE calls.state IN ({OPEN_IN_SQL})"
)


@dataclass(frozen=True)
class Claimed:
    """Result of claiming cells.

    ``mine`` are the cells to ask now. ``answered`` counts the cells that have an answer, by state. ``elsewhere`` counts
    the cells that another process is asking. Cells that wait for a provider's batch are in none of these.
    """

    mine: tuple[Cell, ...]
    answered: Mapping[State, int]
    elsewhere: int = 0


class Store(SharedRun):
    """Stored run: its settings, every prompt, raw reply and reading, and which process is asking which cell.

    A process works on a run in a session. It claims cells before it asks them, so that no two processes ask the same
    one. Answers are buffered until :meth:`flush`, which the runner calls every tenth of a second. Answers that a killed
    process had not flushed are counted as interrupted by the next process. A cell that failed or was skipped is asked
    and stored again. Any other answer is replaced only if it is asked again on purpose (:meth:`begin`), and then kept
    among the earlier replies.

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
        self._identity = _identity(self.path)
        self.spent = Use()  # what this session has used
        self.put_aside = Use()  # what a ledger allows this session to use; see Ledger
        self._last_beat = 0.0
        self._calls: list[tuple[StoredCall, Request, Round]] = []  # answers that are not on the disk yet
        self._failures: list[Failure] = []
        self._ended: dict[str, Outcome] = {}  # waits for requests in files that ended
        self._known: dict[str, None] = {}
        self._rounds: dict[str, Round] = {}

    def begin(
        self,
        step: str,
        settings: Mapping[str, Any],
        *,
        may_differ: Sequence[str] = (),
        again: AskAgain | None = None,
    ) -> None:
        """Record a step's settings, or check them against those recorded.

        Parameters
        ----------
        step : str
            Name of the step.
        settings : mapping
            Everything that makes two runs differ; anything JSON can hold.
        may_differ : sequence of str
            Dotted names of settings that are not compared, such as ``"model.base_url"``.
        again : AskAgain, optional
            Which cells are asked again by this process, and in which settings it may differ.

        Raises
        ------
        RunError
            If the step was begun with other settings; the message says which. If there is nothing to ask again.
        """
        text = json.dumps(settings)  # in their order: items are grouped in it
        self.bring_up_to_date()
        self._session = self.session
        with self.writing():
            row = self._base.execute("SELECT settings FROM steps WHERE step = ?", (step,)).fetchone()
            if row is None or not self._has_begun(step):
                if again is not None:
                    raise RunError(
                        f"only a run that has replies can be asked again; {self.path} has none. Leave out --again."
                    )
                self.write_settings(step, text)
                return
            stored = self.settings(step)
            if row[0] != text and stored == json.loads(text):  # former versions sorted them
                self.write_settings(step, text)
        where = f"step {step!r} of {self.path}"
        self._rounds[step] = round_of(stored, json.loads(text), where, may_differ, again)

    def grow(
        self,
        step: str,
        before: Mapping[str, Any],
        settings: Mapping[str, Any],
        names: Sequence[str],
        may_differ: Sequence[str] = (),
        again: AskAgain | None = None,
    ) -> None:
        """Widen the settings of a step that was begun.

        Parameters
        ----------
        step : str
            Name of the step.
        before : mapping
            Settings of the run that were looked at to find the wider ones.
        settings : mapping
            Settings of the whole run from now on.
        names : sequence of str
            Dotted names of the settings that are taken over.
        may_differ, again
            As for :meth:`begin`.

        Raises
        ------
        RunError
            If other settings differ than those, or another process has widened the run since.
        """
        wider = json.loads(json.dumps(settings))
        self.bring_up_to_date()
        with self.writing():
            stored = self.settings(step)
            round_of(stored, wider, f"step {step!r} of {self.path}", (*may_differ, *names), again)
            for name in names:
                *path, last = name.split(".")
                seen, old, new = (_inside(each, path) for each in (before, stored, wider))
                if old.get(last) not in (seen.get(last), new.get(last)):
                    raise RunError(
                        f"another process has just added to {self.path} as well; run the same command again"
                    )
                if last in new:
                    old[last] = new[last]
            self.write_settings(step, json.dumps(stored))

    def note_more(self, name: str, entries: Mapping[str, Any]) -> None:
        """Add entries to a note that is a mapping, or begin it. Those that other processes have added stay."""
        with self.writing():
            noted = self.notes(name).get(name)
            joined = {**(noted or {}), **entries}
            if joined != noted:
                self._base.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(joined)))

    def write_settings(self, step: str, text: str) -> None:
        """Write a step's settings, and the hash by which damage to them is noticed, in an open transaction."""
        self._base.execute("INSERT OR REPLACE INTO steps VALUES (?, ?)", (step, text))
        note = (SETTINGS_SEAL + step, json.dumps(settings_seal(json.loads(text))))
        self._base.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", note)

    def _has_begun(self, step: str) -> bool:
        """Tell whether the settings are fixed, because something was answered or another process is at work."""
        at_work = "SELECT 1 FROM sessions WHERE ended IS NULL AND id != ?"
        return self._base.execute(at_work, (self._session,)).fetchone() is not None or self.has_answers(step)

    def close(self) -> None:
        """Write buffered answers and end this process's session. Its claims are free again."""
        try:
            self.flush()
            if self._session is not None:
                self._check_that_file_is_there()
                with self.writing():
                    self.put_aside = Use()
                    self.write_use()
                    self._base.execute("DELETE FROM claims WHERE session = ?", (self._session,))
                    self._base.execute(
                        "UPDATE sessions SET ended = ? WHERE id = ?", (time.time(), self._session)
                    )
                self._session = None
        finally:
            self.abandon()

    # ------------------------------------------------------------------ claims

    def claim(self, cells: Sequence[Cell]) -> Claimed:
        """Claim, for this process to ask, the cells that have no answer and that no other process is asking."""
        answered: Counter[State] = Counter()
        todo = []
        for cell in cells:
            standing = self.standing(cell)
            if self._round(cell).asks(standing):
                todo.append(cell)
            elif standing is not None:
                answered[standing.state] += 1
        if not todo:
            return Claimed((), answered)
        session, mine, elsewhere = self.session, [], 0
        with self.writing():
            for cell in todo:
                standing = self.standing(cell)  # look again, now that no other process can write
                if standing is not None and not self._round(cell).asks(standing):
                    answered[standing.state] += 1
                    continue
                found = self._base.execute(
                    "INSERT INTO claims (step, persona, item, replicate, session) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    (*key(cell), session),
                )
                if found.rowcount:
                    mine.append(cell)
                else:
                    elsewhere += self._is_asked_elsewhere(cell)
        return Claimed(tuple(mine), answered, elsewhere)

    def _round(self, cell: Cell) -> Round:
        """Return the round in which this process asks a cell."""
        return self._rounds.get(cell.step, _USUAL)

    # ------------------------------------------------------------------ claims that are left to a file of requests

    def hand_over(self, file: str, requests: Sequence[tuple[str, Cell, Request]]) -> None:
        """Assign claimed cells to a file of requests. No process asks them until the wait for them ends.

        Parameters
        ----------
        file : str
            Name of the file.
        requests : sequence of (custom id, cell, request)
            The requests in the file. Those of a round that asks again are noted to be of that round.
        """
        self.bring_up_to_date()
        batch = self.open_session(Process(BATCH, 0, ""), {"file": file})
        with self.writing():
            for custom_id, cell, request in requests:
                prompt, round_ = self._store_prompt(request), self._round(cell).record()
                self._base.execute(
                    "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
                    (custom_id, *key(cell), request.digest, prompt, file, round_),
                )
                self._base.execute(f"UPDATE claims SET session = ? WHERE {ONE_CELL}", (batch, *key(cell)))

    # ------------------------------------------------------------------ answers

    def put(
        self,
        cell: Cell,
        request: Request,
        parsed: Parsed,
        reply: Reply | None = None,
        *,
        attempts: int = 1,
        cost: float | None = None,
        round_: Round | None = None,
    ) -> None:
        """Store the outcome of a cell at the next flush. ``round_`` is another one than that of this process."""
        call = StoredCall(cell, parsed, reply, request.digest, attempts, cost, time.time())
        self._calls.append((call, request, round_ or self._round(cell)))
        self._not_sent.discard(cell)
        if reply is not None:
            self._count(reply.usage, cost)

    def put_failure(self, failure: Failure) -> None:
        """Store an attempt that gave no answer at the next flush."""
        self._failures.append(failure)
        self._count(failure.usage, failure.cost)

    def end_wait(self, custom_id: str, outcome: Outcome) -> None:
        """End the wait for a request in a file at the next flush, together with what is stored of it."""
        self._ended[custom_id] = outcome

    def _count(self, usage: Usage, cost: float | None) -> None:
        self.spent = self.spent + Use(1, usage.prompt_tokens + usage.completion_tokens, cost or 0.0)

    def write_use(self) -> None:
        """Write what this session has used or put aside, in an open transaction."""
        use = self.spent.or_more(self.put_aside)
        self._base.execute(
            "UPDATE sessions SET requests = ?, tokens = ?, cost = ? WHERE id = ?",
            (use.requests, use.tokens, use.cost, self._session),
        )

    @property
    def unwritten(self) -> int:
        """Number of answers that were received but are not on disk yet."""
        return len(self._calls)

    def flush(self) -> None:
        """Write buffered answers. If that fails, they stay buffered.

        Raises
        ------
        RunError
            If the disk is full, the file cannot be written, or it is no longer there.
        """
        beating = self._session is not None and time.time() - self._last_beat > _BEAT
        if not (self._calls or self._failures or self._ended or beating):
            return
        self._check_that_file_is_there()
        session = self.session
        with self.writing():
            for call, request, round_ in self._calls:
                self._write(call, request, session, round_)
            self._base.executemany(PUT_FAILURE, [failure_row(each, session) for each in self._failures])
            if self._ended:
                self._end_waits(self._base, self._ended)
            self.write_use()
            if beating:
                self._base.execute("UPDATE sessions SET beat = ? WHERE id = ?", (time.time(), session))
        if beating:
            self._last_beat = time.time()
        self._calls, self._failures, self._ended = [], [], {}

    def _check_that_file_is_there(self) -> None:
        """Raise if the file was deleted or replaced; what it held is then saved beside it, if that is possible."""
        if self._identity == _identity(self.path):
            return
        saved = self.path.with_name(f"{self.path.stem}.saved.sqlite")
        try:
            if saved.exists():
                raise OSError("it is there already")
            with closing(sqlite3.connect(saved)) as copy:
                self._base.backup(copy)
            where = f"What it held is saved in {saved}; rename it to go on"
        except (sqlite3.Error, OSError) as error:
            where = f"What it held cannot be saved in {saved}: {error}"
        lost = f"; {len(self._calls)} answers that have just come are lost" if self._calls else ""
        raise RunError(
            f"the stored run {self.path} was deleted or replaced while it was written{lost}. {where}."
        )

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction for writing, as :meth:`RunFile.writing` does."""
        try:
            with super().writing() as base:
                yield base
        except BaseException:
            self._known.clear()  # the texts that were just stored have been rolled back
            raise

    def _store_prompt(self, request: Request) -> str:
        """Store the texts of a request that are not stored yet, and return the prompt that refers to them."""

        def known(text: str) -> str:
            text = storable(text)
            name = text_id(text)
            if name not in self._known:
                self._base.execute("INSERT INTO texts VALUES (?, ?) ON CONFLICT DO NOTHING", (name, text))
                self._known[name] = None
            return name

        while len(self._known) > _KNOWN:  # a forgotten hash costs one look at the table
            del self._known[next(iter(self._known))]
        return prompt_and_texts(request, known)

    def _write(self, call: StoredCall, request: Request, session: int, round_: Round) -> None:
        if round_.text is not None:
            before = self.standing(call.cell)
            if before is not None and before.state not in OPEN_STATES and round_.asks(before):
                if call.reply is None:  # the earlier reply is better than none
                    self.end_claim(call.cell, session)
                    return
                self._move_to_earlier(call.cell)
            if (name := round_.setting_of(before)) is not None:
                self._base.execute(
                    "INSERT INTO texts VALUES (?, ?) ON CONFLICT DO NOTHING", (name, round_.text)
                )
                call = replace(call, setting=name)
        row = to_row(call, self._store_prompt(request), session)
        if not self._base.execute(_PUT, row).rowcount and call.reply is not None:
            # Two processes asked the same cell, because one was taken for dead: the first answer stays.
            late = Failure(call.cell, "duplicate", "answered twice", call.reply.usage, call.cost)
            self._base.execute(PUT_FAILURE, failure_row(late, session))
        self.end_claim(call.cell, session)

    def _move_to_earlier(self, cell: Cell) -> None:
        """Move the reply of a cell to the earlier ones, so that another can take its place."""
        names = f"{COLUMNS}, prompt, session"
        self._base.execute(
            f"INSERT INTO earlier ({names}, replaced) SELECT {names}, ? FROM calls WHERE {ONE_CELL}",
            (time.time(), *key(cell)),
        )
        self._base.execute(f"DELETE FROM calls WHERE {ONE_CELL}", key(cell))

    def reparse(self, reader: ReplyReader, step: str | None = None) -> int:
        """Read every stored reply again, without a call to the model.

        Returns
        -------
        int
            Number of readings that changed.
        """
        fresh: list[tuple[Any, ...]] = []
        for row, call in self._rows_and_calls(step):
            if call.reply is None:
                continue
            parsed = reader.parse(call.cell, call.reply)
            if _reading(parsed) != _reading(call.parsed):
                changed = (*row[:4], *_reading(parsed), *row[7:])
                fresh.append((*_reading(parsed), seal(changed), *key(call.cell)))
        if fresh and not self.read_only:
            self.bring_up_to_date()
            with self.writing():
                self._base.executemany(
                    f"UPDATE calls SET state = ?, value = ?, reason = ?, seal = ? WHERE {ONE_CELL}", fresh
                )
        return len(fresh)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one that takes its place; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _inside(settings: Mapping[str, Any], path: Sequence[str]) -> Any:
    for name in path:
        settings = settings[name]
    return settings


def _reading(parsed: Parsed) -> tuple[str, str | None, str]:
    return parsed.state.value, value_json(parsed.value), storable(parsed.reason)

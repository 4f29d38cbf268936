"""Share a stored run among processes: the session of each, and the cells that it holds while it asks them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from truetwin.llm.messages import Cell
from truetwin.llm.store.batched_run import BatchedRun
from truetwin.llm.store.run_file import ONE_CELL
from truetwin.llm.store.sessions import BATCH, Holder, Process, begin_work, end_work, is_alive
from truetwin.llm.store.stored_call import Failure, failure_row, key

PUT_FAILURE = f"INSERT INTO failures VALUES ({', '.join('?' * 13)})"


class SharedRun(BatchedRun):
    """Stored run on which several processes work, each in a session of its own.

    A session holds the cells that it is asking. If its process dies, they are free again, and those whose request was
    sent count as interrupted.
    """

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        super().__init__(path, create=create)
        self.part = ""  # name of the part of the run that this process does; empty for the whole
        self._session: int | None = None
        self._process: Process | None = None
        self._not_sent: set[Cell] = set()  # claimed cells that are noted as waiting

    @property
    def session(self) -> int:
        """Number of this process's session on the run. The session begins when it is first needed."""
        if self._session is None:
            self._process = begin_work()
            self._session = self.open_session(self._process, {"part": self.part} if self.part else None)
        return self._session

    def open_session(self, process: Process, about: Mapping[str, Any] | None = None) -> int:
        """Begin a session, and free the cells that sessions of dead processes had claimed."""
        self.bring_up_to_date()
        self.reap()
        now = time.time()
        with self.writing():
            found = self._base.execute(
                "INSERT INTO sessions (host, pid, born, about, started, beat) VALUES (?, ?, ?, ?, ?, ?)",
                (process.host, process.pid, process.born, json.dumps(about or {}), now, now),
            )
        return int(found.lastrowid or 0)

    def reap(self) -> int:
        """Free the claims of dead processes and count their calls as interrupted.

        Returns
        -------
        int
            Number of requests that were with the provider. Cells that waited for their turn are not counted.
        """
        with self.reading():
            rows = self._base.execute("SELECT id, host, pid, born, beat FROM sessions WHERE ended IS NULL")
            dead = [
                session
                for session, host, pid, born, beat in rows.fetchall()
                if session != self._session and not is_alive(Process(host, pid, born), beat)
            ]
        return sum(self._free(session, ended=True) for session in dead)

    def _free(self, session: int, *, ended: bool) -> int:
        """Free the claims of a session. Returns how many of its requests may be with the provider."""
        with self.writing():
            claims = self._base.execute(
                "DELETE FROM claims WHERE session = ? RETURNING persona, item, step, replicate, sent",
                (session,),
            ).fetchall()
            reason = "asked when the process died; may have been paid"
            lost = [Failure(Cell(*cell), "interrupted", reason) for *cell, sent in claims if sent]
            self._base.executemany(PUT_FAILURE, [failure_row(each, session) for each in lost])
            if ended:
                self._base.execute("UPDATE sessions SET ended = ? WHERE id = ?", (time.time(), session))
        return len(lost)

    def shards(self) -> frozenset[str]:
        """Name the parts of the run that sessions of this store did, such as ``"2/4"``."""
        with self.reading():
            about = [json.loads(text) for (text,) in self._base.execute("SELECT about FROM sessions")]
            return frozenset(str(each["part"]) for each in about if "part" in each)

    def holders(self) -> list[Holder]:
        """List the other sessions that hold cells, but for those that wait for a provider's batch."""
        with self.reading():
            rows = self._base.execute(
                "SELECT id, host, pid, born, count(*), sum(sent), beat FROM claims JOIN sessions ON id = session "
                "WHERE id != ? AND host != ? GROUP BY id ORDER BY id",
                (self._session or 0, BATCH),
            )
            return [Holder(row[0], Process(*row[1:4]), *row[4:]) for row in rows]

    def free(self, holder: Holder) -> int:
        """Free the cells of a session, whether its process is dead or not.

        If it is still running, it goes on asking the cells it has begun; what is then answered twice is paid twice, and
        the first answer stays.

        Returns
        -------
        int
            Number of requests that may be with the provider, and be paid.
        """
        return self._free(holder.session, ended=not holder.is_alive)

    def _is_asked_elsewhere(self, cell: Cell) -> bool:
        query = f"SELECT session, host FROM claims JOIN sessions ON id = session WHERE {ONE_CELL}"
        with self.reading():
            holder, host = self._base.execute(query, key(cell)).fetchone()
        return bool(holder != self._session and host != BATCH)

    def release(self, cells: Iterable[Cell]) -> None:
        """Give back cells that were claimed and not asked."""
        with self.writing():
            self._base.executemany(
                f"DELETE FROM claims WHERE {ONE_CELL} AND session = ?",
                [(*key(c), self.session) for c in cells],
            )

    def note_waiting(self, cells: Iterable[Cell]) -> None:
        """Note which claimed cells wait to be asked: they are not lost if this process dies now."""
        fresh = [cell for cell in cells if cell not in self._not_sent]
        if fresh:
            self._note_sent(fresh, sent=False)
            self._not_sent.update(fresh)

    def note_sent(self, cell: Cell) -> None:
        """Note that the request of a claimed cell is about to be sent."""
        if cell in self._not_sent:
            self._note_sent([cell], sent=True)
            self._not_sent.discard(cell)

    def _note_sent(self, cells: Sequence[Cell], *, sent: bool) -> None:
        with self.writing():
            self._base.executemany(
                f"UPDATE claims SET sent = ? WHERE {ONE_CELL} AND session = ?",
                [(sent, *key(cell), self.session) for cell in cells],
            )

    def end_claim(self, cell: Cell, session: int) -> None:
        """End the claim of a session on a cell, in an open transaction."""
        self._base.execute(f"DELETE FROM claims WHERE {ONE_CELL} AND session = ?", (*key(cell), session))

    def abandon(self) -> None:
        """Close the file without ending the session, as a crash would. The cells it was asking count as interrupted."""
        if self._process is not None:
            end_work(self._process)
        super().close()

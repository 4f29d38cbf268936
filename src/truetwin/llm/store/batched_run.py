"""Keep track of requests that were handed over in files: which are waited for, and what became of the others."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from truetwin.llm.messages import Cell, Request
from truetwin.llm.store.asking_again import Round
from truetwin.llm.store.run_file import ONE_CELL, RunFile
from truetwin.llm.store.sessions import BATCH
from truetwin.llm.store.store_tables import columns_of
from truetwin.llm.store.stored_call import to_request


class Outcome(StrEnum):
    """What ended the wait for a request in a file."""

    ANSWERED = "answered"
    FAILED = "failed"
    GIVEN_UP = "given up"
    ELSEWHERE = "answered elsewhere"


@dataclass(frozen=True)
class HandedOver:
    """Request that was handed over in a file, in the usual round or one that asks again.

    Without an ``outcome``, its reply is waited for.
    """

    cell: Cell
    request: Request
    file: str
    outcome: Outcome | None
    round_: Round


class BatchedRun(RunFile):
    """Stored run whose requests may be answered through files.

    A request keeps its row when the wait for it ends, so that a reply that comes late is still known. The id of a
    request tells the file, too: a cell that is handed over again has another id.
    """

    def waiting(self) -> dict[str, int]:
        """Count the requests whose replies are waited for, by the name of their file."""
        with self.reading():
            rows = self._base.execute(
                f"SELECT batch, count(*) FROM batches WHERE {self._column('outcome')} IS NULL "
                "GROUP BY batch ORDER BY batch"
            )
            return {str(file): int(n) for file, n in rows}

    def request_files(self) -> frozenset[str]:
        """Name all files in which requests were ever handed over."""
        with self.reading():
            return frozenset(
                str(file) for (file,) in self._base.execute("SELECT DISTINCT batch FROM batches")
            )

    def handed_over(self, custom_id: str) -> HandedOver | None:
        """Look up the request that was handed over under an id; None if there is none."""
        with self.reading():
            row = self._base.execute(
                f"SELECT persona, item, step, replicate, prompt, batch, {self._column('outcome')}, "
                f"{self._column('round')} FROM batches WHERE custom_id = ?",
                (custom_id,),
            ).fetchone()
            if row is None:
                return None
            cell = Cell(*row[:4])
            outcome = None if row[6] is None else Outcome(row[6])
            request = to_request(row[4], cell, self._text)
            return HandedOver(cell, request, str(row[5]), outcome, Round.from_record(row[7]))

    def _column(self, name: str) -> str:
        """Name a column that files of an earlier version lack: they kept only requests that are waited for."""
        return name if name in columns_of(self._base, "batches") else "NULL"

    def end_waits(self, outcomes: Mapping[str, Outcome]) -> None:
        """Note what became of requests. Cells of which no request is waited for any more may be asked again.

        Parameters
        ----------
        outcomes : mapping from the id of a request to its outcome
            If a request is answered, the wait for the same cell in other files ends as well.
        """
        self.bring_up_to_date()
        with self.writing() as base:
            self._end_waits(base, outcomes)

    def _end_waits(self, base: sqlite3.Connection, outcomes: Mapping[str, Outcome]) -> None:
        """Do what :meth:`end_waits` does, in an open transaction."""
        for custom_id, outcome in outcomes.items():
            base.execute("UPDATE batches SET outcome = ? WHERE custom_id = ?", (outcome, custom_id))
            cell = base.execute(
                "SELECT step, persona, item, replicate FROM batches WHERE custom_id = ?", (custom_id,)
            ).fetchone()
            if outcome is Outcome.ANSWERED:
                base.execute(
                    f"UPDATE batches SET outcome = ? WHERE outcome IS NULL AND {ONE_CELL}",
                    (Outcome.ELSEWHERE, *cell),
                )
            base.execute(
                f"DELETE FROM claims WHERE {ONE_CELL} "
                "AND session IN (SELECT id FROM sessions WHERE host = ?) "
                f"AND NOT EXISTS (SELECT 1 FROM batches WHERE outcome IS NULL AND {ONE_CELL})",
                (*cell, BATCH, *cell),
            )
        base.execute(
            "UPDATE sessions SET ended = ? WHERE host = ? AND ended IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM claims WHERE session = sessions.id)",
            (time.time(), BATCH),
        )

    def give_up(self, file: str) -> int:
        """End the wait for all replies to a file. A reply that comes later is still taken, if its cell is open.

        Returns
        -------
        int
            Number of requests that were waited for.
        """
        with self.reading():
            rows = self._base.execute(
                f"SELECT custom_id FROM batches WHERE batch = ? AND {self._column('outcome')} IS NULL",
                (file,),
            ).fetchall()
        self.end_waits({name: Outcome.GIVEN_UP for (name,) in rows})
        return len(rows)

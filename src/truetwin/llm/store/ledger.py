"""Count what all processes that share a run use, so that a cap holds for the run and not for each process.

Each session has a line in the table ``sessions``: what it has used so far, or has put aside for requests that it is
about to send. What was stored before a process began is counted once, from the answers themselves.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truetwin.llm.store.run_store import Store


@dataclass(frozen=True)
class Use:
    """Requests, tokens and money."""

    requests: int = 0
    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Use) -> Use:
        return Use(self.requests + other.requests, self.tokens + other.tokens, self.cost + other.cost)

    def __sub__(self, other: Use) -> Use:
        return Use(self.requests - other.requests, self.tokens - other.tokens, self.cost - other.cost)

    def or_more(self, other: Use) -> Use:
        """Take the larger of both, for requests, tokens and money by themselves."""
        return Use(
            max(self.requests, other.requests), max(self.tokens, other.tokens), max(self.cost, other.cost)
        )

    def covers(self, other: Use) -> bool:
        """Tell whether ``other`` is within this."""
        return self.or_more(other) == self


class Ledger:
    """What this process and the others that share a run have used since this process began to count.

    Parameters
    ----------
    store : Store
        Store of the run. Its session is this process's.
    holds : callable, optional
        Tells whether a persona is in the part of the run that this process does (:attr:`Store.part`). Sessions that do
        another part are not counted; those that do the whole are.

    Attributes
    ----------
    earlier : Totals
        What was stored before this process began to count.
    """

    def __init__(self, store: Store, holds: Callable[[str], bool] | None = None) -> None:
        self._store, self._part = store, store.part
        store.flush()
        session = store.session
        with store.writing() as base:
            over = base.execute("SELECT id FROM sessions WHERE ended IS NOT NULL")
            self._left_out = {session, *(number for (number,) in over)}
            at_work = base.execute("SELECT id FROM sessions WHERE ended IS NULL AND id != ?", (session,))
            self._stored_before = {number: _stored_by(base, number) for (number,) in at_work.fetchall()}
            self.earlier = store.totals() if holds is None else store.totals_of_personas(holds)
        self._own_before = store.spent

    def reserved(self, own: Use) -> bool:
        """Tell whether as much as ``own`` is put aside for this process already, and may be used without asking."""
        return self._store.put_aside.covers(self._own_before + own)

    def reserve(self, now: Use, own: Use, more: Use, fits: Callable[[Use], bool]) -> Use | None:
        """Put aside what this process needs, if that fits beside what the others have used or put aside.

        Parameters
        ----------
        now : Use
            What this process has used since it began, or put aside for requests under way.
        own : Use
            The same together with what it needs for one more request.
        more : Use
            What to put aside beyond that, if there is room, so that not every request has to ask.
        fits : callable
            Tells whether a total of all processes since this one began is within the caps.

        Returns
        -------
        Use or None
            None if ``own`` is put aside now. If there is no room, what was put aside and is not used goes back, and the
            use of the others is returned.
        """
        store = self._store
        with store.writing() as base:
            others = self._others(base)
            granted = next((use for use in (own + more, own) if fits(others + use)), None)
            store.put_aside = self._own_before + (granted or now)
            store.write_use()
        return others if granted is None else None

    def give_back(self) -> None:
        """Give back what was put aside and is not used."""
        self._store.put_aside = Use()
        with self._store.writing():
            self._store.write_use()

    def _others(self, base: sqlite3.Connection) -> Use:
        total = Use()
        for number, about, *line in base.execute("SELECT id, about, requests, tokens, cost FROM sessions"):
            part = json.loads(about).get("part", "")
            if number in self._left_out or (self._part and part and part != self._part):
                continue
            total = total + (Use(*line) - self._stored_before.get(number, Use())).or_more(Use())
        return total


def _stored_by(base: sqlite3.Connection, session: int) -> Use:
    """Add up what the answers and failed attempts that a session has stored have used."""
    total = Use()
    for table, counted in (("calls", "count(reply)"), ("earlier", "count(reply)"), ("failures", "count(*)")):
        row = base.execute(
            f"SELECT {counted}, coalesce(sum(prompt_tokens + completion_tokens), 0), coalesce(sum(cost), 0.0) "
            f"FROM {table} WHERE session = ?",
            (session,),
        ).fetchone()
        total = total + Use(*row)
    return total

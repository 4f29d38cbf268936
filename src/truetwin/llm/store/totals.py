"""Add up what all sessions of a stored run have used."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from truetwin.llm.messages import Usage
from truetwin.llm.store.store_tables import tables_of

_SUMS = (
    "coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), coalesce(sum(reasoning_tokens), 0), "
    "coalesce(sum(cached_tokens), 0), coalesce(sum(cost), 0), count(cost)"
)
_REPLIES = (
    "coalesce(sum(reply IS NOT NULL), 0), coalesce(sum(reply IS NOT NULL AND cost IS NULL), 0), "
    "coalesce(sum(reply IS NOT NULL AND prompt_tokens + completion_tokens = 0), 0)"
)


@dataclass(frozen=True)
class Totals:
    """Total use of all sessions of a run. ``failed_attempts`` counts attempts without an answer by kind.

    ``uncounted`` counts the replies whose tokens the endpoint did not count. ``models`` are the names under which
    models answered, as the endpoint stated them.
    """

    requests: int
    usage: Usage
    cost: float
    unpriced: int
    failed_attempts: Mapping[str, int]
    priced: int = 0
    uncounted: int = 0
    models: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return the totals as JSON. The cost is None if some attempts have no price, since it would be too low."""
        return {
            "requests": self.requests,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "reasoning_tokens": self.usage.reasoning_tokens,
            "cached_tokens": self.usage.cached_tokens,
            "cost": self.cost if self.priced and not self.unpriced else None,
            "requests_without_a_price": self.unpriced,
            "failed_attempts": dict(self.failed_attempts),
        }


def add_up(base: sqlite3.Connection, chosen: str, values: Sequence[Any]) -> Totals:
    """Add up the rows that fit a WHERE clause, of replies, of replies that were asked again, and of failed attempts."""

    def sums(columns: str, table: str) -> Any:
        return base.execute(f"SELECT {columns} FROM {table} {chosen}", values).fetchone()

    calls, failed = sums(f"{_SUMS}, {_REPLIES}", "calls"), sums(_SUMS, "failures")
    before = sums(f"{_SUMS}, {_REPLIES}", "earlier") if "earlier" in tables_of(base) else (0,) * 9
    rows = base.execute(f"SELECT kind, count(*) FROM failures {chosen} GROUP BY kind", values)
    kinds = {str(kind): int(n) for kind, n in rows}
    names = base.execute(f"SELECT model FROM calls {chosen} GROUP BY model", values)
    return Totals(
        requests=calls[6] + before[6] + sum(kinds.values()),
        usage=Usage(*calls[:4]) + Usage(*before[:4]) + Usage(*failed[:4]),
        cost=calls[4] + before[4] + failed[4],
        unpriced=calls[7] + before[7],
        failed_attempts=kinds,
        priced=calls[5] + before[5] + failed[5],
        uncounted=calls[8] + before[8],
        models=tuple(sorted(str(name) for (name,) in names if name)),
    )

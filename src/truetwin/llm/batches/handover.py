"""Cells that are left to a batch: no process asks them until it has brought their replies, or is given up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from truetwin.llm.messages import Cell, Request
from truetwin.llm.store.run_file import ONE_CELL, key
from truetwin.llm.store.run_store import Store
from truetwin.llm.store.sessions import BATCH, Process


def hand_over(store: Store, file: str, requests: Sequence[tuple[str, Cell, Request]]) -> None:
    """Leave claimed cells to a batch until :func:`take_back`.

    Parameters
    ----------
    store : Store
        Where they are claimed, and where their replies will go.
    file : str
        Name of the batch.
    requests : sequence of (custom id, cell, request)
        What is in it.
    """
    batch = store.open_session(Process(BATCH, 0, ""), {"file": file})
    with store.writing() as base:
        for custom_id, cell, request in requests:
            base.execute(
                "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (custom_id, *key(cell), request.digest, store.store_prompt(request), file),
            )
            base.execute(f"UPDATE claims SET session = ? WHERE {ONE_CELL}", (batch, *key(cell)))


def take_back(store: Store, custom_ids: Iterable[str]) -> None:
    """End the wait for what a batch has brought: it is stored, or may be asked again."""
    store.flush()
    with store.writing() as base:
        for custom_id in custom_ids:
            rows = base.execute(
                "DELETE FROM batches WHERE custom_id = ? RETURNING step, persona, item, replicate",
                (custom_id,),
            ).fetchall()
            base.executemany(f"DELETE FROM claims WHERE {ONE_CELL}", rows)
        base.execute(
            "UPDATE sessions SET ended = ? WHERE host = ? AND ended IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM claims WHERE session = sessions.id)",
            (time.time(), BATCH),
        )


def give_up(store: Store, file: str) -> int:
    """End the wait for a whole batch; how many of its cells it left unanswered."""
    names = store.waiting_in(file)
    take_back(store, names)
    return len(names)

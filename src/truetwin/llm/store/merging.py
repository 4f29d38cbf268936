"""Merge the stored runs of several machines into one."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from truetwin.errors import RunError
from truetwin.llm.store.run_store import Store
from truetwin.llm.store.stored_call import COLUMNS, OPEN_IN_SQL

_SAME = "t.step = s.step AND t.persona = s.persona AND t.item = s.item AND t.replicate = s.replicate"
_EARLIER_OF_S = "e.step = s.step AND e.persona = s.persona AND e.item = s.item AND e.replicate = s.replicate"
_FIELDS = f"{COLUMNS}, prompt"
_UPDATED = ", ".join(f"{name} = excluded.{name}" for name in _FIELDS.split(", ")[4:])


@dataclass(frozen=True)
class Merged:
    """Counts of a merge: answers copied, and cells answered in both stores, for which the target's answer is kept."""

    taken: int
    duplicates: int


def merge_stores(target: Store, sources: Sequence[Path]) -> Merged:
    """Copy into ``target`` everything that the stores at ``sources`` hold.

    A cell answered in both keeps the target's answer. The other answer is counted as a failed attempt of kind
    ``"duplicate"`` with its tokens, so that usage still adds up. Merging the same source again changes nothing.

    Raises
    ------
    RunError
        If a source was run under other settings. Nothing of that source is copied then.
    """
    taken = duplicates = 0
    for path in sources:
        with Store(path, create=False) as source:
            if source.path.resolve() == target.path.resolve():
                raise RunError(
                    f"a store must be merged with others, not with itself; {source.path} is the target"
                )
            merged = _merge_one(target, source)
        taken += merged.taken
        duplicates += merged.duplicates
    return Merged(taken, duplicates)


def _merge_one(target: Store, source: Store) -> Merged:
    source.check_rows()
    source.bring_up_to_date()
    for step in source.steps():
        target.begin(step, source.settings(step))
    with target.attached(source.path, "source") as base:
        base.execute("INSERT INTO texts SELECT * FROM source.texts WHERE true ON CONFLICT DO NOTHING")
        twice = base.execute(
            "INSERT INTO failures "
            "SELECT s.step, s.persona, s.item, s.replicate, 'duplicate', 'answered in two shards', s.prompt_tokens, "
            "s.completion_tokens, s.reasoning_tokens, s.cached_tokens, s.cost, s.time, NULL "
            f"FROM source.calls s JOIN calls t ON {_SAME} WHERE s.reply IS NOT NULL "
            f"AND t.state NOT IN ({OPEN_IN_SQL}) AND (t.time != s.time OR t.digest != s.digest) "
            f"AND NOT EXISTS (SELECT 1 FROM source.earlier e WHERE {_EARLIER_OF_S} AND e.time = t.time) "
            f"AND NOT EXISTS (SELECT 1 FROM main.earlier e WHERE {_EARLIER_OF_S} AND e.time = s.time) "
            f"AND NOT EXISTS (SELECT 1 FROM failures t WHERE {_SAME} AND t.kind = 'duplicate' AND t.time = s.time)"
        )
        duplicates = twice.rowcount
        base.execute(
            "INSERT INTO failures SELECT s.* FROM source.failures s WHERE NOT EXISTS "
            f"(SELECT 1 FROM failures t WHERE {_SAME} AND t.kind = s.kind AND t.time = s.time)"
        )
        base.execute(  # so that late replies to files of the part are known; nobody waits for them here
            "INSERT INTO batches SELECT custom_id, step, persona, item, replicate, digest, prompt, batch, "
            "coalesce(outcome, 'given up') FROM source.batches WHERE true ON CONFLICT DO NOTHING"
        )
        base.execute(  # what is noted of people, so that the whole can grow
            "INSERT INTO meta SELECT name, value FROM source.meta WHERE name LIKE '% of answer' "
            "ON CONFLICT DO NOTHING"
        )
        before = _answers(base)
        base.execute(
            f"INSERT INTO calls ({_FIELDS}) SELECT {_FIELDS} FROM source.calls WHERE true "
            f"ON CONFLICT (step, persona, item, replicate) DO UPDATE SET {_UPDATED} "
            f"WHERE (calls.state IN ({OPEN_IN_SQL}) AND excluded.state NOT IN ({OPEN_IN_SQL})) "
            "OR EXISTS (SELECT 1 FROM source.earlier e WHERE e.step = calls.step AND e.persona = calls.persona "
            "AND e.item = calls.item AND e.replicate = calls.replicate AND e.time = calls.time)"
        )
        base.execute(
            f"INSERT INTO earlier ({_FIELDS}, replaced) SELECT {_FIELDS}, replaced FROM source.earlier s "
            f"WHERE NOT EXISTS (SELECT 1 FROM main.earlier e WHERE {_EARLIER_OF_S} AND e.time = s.time)"
        )
        return Merged(_answers(base) - before, duplicates)


def _answers(base: sqlite3.Connection) -> int:
    return int(base.execute("SELECT count(*) FROM calls WHERE reply IS NOT NULL").fetchone()[0])

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
# Numbers of sessions are left out: each file counts its own.
_OF_FAILURES = (
    "step, persona, item, replicate, kind, message, prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, "
    "cost, time"
)
_UPDATED = ", ".join(f"{name} = excluded.{name}" for name in _FIELDS.split(", ")[4:])


_PARTS = "parts merged"  # name of the note that keeps which shards a merged run holds


@dataclass(frozen=True)
class MergedPart:
    """What became of one source of a merge.

    Parameters
    ----------
    path : Path
        The source.
    shards : frozenset of str
        Parts of the run that it did, such as ``"2/4"``; empty if it was not sharded.
    answers : int
        Number of its cells with a reply.
    taken : int
        Number of answers that were copied from it.
    duplicates : int
        Number of cells that were answered in another store as well, whose answer is kept.
    there : int
        Number of its answers that the target held already.
    """

    path: Path
    shards: frozenset[str]
    answers: int
    taken: int
    duplicates: int
    there: int

    @property
    def given_twice(self) -> bool:
        """Whether the target held all of it already: it was named twice, or merged before."""
        return 0 < self.answers == self.there


@dataclass(frozen=True)
class Merged:
    """Outcome of a merge: its parts in their order, and the shards that no part has done so far."""

    parts: tuple[MergedPart, ...]
    missing_shards: tuple[str, ...]

    @property
    def taken(self) -> int:
        """Number of answers that were copied."""
        return sum(part.taken for part in self.parts)

    @property
    def duplicates(self) -> int:
        """Number of cells answered in both stores, for which the target's answer is kept."""
        return sum(part.duplicates for part in self.parts)


def merge_stores(target: Store, sources: Sequence[Path]) -> Merged:
    """Copy into ``target`` everything that the stores at ``sources`` hold.

    A cell answered in both keeps the target's answer. The other answer is counted as a failed attempt of kind
    ``"duplicate"`` with its tokens, so that usage still adds up. Merging the same source again changes nothing.

    Raises
    ------
    RunError
        If a source was run under other settings. Nothing of that source is copied then.
    """
    parts = []
    for path in sources:
        with Store(path, create=False) as source:
            if source.path.resolve() == target.path.resolve():
                raise RunError(
                    f"a store must be merged with others, not with itself; {source.path} is the target"
                )
            parts.append(_merge_one(target, source))
    return Merged(tuple(parts), _missing_shards(target, parts))


def _missing_shards(target: Store, parts: Sequence[MergedPart]) -> tuple[str, ...]:
    """Name the shards that neither these parts nor those merged earlier have done."""
    done = {name for part in parts for name in part.shards} | set(target.notes(_PARTS).get(_PARTS, ()))
    if done:
        target.note(_PARTS, sorted(done))
    counts = {name.partition("/")[2] for name in done}
    if len(counts) != 1 or not all(part.shards for part in parts):
        return ()
    number = int(counts.pop())
    return tuple(name for k in range(1, number + 1) if (name := f"{k}/{number}") not in done)


def _merge_one(target: Store, source: Store) -> MergedPart:
    source.check_rows()
    source.bring_up_to_date()
    for step in source.steps():
        target.begin(step, source.settings(step))
    with target.attached(source.path, "source") as base:
        base.execute("INSERT INTO texts SELECT * FROM source.texts WHERE true ON CONFLICT DO NOTHING")
        there = base.execute(
            f"SELECT count(*) FROM source.calls s JOIN calls t ON {_SAME} WHERE s.reply IS NOT NULL "
            "AND t.reply IS NOT NULL AND t.time = s.time AND t.digest = s.digest"
        ).fetchone()[0]
        twice = base.execute(
            f"INSERT INTO failures ({_OF_FAILURES}) "
            "SELECT s.step, s.persona, s.item, s.replicate, 'duplicate', 'answered in two shards', s.prompt_tokens, "
            "s.completion_tokens, s.reasoning_tokens, s.cached_tokens, s.cost, s.time "
            f"FROM source.calls s JOIN calls t ON {_SAME} WHERE s.reply IS NOT NULL "
            f"AND t.state NOT IN ({OPEN_IN_SQL}) AND (t.time != s.time OR t.digest != s.digest) "
            f"AND NOT EXISTS (SELECT 1 FROM source.earlier e WHERE {_EARLIER_OF_S} AND e.time = t.time) "
            f"AND NOT EXISTS (SELECT 1 FROM main.earlier e WHERE {_EARLIER_OF_S} AND e.time = s.time) "
            f"AND NOT EXISTS (SELECT 1 FROM failures t WHERE {_SAME} AND t.kind = 'duplicate' AND t.time = s.time)"
        )
        duplicates = twice.rowcount
        base.execute(
            f"INSERT INTO failures ({_OF_FAILURES}) SELECT {_OF_FAILURES} FROM source.failures s WHERE NOT EXISTS "
            f"(SELECT 1 FROM failures t WHERE {_SAME} AND t.kind = s.kind AND t.time = s.time)"
        )
        base.execute(  # so that late replies to files of the part are known; nobody waits for them here
            "INSERT INTO batches SELECT custom_id, step, persona, item, replicate, digest, prompt, batch, "
            "coalesce(outcome, 'given up'), round FROM source.batches WHERE true ON CONFLICT DO NOTHING"
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
        taken, answers = _answers(base) - before, _answers(base, "source.calls")
        return MergedPart(source.path, source.shards(), answers, taken, duplicates, there)


def _answers(base: sqlite3.Connection, table: str = "calls") -> int:
    return int(base.execute(f"SELECT count(*) FROM {table} WHERE reply IS NOT NULL").fetchone()[0])

"""Find out what of a damaged stored run can be saved, and save it in a new one."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from truetwin.errors import RunError
from truetwin.llm.messages import Cell
from truetwin.llm.store.batched_run import Outcome
from truetwin.llm.store.run_file import SETTINGS_SEAL, RunFile
from truetwin.llm.store.run_store import Store
from truetwin.llm.store.sqlite_pages import Pages, Value
from truetwin.llm.store.store_tables import ADDED, column_order
from truetwin.llm.store.stored_call import (
    COLUMNS,
    OPEN_STATES,
    Failure,
    check_seal,
    failure_row,
    settings_seal,
    text_id,
)

Key = tuple[str, str, str, int]
_REALS = ("cost", "latency", "time")  # whole numbers in these are stored as integers
_NUMBER = (int, float)
_FAILURE: tuple[Any, ...] = (
    str,
    str,
    str,
    int,
    str,
    str,
    int,
    int,
    int,
    int,
    (*_NUMBER, type(None)),
    _NUMBER,
    (int, type(None)),
)
_LOST = "its reply was on a damaged page; it was paid"


@dataclass(frozen=True)
class Salvage:
    """What a file holds of a run that can be read, and what it says of the rest.

    Parameters
    ----------
    fault : str or None
        The first fault that reading the file as a run meets; None if the file is whole.
    settings : dict of str to str
        Settings of each step, as JSON.
    texts : dict of str to str
        Texts of prompts by their hashes.
    calls : dict
        Rows of calls, in the order of the table's columns, by step, persona, item and replicate.
    failures : list of tuple
        Rows of failed attempts.
    earlier : list of tuple
        Rows of replies that were asked again.
    handed_over : list of tuple
        Rows of requests in files, whose replies may still come.
    lost : frozenset
        Cells that the index names and whose rows cannot be read.
    unreadable : int
        Rows that cannot be read and do not say what they were.
    """

    fault: str | None
    settings: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    calls: dict[Key, tuple[Value, ...]] = field(default_factory=dict)
    failures: list[tuple[Value, ...]] = field(default_factory=list)
    earlier: list[tuple[Value, ...]] = field(default_factory=list)
    handed_over: list[tuple[Value, ...]] = field(default_factory=list)
    lost: frozenset[Key] = frozenset()
    unreadable: int = 0

    @property
    def replies(self) -> int:
        """Number of cells whose raw reply can be read."""
        place = column_order("calls").index("reply")
        return sum(row[place] is not None for row in self.calls.values())

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known to be lost."""
        return bool(self.calls) and not (self.lost or self.unreadable or self.prompts_lost)

    @cached_property
    def prompts_lost(self) -> int:
        """Number of calls whose prompt lacks texts that cannot be read."""
        place = column_order("calls").index("prompt")
        return sum(not _texts_of(row[place]) <= self.texts.keys() for row in self.calls.values())


def look_for_damage(path: Path, n_calls: int = 0) -> str | None:
    """Read a whole stored run, and change nothing. Returns the first fault, or None if there is none.

    ``n_calls`` is the number of calls that stand on its pages. If SQLite finds fewer, it stopped at damage in the log.
    """
    try:
        with RunFile(path, untouched=True) as run:
            for step in run.steps():
                run.settings(step)
            run.check_rows()
            run.check_texts()
            if (unseen := n_calls - sum(run.counts().values())) > 0:
                return f"the log beside {path} is damaged; {unseen:,} calls stand in it behind the damage"
    except (RunError, OSError) as error:
        return str(error).partition(". `truetwin runs check")[0]
    return None


def salvage(path: Path) -> Salvage:
    """Read everything of a run that its file still holds, page by page.

    Raises
    ------
    RunError
        If nothing of a run is in the file.
    """
    found = Salvage(None)
    sealed: dict[str, str] = {}
    candidates: list[tuple[str, str]] = []
    named: set[Key] = set()
    unreadable = 0
    with Pages(path) as pages:
        for row in pages.rows():
            if row is None:
                unreadable += 1
            elif row.in_table:
                unreadable += not _take(row.values, found)
            else:
                _take_index(row.values, named, candidates, sealed, found)
    for step, text in candidates:  # only the version whose hash was noted; earlier releases noted none
        if sealed.get(SETTINGS_SEAL + step) in (None, settings_seal(json.loads(text))):
            found.settings[step] = text
    found = replace(
        found,
        fault=look_for_damage(path, len(found.calls)),
        lost=frozenset(named - found.calls.keys()),
        unreadable=unreadable,
    )
    if not (found.calls or found.settings or named):
        raise RunError(f"nothing of a stored run is found in {path}: {found.fault}")
    return found if found.fault is not None else replace(found, fault=_partly_readable(found))


def _partly_readable(found: Salvage) -> str | None:
    """Say that rows have damage in columns that no figure needs; None if they have none."""
    if found.lost:
        return f"{len(found.lost):,} rows of calls cannot be read in full"
    return f"the prompts of {found.prompts_lost:,} calls cannot be read" if found.prompts_lost else None


def _take(values: tuple[Value, ...], found: Salvage) -> bool:
    """Keep a row of a table. Returns whether it can be used, or is none of those that are kept."""
    if len(values) == 2 and isinstance(values[0], str) and isinstance(values[1], str):
        if text_id(values[1]) != values[0]:
            return False
        found.texts[values[0]] = values[1]
    elif len(values) == len(column_order("failures")):
        if not all(isinstance(value, kind) for value, kind in zip(values, _FAILURE, strict=True)):
            return False
        found.failures.append(values)
    elif len(values) == len(column_order("earlier")):
        row = _sealed(values, "earlier")
        if row is None:
            return False
        found.earlier.append(tuple(row.values()))
    elif len(values) >= len(column_order("calls")) - sum(table == "calls" for table, *_ in ADDED):
        return _take_call(values, found)
    return True


def _take_call(values: tuple[Value, ...], found: Salvage) -> bool:
    row = _sealed(values, "calls")
    if row is None:
        return False
    cell = (str(row["step"]), str(row["persona"]), str(row["item"]), int(str(row["replicate"])))
    before = found.calls.get(cell)
    state = column_order("calls").index("state")
    if before is None or (before[state] in OPEN_STATES and row["state"] not in OPEN_STATES):
        found.calls[cell] = tuple(row.values())
    return True


def _sealed(values: tuple[Value, ...], table: str) -> dict[str, Value] | None:
    """Name the values of a row of calls or earlier replies; None if its checksum does not fit."""
    names = column_order(table)
    row = dict(zip(names, (*values, *[None] * len(names)), strict=False))
    for name in _REALS:
        value = row[name]
        row[name] = float(value) if isinstance(value, int) else value
    try:
        check_seal([row[name] for name in COLUMNS.split(", ")])
    except (ValueError, TypeError):
        return None
    return row


def _take_index(
    values: tuple[Value, ...],
    named: set[Key],
    candidates: list[tuple[str, str]],
    sealed: dict[str, str],
    found: Salvage,
) -> None:
    """Keep a step's settings, its hash, a cell that the index of calls names, or a request that was handed over."""
    match values:
        case (str(), str(), str(), str(), int(), str(), str(), str(), *rest):
            outcome, round_ = (*rest, None, None)[:2]
            ended = outcome if outcome in set(Outcome) else Outcome.GIVEN_UP.value
            found.handed_over.append((*values[:8], ended, round_))
        case (str(step), str(persona), str(item), int(replicate), int()):
            named.add((step, persona, item, replicate))
        case (str(name), str(text)):
            try:
                content = json.loads(text)
            except ValueError:
                return
            if name.startswith(SETTINGS_SEAL):
                sealed[name] = content
            elif isinstance(content, dict) and "task" in content and "model" in content:
                candidates.append((name, text))


def save(found: Salvage, path: Path) -> None:
    """Write what was found into a new stored run. Lost calls are noted as failed attempts of kind ``"lost"``."""
    with Store(path) as store, store.writing() as base:
        for step, text in sorted(found.settings.items()):
            store.write_settings(step, text)
        base.executemany("INSERT INTO texts VALUES (?, ?)", found.texts.items())
        _insert(base, "calls", list(found.calls.values()))
        _insert(base, "failures", found.failures)
        _insert(base, "earlier", found.earlier)
        _insert(base, "batches", found.handed_over)
        lost = [
            failure_row(Failure(Cell(persona, item, step, replicate), "lost", _LOST), 0)
            for step, persona, item, replicate in sorted(found.lost)
        ]
        _insert(base, "failures", lost)
        about = {"lost": len(found.lost), "time": time.time(), "fault": found.fault}
        base.execute("INSERT INTO meta VALUES ('recovered', ?)", (json.dumps(about),))


def _insert(base: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows without their sessions, which are those of the old file."""
    columns = column_order(table)
    kept = [k for k, name in enumerate(columns) if name != "session"]
    names, marks = ", ".join(columns[k] for k in kept), ", ".join("?" * len(kept))
    base.executemany(
        f"INSERT INTO {table} ({names}) VALUES ({marks})", ([row[k] for k in kept] for row in rows)
    )


def _texts_of(prompt: Value) -> set[str]:
    """Name the texts that a stored prompt refers to."""
    try:
        found = json.loads(str(prompt))
        named = {name for _, parts in found["messages"] for name in parts}
        return named | {found[part] for part in ("sampling", "schema", "prediction") if part in found}
    except (ValueError, TypeError, LookupError):
        return {"unreadable"}

"""Choose, before anything is validated, which columns of two tables are items, and say why others are none."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from truetwin.data.answer_cells import Cells, read_cells
from truetwin.data.item import Item

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows that a column is judged by.
_SAMPLE = 2000
#: Most different words that may be labels.
FEW_WORDS = 12
_DATE = re.compile(
    r"(?:date )?[-+]?\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[ T]\d{1,2}:\d{2}.*)?|date [-+\d.e]+|\d{1,2}:\d{2}(:\d{2})?"
)
_SEVERAL = re.compile(r"[-+]?\d+(?:\s*[,;|]\s*[-+]?\d+)+")
UNASKED = "no twin has been asked"


@dataclass(frozen=True)
class LeftOut:
    """Columns of one table that are no items, with the reason for each."""

    source: str
    reasons: Mapping[str, str]

    def describe(self) -> str:
        """List the columns in one line, by reason."""
        by_reason: dict[str, list[str]] = {}
        for name, reason in self.reasons.items():
            by_reason.setdefault(reason, []).append(name)
        parts = []
        if UNASKED in by_reason:
            parts.append(f"what no twin has been asked: {_some(by_reason.pop(UNASKED))}")
        parts += [f"{reason}: {_some(names)}" for reason, names in by_reason.items()]
        return f"{self.source}: left out {'; '.join(parts)}"


def why_no_item(column: pa.ChunkedArray, item: Item) -> str | None:
    """Say why a column cannot be an item: most of its cells are no answers. None if it can be one."""
    cells = _sampled(column, item)
    if isinstance(cells, str):
        return cells
    return _what(cells) if _mostly_unread(cells) else None


def choose_columns(
    human: Mapping[str, tuple[pa.ChunkedArray, Item]],
    twin: Mapping[str, tuple[pa.ChunkedArray, Item]],
    named: Collection[str] = (),
) -> tuple[dict[str, str], dict[str, str]]:
    """Choose the columns of a human and a twin table that are items.

    Items are the columns that both tables have and those that only twins have, if most of their cells can be read as
    answers, and every column that is named. A column whose cells are words in one table and numbers in the other stays
    an item, so that reading it says which labels are missing.

    Parameters
    ----------
    human, twin : mapping from name to column and item
        The columns of each table, with what is declared about them.
    named : collection of str
        Items that the user has declared or asked for.

    Returns
    -------
    tuple of two dict
        Columns of each table that are no items, with the reason.
    """
    ours: dict[str, str] = {}
    theirs: dict[str, str] = {}
    in_words: list[str] = []
    for name, (column, item) in human.items():
        if name not in twin:
            ours[name] = _why(column, item) or UNASKED
    for name, (column, item) in twin.items():
        if name in named:
            continue
        cells = _sampled(column, item)
        if name not in human:
            reason = cells if isinstance(cells, str) else _what(cells) if _mostly_unread(cells) else None
            if reason:
                theirs[name] = reason
            continue
        both = [_sampled(*human[name]), cells]
        unread = [isinstance(each, str) or _mostly_unread(each) for each in both]
        words = [not isinstance(each, str) and 0 < len(each.unread) <= FEW_WORDS for each in both]
        if all(unread) or any(u and not w for u, w in zip(unread, words, strict=True)):
            first = both[unread.index(True)]
            ours[name] = theirs[name] = first if isinstance(first, str) else _what(first)
            if all(words):
                in_words.append(name)
    if in_words and not any(name in human and name not in theirs for name in twin):
        # Nothing else is shared: reading these columns says which labels have to be declared.
        for name in in_words:
            del ours[name], theirs[name]
    return ours, theirs


def choose_columns_of_several(
    human: Mapping[str, tuple[pa.ChunkedArray, Item]],
    twins: Sequence[Mapping[str, tuple[pa.ChunkedArray, Item]]],
    named: Collection[str] = (),
) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Choose the columns of a human table and of several tables of twins that are items (:func:`choose_columns`).

    A column of the human table is left out if it is no item beside any of the sources that have it.
    """
    chosen = [choose_columns(human, twin, named) for twin in twins]
    ours: dict[str, str] = {}
    for name in human:
        asked = [ours for (ours, _), twin in zip(chosen, twins, strict=True) if name in twin]
        reasons = [each.get(name) for each in asked or [chosen[0][0]]]
        if all(reasons):
            ours[name] = str(reasons[0])
    return ours, [theirs for _, theirs in chosen]


def columns_without_answers(
    human: Any,
    twins: Sequence[Any],
    id_column: str | None,
    items: Mapping[str, Item],
    people_columns: Collection[str],
) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Find the columns of data frames whose cells are no answers, with the reason; none in long tables.

    A column that only the human table has may stay: it is an item that twins were not asked.
    """
    from truetwin.data.frames import LONG_COLUMNS, as_arrow, id_column_of
    from truetwin.data.long_frames import is_distribution

    sides = []
    for frame in (human, *twins):
        table = as_arrow(frame, id_column)
        if set(LONG_COLUMNS) <= set(table.column_names) or is_distribution(table.column_names):
            return {}, [{} for _ in twins]
        ids = id_column_of(table, id_column, "the table")
        none = {ids, *people_columns}
        names = enumerate(table.column_names)
        sides.append({n: (table.column(k), items.get(n) or Item(n)) for k, n in names if n not in none})
    ours, theirs = choose_columns_of_several(sides[0], sides[1:], set(items))
    found = {name: why for name, why in ours.items() if why != UNASKED}
    return (found if len(found) < len(sides[0]) else {}), [
        each if len(each) < len(side) else {} for each, side in zip(theirs, sides[1:], strict=True)
    ]


def _why(column: pa.ChunkedArray, item: Item) -> str | None:
    reason = why_no_item(column, item)
    return None if reason is None or reason == "no answers" else reason


def _sampled(column: pa.ChunkedArray, item: Item) -> Cells | str:
    """Read up to 2000 cells, spread over the column; or say what the column holds that is neither text nor number."""
    rows = np.unique(np.linspace(0, max(len(column) - 1, 0), _SAMPLE).astype(int))
    try:
        return read_cells(column.take(rows) if len(column) > _SAMPLE else column, item)
    except TypeError as error:
        kind = str(error)
        return "dates" if any(word in kind for word in ("date", "time", "duration")) else kind


def _mostly_unread(cells: Cells) -> bool:
    read = int(np.isfinite(cells.values).sum()) + cells.n_in_words
    return cells.n_unread > read


def _what(cells: Cells) -> str:
    texts = list(cells.unread)
    if _most(_DATE, texts):
        return "dates"
    if _most(_SEVERAL, texts):
        return "several answers in a cell (--split-multiple makes 0/1 items of them)"
    return "texts"


def _most(pattern: re.Pattern[str], texts: Sequence[str]) -> bool:
    return sum(bool(pattern.fullmatch(text)) for text in texts) > len(texts) / 2


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")

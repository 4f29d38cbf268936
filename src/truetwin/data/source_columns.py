"""Split a table of twin answers by its columns that tell sources and replicates apart.

A long table may have a column ``source`` (or ``model``), and one that numbers several answers of one source to the same
question, such as ``replicate``. A wide table with several rows a person is split alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from truetwin.data.answer_cells import plain_column
from truetwin.data.frames import LONG_COLUMNS, as_arrow, id_column_of
from truetwin.data.item import Item
from truetwin.data.long_frames import (
    DISTRIBUTION_COLUMNS,
    REPLICATE_COLUMNS,
    SOURCE_COLUMNS,
    is_distribution,
)
from truetwin.data.twin_sources import LONE
from truetwin.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

#: Labels of replicates count only if they stand, on average, at more than this part of the questions; ``seed`` may
#: differ in every row.
LEAST_PART = 0.5

Labels = NDArray[np.object_]
S = TypeVar("S")


def split_sources(
    table: pa.Table,
    name: str,
    *,
    id_column: str | None = None,
    declared: Mapping[str, Item] | None = None,
    asked: Collection[str] = (),
    source: str = "the table",
) -> dict[str, pa.Table]:
    """Split a table into one table for each source.

    Parameters
    ----------
    table : pyarrow.Table
        Answers of twins, wide or long.
    name : str
        Name of the table's source; empty if it has none. Sources in the table are named by its column ``source``, and
        replicates ``name/1``, ``name/2``.
    id_column : str, optional
        Column of respondent ids of a wide table.
    declared : mapping from item id to Item, optional
        Columns that are items, whatever their names.
    asked : collection of str
        Columns of the human table; they are items, too.
    source : str
        What to call the table in messages.

    Returns
    -------
    dict of str to pyarrow.Table
        One entry under ``name`` if the table holds one source. Columns that tell sources apart are left out.

    Examples
    --------
    >>> import pyarrow as pa
    >>> columns = {"respondent_id": ["a", "a", "a"], "item_id": ["Q1"] * 3, "value": [1, 2, 3]}
    >>> table = pa.table({**columns, "source": ["gpt", "gpt", "gemini"], "replicate": [0, 1, 0]})
    >>> {name: part["value"].to_pylist() for name, part in split_sources(table, "").items()}
    {'gpt/0': [1], 'gpt/1': [2], 'gemini': [3]}
    """
    names, items = table.column_names, {*(declared or ()), *asked}
    cell = _cell_columns(names)
    if cell:
        items = set(cell)
    else:
        cell = [id_column_of(table, id_column, source)]
        if not _repeats(table, cell):
            return {name: table}
    naming, numbering = (
        [n for n in names if n.casefold() in among and n not in items]
        for among in (SOURCE_COLUMNS, REPLICATE_COLUMNS)
    )
    parts: dict[str, pa.Table] = {}
    by_label = _rows_by_label(_labels(table, naming)) if naming else {"": np.arange(table.num_rows)}
    if len(by_label) > 1 and "" in by_label:
        raise DataError(
            f"{source}: column {naming[0]!r} must name the source of every row; it is empty in row "
            f"{by_label[''][0] + 1}"
        )
    for label, rows in by_label.items():
        part = table.take(rows).drop_columns(naming) if naming else table
        named = _joined(name, label, alone=len(by_label) == 1)
        parts |= _replicates(part, named, numbering, cell, source)
    return parts


def source_frames(
    human: Any,
    twin: Any,
    id_column: str | None,
    items: Mapping[str, Item],
    people_columns: Collection[str] = (),
) -> dict[str, Any]:
    """Return one data frame for each source of twin answers, by name.

    Parameters
    ----------
    human : data frame
        Answers of people; their columns are items.
    twin : data frame or mapping from name to data frame
        Tables of twin answers, each of which may hold several sources.
    id_column, items
        As for :func:`split_sources`.
    people_columns : collection of str
        Columns of the human table that are no items.
    """
    given = dict(twin) if isinstance(twin, Mapping) else {"": twin}
    asked = {*as_arrow(human, id_column).column_names} - set(people_columns)
    found: dict[str, Any] = {}
    for name, frame in given.items():
        table = as_arrow(frame, id_column)
        what = f"the source {name!r}" if name else "the twin table"
        parts = split_sources(table, str(name), id_column=id_column, declared=items, asked=asked, source=what)
        add_sources(found, {k: frame if part is table else part for k, part in parts.items()})
    return found


def add_sources(found: dict[str, S], further: Mapping[str, S]) -> None:
    """Add sources to others. A source without a name is called "twin".

    Raises
    ------
    DataError
        If two sources have one name.
    """
    for name, source in further.items():
        named = name or LONE
        if named in found:
            raise DataError(
                f"every source must have a name of its own; two are called {named!r}. Rename one."
            )
        found[named] = source


def _replicates(
    table: pa.Table, name: str, numbering: Sequence[str], cell: Sequence[str], source: str
) -> dict[str, pa.Table]:
    """Split the answers of one source into its replicates, if it has any."""
    if not numbering or not _repeats(table, cell):
        return {name: table}
    labels = _labels(table, numbering)
    found, n_cells = np.unique(labels.astype(str)), len(set(_keys(table, cell)))
    if table.num_rows / found.size <= LEAST_PART * n_cells:
        labels = (_occurrences(table, cell) + 1).astype(object)
        found = np.unique(labels.astype(str))
    if not all(label.isdigit() for label in found):
        number = {label: str(k + 1) for k, label in enumerate(dict.fromkeys(labels.astype(str).tolist()))}
        labels = np.array([number[str(label)] for label in labels], dtype=object)
    parts = {
        f"{name or LONE}/{label}": table.take(rows).drop_columns(list(numbering))
        for label, rows in sorted(_rows_by_label(labels).items(), key=lambda each: int(each[0]))
    }
    for label, part in parts.items():
        _refuse_repeats(part, cell, label, source)
    return parts


def _cell_columns(names: Sequence[str]) -> list[str]:
    """Return the columns that tell to what question of whom a row of a long table answers; none of a wide table."""
    if is_distribution(names):
        return list(DISTRIBUTION_COLUMNS[:3])
    return list(LONG_COLUMNS[:2]) if set(LONG_COLUMNS) <= set(names) else []


def _labels(table: pa.Table, columns: Sequence[str]) -> Labels:
    """Join the texts of some columns, row by row."""
    import pyarrow as pa

    found = [plain_column(table.column(n)).cast(pa.string()).to_pylist() for n in columns]
    texts = ["-".join("" if t is None else _number(t) for t in row) for row in zip(*found, strict=True)]
    return np.array(texts, dtype=object)


def _number(text: str) -> str:
    """Write a whole number without decimals, as a column with gaps would have them."""
    text = text.strip()
    return text.removesuffix(".0") if text.removesuffix(".0").isdigit() else text


def _rows_by_label(labels: Labels) -> dict[str, NDArray[np.intp]]:
    rows: dict[str, list[int]] = {}
    for k, label in enumerate(labels.tolist()):
        rows.setdefault(str(label), []).append(k)
    return {label: np.array(places, dtype=np.intp) for label, places in rows.items()}


def _joined(name: str, label: str, *, alone: bool) -> str:
    if not name or not label:
        return name or label
    return name if alone else f"{name}-{label}"


def _occurrences(table: pa.Table, cell: Sequence[str]) -> NDArray[np.intp]:
    """Count, for each row, the earlier rows about the same cell."""
    seen: dict[str, int] = {}
    found = np.zeros(table.num_rows, dtype=np.intp)
    for k, key in enumerate(_keys(table, cell)):
        found[k] = seen.get(key, 0)
        seen[key] = int(found[k]) + 1
    return found


def _repeats(table: pa.Table, cell: Sequence[str]) -> bool:
    keys = _keys(table, cell)
    return len(set(keys)) < len(keys)


def _keys(table: pa.Table, cell: Sequence[str]) -> list[str]:
    import pyarrow as pa

    columns = [plain_column(table.column(n)).cast(pa.string()).to_pylist() for n in cell]
    return ["\x1f".join(map(str, row)) for row in zip(*columns, strict=True)]


def _refuse_repeats(table: pa.Table, cell: Sequence[str], name: str, source: str) -> None:
    keys = _keys(table, cell)
    if len(set(keys)) == len(keys):
        return
    seen: set[str] = set()
    key = next(k for k in keys if k in seen or seen.add(k))  # type: ignore[func-returns-value]
    respondent, *item = key.split("\x1f")
    what = f" answers {item[0]!r}" if item else " has a row"
    raise DataError(
        f"{source}: respondent {respondent!r}{what} several times in the source {name!r}. Number its answers in a "
        "column 'replicate', or name its sources in a column 'source'."
    )

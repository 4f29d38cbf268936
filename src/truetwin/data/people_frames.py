"""Read people tables from data frames: tables of their own, or some columns of the human table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.answer_cells import MISSING_MARKS
from truetwin.data.frames import LONG_COLUMNS, as_arrow, id_column_of, ids_of
from truetwin.data.item import Item
from truetwin.data.people import People, no_such_column, shown
from truetwin.data.responses import check_unique
from truetwin.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

#: Largest whole number that a float holds exactly. Longer codes stay texts.
EXACT = 2**53


def people_from_frame(
    frame: Any,
    *,
    id_column: str | None = None,
    columns: Sequence[str] | None = None,
    items: Mapping[str, Item] | None = None,
    source: str = "the people table",
) -> People:
    """Read what is known of people from a pandas, polars or pyarrow table.

    Parameters
    ----------
    frame : data frame
        One row a person, with a column of ids. Numbers stay numbers and texts stay texts; empty cells and the
        usual marks for missing values (``NA``, ``NaN``, ``.`` ...) are missing.
    id_column : str, optional
        Column of respondent ids; by default ``respondent_id``, or a pandas index that carries ids, or else the
        first column.
    columns : sequence of str, optional
        Read only these columns, of a table that also holds answers. A long table of answers has several rows a
        person; the column must have one value for each.
    items : mapping from item id to Item, optional
        Declarations; their labels name groups, and their off-scale codes are missing.
    source : str
        What to call the table in messages.

    Raises
    ------
    DataError
        If a person occurs twice, a column's name occurs twice, or a column holds neither texts nor numbers.
    """
    table = as_arrow(frame, id_column, "people columns must be texts or numbers")
    names = table.column_names
    id_column = id_column_of(table, id_column, source)
    wanted = [name for name in names if name != id_column] if columns is None else list(columns)
    for name in wanted:
        if name not in names:
            raise no_such_column(name, [n for n in names if n != id_column], source)
        if name == id_column:
            raise DataError(f"{source}: column {name!r} holds the ids; it cannot be a people column too")
    check_unique([name for name in names if name in set(wanted)], "column", source)
    ids = ids_of(table.column(id_column), id_column, source)
    if not ids:
        raise DataError(f"{source} must have at least one person; it has no rows")
    read = {name: _column(table.column(name), name, source) for name in wanted}
    if columns is not None and set(LONG_COLUMNS) <= set(names):
        ids, read = _one_row_each(ids, read, source)
    labels = {}
    for name in wanted:
        scale = items[name].scale if items and name in items else None
        if scale is not None:
            read[name] = _without_codes(read[name], scale.off_scale)
            labels[name] = scale.labels
    return People(ids, read, source, labels)


def _column(column: pa.ChunkedArray, name: str, source: str) -> NDArray[Any]:
    """Convert a column to numbers or texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    if pa.types.is_integer(kind):
        found = [value for value in column.to_pylist() if value is not None]
        if not found or max(map(abs, found)) <= EXACT:
            return np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    try:
        column = column.cast(pa.large_string())
    except pa.ArrowException as error:
        raise DataError(
            f"{source}: people columns must be texts or numbers; column {name!r} holds {kind}"
        ) from error
    trimmed = pc.utf8_trim_whitespace(column)
    missing = set(MISSING_MARKS)
    texts = np.empty(len(column), dtype=object)
    texts[:] = [None if text is None or text in missing else text for text in trimmed.to_pylist()]
    return texts


def _without_codes(values: NDArray[Any], codes: Mapping[float, str]) -> NDArray[Any]:
    """Make the cells that hold an off-scale code, or its label, missing."""
    if values.dtype != object:
        return np.where(np.isin(values, list(codes)), np.nan, values)
    off = {*codes.values(), *(f"{code:.15g}" for code in codes)}
    kept = values.copy()
    kept[[cell in off for cell in values]] = None
    return kept


def _one_row_each(
    ids: Sequence[str], columns: Mapping[str, NDArray[Any]], source: str
) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Keep one row for each person of a long table. The rows of a person must agree."""
    first: dict[str, int] = {}
    rows = np.array([first.setdefault(i, k) for k, i in enumerate(ids)])
    for name, values in columns.items():
        differ = values != values[rows]
        if values.dtype != object:
            differ &= ~(np.isnan(values) & np.isnan(values[rows]))
        if differ.any():
            k = int(np.argmax(differ))
            raise DataError(
                f"{source}: a person must have one value of {name!r}; respondent {ids[k]!r} has "
                f"{shown(values[rows[k]])} and {shown(values[k])}"
            )
    kept = list(first.values())
    return list(first), {name: values[kept] for name, values in columns.items()}

"""Read arms from data frames: the texts of conditions, and the levels of people."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from truetwin.data.frames import as_arrow, id_column_of, ids_of
from truetwin.errors import DataError
from truetwin.registry import closest

#: Name of the only condition, where the arms file has no column of conditions.
ONLY_CONDITION = "condition"


def arms_from_frame(frame: Any, source: str = "the arms file") -> dict[str, dict[str, str]]:
    """Read the texts of arms: one row for each arm, with the columns ``condition``, ``arm`` and ``text``.

    Without a column ``condition`` there is one condition, named "condition". A text may be empty.

    Returns
    -------
    dict from condition to level to text

    Raises
    ------
    DataError
        If a column or a name is missing, or an arm occurs twice. The message names the row.

    Examples
    --------
    >>> import pyarrow as pa
    >>> arms_from_frame(pa.table({"arm": ["A", "B"], "text": ["Drink tea.", ""]}))
    {'condition': {'A': 'Drink tea.', 'B': ''}}
    """
    table = as_arrow(frame, needed="the columns of arms must be texts")
    for name in ("arm", "text"):
        if name not in table.column_names:
            raise DataError(
                f"{source} must have the columns arm and text, and condition if there are several; it lacks {name}."
                f"{closest(name, table.column_names)}"
            )
    columns = {
        name: _texts(table, name) for name in ("condition", "arm", "text") if name in table.column_names
    }
    found: dict[str, dict[str, str]] = {}
    for k in range(table.num_rows):
        row = {name: cells[k] for name, cells in columns.items()}
        if not any(cell.strip() for cell in row.values()):
            continue
        condition, arm = row.get("condition", ONLY_CONDITION).strip(), row["arm"].strip()
        if not (condition and arm):
            raise DataError(
                f"{source}: row {k + 1} must name its {'arm' if condition else 'condition'}; it is empty"
            )
        levels = found.setdefault(condition, {})
        if arm in levels:
            raise DataError(f"{source}: an arm must occur once; row {k + 1} repeats {condition} {arm!r}")
        levels[arm] = row["text"]
    if not found:
        raise DataError(f"{source} must have at least two arms; it has none")
    return found


def levels_from_frame(
    frame: Any,
    conditions: Collection[str],
    *,
    id_column: str | None = None,
    source: str = "the conditions table",
) -> dict[str, dict[str, str]]:
    """Read the level of each condition by person. A person may have several rows, one for each study.

    Parameters
    ----------
    frame : data frame
        A column of ids, and a column for each condition; empty where a person is in none of its arms.
    conditions : collection of str
        Columns to read.
    id_column : str, optional
        Column of ids; by default ``respondent_id`` or else the first column.
    source : str
        What to call the table in messages.

    Raises
    ------
    DataError
        If a column is missing, or a person is in two arms of one condition.
    """
    table = as_arrow(frame, id_column, "the levels of conditions must be texts")
    for name in conditions:
        if name not in table.column_names:
            raise DataError(
                f"{source} must have a column for each condition; it lacks {name!r}.{closest(name, table.column_names)}"
            )
    ids_name = id_column_of(table, id_column, source)
    ids = ids_of(table.column(ids_name), ids_name, source)
    found: dict[str, dict[str, str]] = {person: {} for person in ids}
    for name in conditions:
        for k, cell in enumerate(_texts(table, name)):
            level = cell.strip()
            if level and found[ids[k]].setdefault(name, level) != level:
                raise DataError(
                    f"{source}: a person must be in one arm; {ids[k]!r} has {name} {found[ids[k]][name]!r}, and "
                    f"{level!r} in row {k + 1}"
                )
    return found


def _texts(table: Any, name: str) -> list[str]:
    """Read the cells of a column as texts; whole numbers have no point, and missing cells are empty."""
    return [
        "" if cell is None or cell != cell else f"{cell:.15g}" if isinstance(cell, float) else str(cell)
        for cell in table.column(name).to_pylist()
    ]

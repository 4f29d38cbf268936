"""Tables whose rows are tasks of people: an id for each row, from which the person can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from truetwin.data.frames import id_column_of, ids_of
from truetwin.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

#: What stands between the person and the task in the id of a row.
BETWEEN = " / "


def with_task_ids(table: pa.Table, id_column: str | None, tasks: Sequence[str], source: str) -> pa.Table:
    """Replace the ids of people by ids of their tasks, ``person / task``; the columns of tasks are left out.

    A table without these columns is about people, and stays as it is.

    Parameters
    ----------
    table : pyarrow.Table
    id_column : str, optional
        Column of ids; by default ``respondent_id`` or else the first column.
    tasks : sequence of str
        Columns that tell the tasks of a person apart, such as ``task`` and ``profile``.
    source : str
        What to call the table in messages.

    Raises
    ------
    DataError
        If some of the columns are missing, or a cell of them is empty.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"id": ["a", "a"], "task": [1, 2], "chosen": [1, 0]})
    >>> with_task_ids(table, None, ["task"], "the table").column("id").to_pylist()
    ['a / 1', 'a / 2']
    """
    import pyarrow as pa

    names = table.column_names
    here = [name for name in tasks if name in names]
    if not here:
        return table
    if len(here) < len(tasks):
        lacking = next(name for name in tasks if name not in names)
        raise DataError(f"{source} must have all columns of tasks; it has {here[0]!r} and lacks {lacking!r}")
    who = id_column_of(table, id_column, source)
    parts = [ids_of(table.column(name), name, source) for name in (who, *tasks)]
    joined = pa.array([BETWEEN.join(row) for row in zip(*parts, strict=True)], pa.string())
    kept = [name for name in names if name not in tasks]
    return table.set_column(names.index(who), who, joined).select(kept)


def person_of(task: str) -> str:
    """Return the person of a task."""
    return task.split(BETWEEN, 1)[0]

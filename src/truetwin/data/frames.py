"""Convert data frames (pandas, polars, pyarrow) to response matrices, and back to the same kind of frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.data.answer_cells import Cells, digit_reading, read_cells
from truetwin.data.cell_problems import UnreadColumn, add_unread
from truetwin.data.item import Item
from truetwin.data.problems import Problems
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.responses import FrameKind, ResponseMatrix, check_answers, check_unique
from truetwin.data.undeclared_codes import with_missing_codes
from truetwin.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

LONG_COLUMNS = ("respondent_id", "item_id", "value")
WEIGHT = "weight"
Layout = Literal["wide", "long"]


def from_frame(
    frame: Any,
    *,
    id_column: str | None = None,
    items: Mapping[str, Item] | None = None,
    source: str = "the table",
    weight_column: str | None = None,
    expectations: bool = False,
    people_columns: Sequence[str] = (),
    choices: ReadingChoices = AS_USUAL,
) -> ResponseMatrix:
    """Read a wide or long data frame of answers.

    A table with the columns ``respondent_id, item_id, value`` (and optionally ``weight`` and others, which are left
    out) is read as long: one row an answer. Every other table is read as wide: one column of ids, and one column for
    each item.

    Parameters
    ----------
    frame : pandas, polars or pyarrow table
        The answers. Ids become strings, unchanged; text cells are read as numbers, with the usual marks for
        missing answers (empty, ``NA``, ``NaN``, ``.`` ...). Labels of declared scales are understood, as are words
        that say that there is no answer.
    id_column : str, optional
        Column of respondent ids; by default ``respondent_id``, or a pandas index that carries ids, or else the
        first column.
    items : mapping from item id to Item, optional
        Declared texts, scales and blocks.
    source : str
        What to call the table in messages.
    weight_column : str, optional
        Column of design weights in a wide table.
    expectations : bool, default=False
        Whether values may be means of answers, between the answers of a declared scale.
    people_columns : sequence of str, default=()
        Columns that are no items; they are left out
        (:func:`~truetwin.data.people_frames.people_from_frame` reads them).
    choices : ReadingChoices
        How cells are read where they leave a question open.

    Raises
    ------
    DataError
        If the id column is missing, ids repeat, a cell holds no number, or an answer is infinite. The message names
        all problems.
    """
    table = as_arrow(frame, id_column)
    if people_columns:
        table = table.select([k for k, n in enumerate(table.column_names) if n not in set(people_columns)])
    names = table.column_names
    declared = dict(items or {})
    from truetwin.data.long_frames import (
        from_distribution,
        from_long,
        is_distribution,
        refuse_distributions,
        replicates_as_long,
    )

    if set(LONG_COLUMNS) <= set(names) or is_distribution(names):
        check_unique(names, "column", source)
    if set(LONG_COLUMNS) <= set(names):
        return from_long(table, declared, source, kind_of(frame), expectations=expectations, choices=choices)
    refuse_distributions(names, source, expectations=expectations)
    if is_distribution(names):
        return from_distribution(table, declared, source, kind_of(frame), choices)
    id_column = id_column_of(table, id_column, source)
    ids = ids_of(table.column(id_column), id_column, source)
    if expectations and len(set(ids)) < len(ids):
        long = replicates_as_long(table, id_column, declared)
        if long is not None:
            return from_long(long, declared, source, kind_of(frame), expectations=True, choices=choices)
    if ids and len(set(ids)) <= len(ids) / 2:
        often = max(ids, key=Counter(ids).__getitem__)
        raise DataError(
            f"every respondent id must occur once in {source}; {len(set(ids))} ids occur in {len(ids)} rows, most of "
            f"all {often!r}. Keep one row a respondent, or name the columns of a table with one row an answer "
            f"{', '.join(LONG_COLUMNS)}."
        )
    if [name for name in names if name != id_column] == []:
        raise DataError(
            f"{source} must have at least one item column beside its id column {id_column!r}; it has none. "
            f"Is it a comma-separated table? If a title stands above its header line, remove the title."
        )
    if not ids:
        raise DataError(f"{source} must have at least one respondent; it has no rows")
    columns = {k: declared_item(n, declared, choices) for k, n in enumerate(names) if n != id_column}
    problems = Problems(source)
    cells = _read_columns(table, columns, ids, problems, choices)
    weights = next((cells.pop(k).values for k in list(cells) if names[k] == weight_column), None)
    values = np.column_stack([read.values for read in cells.values()]) if cells else np.empty((len(ids), 0))
    kept = [columns[k] for k in cells]
    notes = [*word_notes(source, {columns[k].id: read for k, read in cells.items()})]
    if choices.snap:
        values, snapped = snap_answers(values, kept, source)
        notes += snapped
    check_answers(values, ids, kept, problems, expectations=expectations)
    problems.raise_any()
    return ResponseMatrix(
        values,
        ids,
        kept,
        weights,
        source,
        id_column,
        kind_of(frame),
        id_type_of(table.column(id_column)),
        expectations,
        [read.n_in_words for read in cells.values()],
        notes,
    )


def declared_item(name: str, declared: Mapping[str, Item], choices: ReadingChoices) -> Item:
    """Return the item of a column: as declared, with the codes that the user named as missing."""
    item = declared.get(name) or Item(name)
    return with_missing_codes(item, choices.missing_codes) if choices.missing_codes else item


def _read_columns(
    table: pa.Table,
    columns: Mapping[int, Item],
    ids: Sequence[str],
    problems: Problems,
    choices: ReadingChoices,
) -> dict[int, Cells]:
    """Read the columns of answers, by position."""
    parts = [(item, table.column(k)) for k, item in columns.items()]
    digits = digit_reading(parts, problems.source) if choices.answers == "auto" else choices.answers
    found, unread = {}, []
    for k, item in columns.items():
        try:
            found[k] = read_cells(table.column(k), item, digits)
        except TypeError as error:
            problems.add(
                "kind", f"answers must be numbers; column {item.id!r} {error}. Leave the column out."
            )
            continue
        if found[k].unread:
            row = next(iter(found[k].first.values()))
            unread.append(UnreadColumn(found[k], item.id, row, ids[row], item))
    add_unread(problems, unread)
    return found


def word_notes(source: str, cells: Mapping[str, Cells]) -> list[str]:
    """Write notes about cells that say in words that there is no answer, and replies that decline to answer."""
    notes = []
    in_words = {name: read.no_answer for name, read in cells.items() if read.no_answer}
    declined = {name: read.declined for name, read in cells.items() if read.declined}
    for what, found in (
        ("say in words that there is no answer", in_words),
        ("are replies of a model that declines to answer", declined),
    ):
        if found:
            first = next(iter(found))
            count = sum(sum(texts.values()) for texts in found.values())
            notes.append(
                f"{source}: {count} cells of {len(found)} items {what} ({next(iter(found[first]))[:60]!r}, item "
                f"{first!r}); they are read as missing"
            )
    return notes


def snap_answers(
    values: NDArray[np.float64], items: Sequence[Item], source: str
) -> tuple[NDArray[np.float64], list[str]]:
    """Move answers between the points of a declared scale to the nearest point, and say how many there were."""
    values, moved = values.copy(), {}
    for j, item in enumerate(items):
        scale = item.scale
        if scale is None or scale.inferred or scale.kind == "nominal":
            continue
        between = scale.is_between_answers(values[:, j]) & ~scale.on_scale(values[:, j])
        between &= ~scale.is_off_scale_code(values[:, j])
        if between.any():
            moved[item.id] = int(between.sum())
            values[between, j] = scale.snap(values[between, j])
    if not moved:
        return values, []
    return values, [
        f"{source}: {sum(moved.values())} answers to {len(moved)} items, such as {next(iter(moved))!r}, lay between "
        "the points of their scales and were moved to the nearest point (--snap)"
    ]


def to_frame(
    values: NDArray[np.float64],
    respondent_ids: Sequence[str],
    item_ids: Sequence[str],
    *,
    id_column: str = "respondent_id",
    kind: FrameKind = "pyarrow",
    layout: Layout = "wide",
    id_type: str = "string",
) -> Any:
    """Write answers into a pyarrow, pandas or polars data frame.

    Parameters
    ----------
    values : ndarray of shape (n_respondents, n_items)
        Answers, NaN where missing.
    respondent_ids, item_ids : sequence of str
        Ids of rows and columns.
    id_column : str
        Name of the column of ids in a wide table.
    kind : {"pyarrow", "pandas", "polars"}
        Kind of data frame.
    layout : {"wide", "long"}
        One column an item, or one row an answer that is there: ``respondent_id, item_id, value``.
    id_type : str
        Arrow's name of the type of respondent ids; they stay texts if one of them cannot be written in it.
    """
    import pyarrow as pa

    if layout == "wide":
        # pyarrow writes a NaN as the text "nan" and a null as an empty cell: missing answers are nulls.
        columns = [pa.array(values[:, j], from_pandas=True) for j in range(values.shape[1])]
        table = pa.table([id_array(respondent_ids, id_type), *columns], names=[id_column, *item_ids])
    else:
        rows, positions = np.nonzero(np.isfinite(values))
        who = id_array(respondent_ids, id_type).take(pa.array(rows))
        what = pa.array(item_ids, pa.string()).take(pa.array(positions))
        table = pa.table([who, what, values[rows, positions]], names=list(LONG_COLUMNS))
    return as_kind(table, kind)


def id_array(ids: Sequence[str], id_type: str) -> pa.Array:
    """Convert ids to an arrow array of the type they had in the input.

    They stay texts if the conversion would change one of them, as it would ``"012"``.

    Examples
    --------
    >>> id_array(["7", "12"], "int64").type, id_array(["7", "012"], "int64").type
    (DataType(int64), DataType(string))
    """
    import pyarrow as pa

    texts = pa.array(ids, pa.string())
    try:
        typed = texts.cast(pa.type_for_alias(id_type))
        same = ids_of(pa.chunked_array([typed]), "respondent_id", "the table") == list(ids)
    except pa.ArrowInvalid:
        return texts
    return typed if same else texts


def as_kind(table: pa.Table, kind: FrameKind) -> Any:
    """Convert a pyarrow table to a pyarrow, pandas or polars data frame."""
    if kind == "pandas":
        return table.to_pandas()
    if kind == "polars":
        import polars

        return polars.from_arrow(table)
    return table


def id_column_of(table: pa.Table, id_column: str | None, source: str) -> str:
    """Name the column of ids: the one that is asked for, or else ``respondent_id``, or else the first."""
    names = table.column_names
    if id_column is None and "respondent_id" not in names:
        _refuse_row_numbers(table, source)
    id_column = id_column or ("respondent_id" if "respondent_id" in names else names[0] if names else "")
    if id_column not in names:
        shown = ", ".join(repr(n) for n in names[:6]) + (", ..." if len(names) > 6 else "")
        raise DataError(f"{source} must have the id column {id_column!r}; its columns are {shown}")
    if names.count(id_column) > 1:
        raise DataError(
            f"{source} must have one id column; {id_column!r} occurs {names.count(id_column)} times"
        )
    return id_column


def _refuse_row_numbers(table: pa.Table, source: str) -> None:
    """Refuse an unnamed first column that counts the rows.

    pandas and R write such a column; the ids are in another one.
    """
    first, *others = table.column_names or [""]
    if first.strip() not in ("", "Unnamed: 0") or not others:
        return
    numbers = [str(v) for v in table.column(0).to_pylist()]
    if numbers not in ([str(k) for k in range(len(numbers))], [str(k + 1) for k in range(len(numbers))]):
        return
    raise DataError(
        f"{source}: the first column has no name and counts the rows, as pandas' to_csv and R's write.csv add; it "
        f"holds no ids. Name the column of ids with --id-column (id_column), or write the table without row numbers."
    )


def as_arrow(frame: Any, id_column: str | None = None, needed: str = "answers must be numbers") -> pa.Table:
    """Convert a pandas, polars or pyarrow table to pyarrow; a pandas index that carries ids becomes a column.

    ``needed`` says in messages what columns must hold.
    """
    import pyarrow as pa

    if isinstance(frame, pa.Table):
        return frame
    import narwhals as nw

    try:
        wrapped = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise DataError(
            f"answers must be a pandas, polars or pyarrow table; got {type(frame).__name__}"
        ) from None
    if wrapped.implementation.is_pandas():
        index = frame.index
        plain = type(index).__name__ == "RangeIndex"
        if not plain and id_column in (None, index.name) and "respondent_id" not in frame:
            frame = frame.rename_axis(index.name or "respondent_id").reset_index()
        frame = frame.rename(columns=str)
        columns = []
        for k, name in enumerate(frame.columns):
            try:
                columns.append(pa.array(frame.iloc[:, k], from_pandas=True))
            except (pa.ArrowException, UnicodeEncodeError) as error:
                raise DataError(f"{needed}; column {name!r} holds values of several kinds") from error
        return pa.table(columns, names=list(frame.columns))
    return wrapped.to_arrow()


def kind_of(frame: Any) -> FrameKind:
    """Tell the kind of a data frame, so that results come in the same one."""
    module = type(frame).__module__.partition(".")[0]
    return "pandas" if module == "pandas" else "polars" if module == "polars" else "pyarrow"


def id_type_of(column: pa.ChunkedArray) -> str:
    """Return Arrow's name of the type of ids: a whole number, or text."""
    import pyarrow as pa

    if pa.types.is_floating(column.type):  # whole numbers, read as such; SPSS and pandas write them so
        return "int64"
    return str(column.type) if pa.types.is_integer(column.type) else "string"


def ids_of(column: pa.ChunkedArray, name: str, source: str) -> list[str]:
    """Read a column of ids as texts. Every row must have one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_floating(column.type) and pc.all(pc.equal(column, pc.floor(column))).as_py():
        try:
            column = column.cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{source}: ids must be texts or whole numbers; column {name!r} is neither"
            ) from error
    try:
        ids: list[str] = column.cast(pa.string()).to_pylist()
    except pa.ArrowException as error:
        raise DataError(
            f"{source}: ids must be texts or numbers; column {name!r} holds {column.type}"
        ) from error
    empty = [row for row, value in enumerate(ids, 1) if value is None or not value.strip()]
    if empty:
        raise DataError(
            f"{source}: every respondent must have an id in column {name!r}; it is empty in row {empty[0]}"
            + (f" ({len(empty) - 1} more)" if len(empty) > 1 else "")
        )
    return ids

"""Convert data frames (pandas, polars, pyarrow) to response matrices, and back to the same kind of frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item
from truetwin.data.responses import FrameKind, ResponseMatrix
from truetwin.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

LONG_COLUMNS = ("respondent_id", "item_id", "value")
MISSING_MARKS = ("", "NA", "N/A", "NaN", "nan", "#N/A", "null", "NULL", "None", ".")
_WEIGHT = "weight"
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
) -> ResponseMatrix:
    """Read a wide or long data frame of answers.

    A table with the columns ``respondent_id, item_id, value`` (and optionally ``weight``) is read as long: one row an
    answer. Every other table is read as wide: one column of ids, and one column for each item.

    Parameters
    ----------
    frame : pandas, polars or pyarrow table
        The answers. Ids become strings, unchanged; text cells are read as numbers, with the usual marks for
        missing answers (empty, ``NA``, ``NaN``, ``.`` ...). Labels of declared scales are understood.
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

    Raises
    ------
    DataError
        If the id column is missing, ids repeat, a cell holds no number, or an answer is infinite.
    """
    table = as_arrow(frame, id_column)
    if people_columns:
        table = table.select([k for k, n in enumerate(table.column_names) if n not in set(people_columns)])
    names = table.column_names
    declared = dict(items or {})
    if set(LONG_COLUMNS) <= set(names) and set(names) <= {*LONG_COLUMNS, _WEIGHT}:
        return _from_long(table, declared, source, _kind_of(frame), expectations)
    id_column = id_column_of(table, id_column, source)
    ids = ids_of(table.column(id_column), id_column, source)
    columns, weights = [], None
    for position, name in enumerate(names):
        if name == id_column:
            continue
        values = _as_numbers(table.column(position), name, ids, declared.get(name), source)
        if name == weight_column:
            weights = values
        else:
            columns.append((name, values))
    if not columns:
        raise DataError(
            f"{source} must have at least one item column beside its id column {id_column!r}; it has none. "
            f"Is it a comma-separated table?"
        )
    if not ids:
        raise DataError(f"{source} must have at least one respondent; it has no rows")
    return ResponseMatrix(
        np.column_stack([values for _, values in columns]),
        ids,
        [declared.get(name, Item(name)) for name, _ in columns],
        weights,
        source,
        id_column,
        _kind_of(frame),
        _id_type(table.column(id_column)),
        expectations,
    )


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


def _kind_of(frame: Any) -> FrameKind:
    module = type(frame).__module__.partition(".")[0]
    return "pandas" if module == "pandas" else "polars" if module == "polars" else "pyarrow"


def _id_type(column: pa.ChunkedArray) -> str:
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


def _as_numbers(
    column: pa.ChunkedArray, name: str, ids: Sequence[str], item: Item | None, source: str
) -> NDArray[np.float64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
        trimmed = pc.utf8_trim_whitespace(column)
        missing = pc.is_in(trimmed, value_set=pa.array(MISSING_MARKS))
        trimmed = pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)
        if item is not None and item.scale is not None:
            trimmed = _labels_to_codes(trimmed, item)
        try:
            column = trimmed.cast(pa.float64())
        except pa.ArrowInvalid:
            _raise_not_a_number(trimmed, name, ids, source)
    elif not (
        pa.types.is_integer(column.type)
        or pa.types.is_floating(column.type)
        or pa.types.is_boolean(column.type)
        or pa.types.is_decimal(column.type)
    ):
        raise DataError(f"{source}: answers must be numbers; column {name!r} holds {column.type}")
    numbers = column.cast(pa.float64()).to_numpy()
    return np.array(numbers, dtype=np.float64)


def _labels_to_codes(column: pa.ChunkedArray, item: Item) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    assert item.scale is not None
    codes = {label: code for code, label in {**item.scale.off_scale, **item.scale.labels}.items()}
    for label, code in codes.items():
        column = pc.if_else(pc.equal(column, pa.scalar(label)), pa.scalar(f"{code:.17g}"), column)
    return column


def _raise_not_a_number(column: pa.ChunkedArray, name: str, ids: Sequence[str], source: str) -> None:
    import pyarrow as pa

    for row, text in enumerate(column.to_pylist()):
        if text is None:
            continue
        try:
            pa.scalar(text).cast(pa.float64())
        except pa.ArrowInvalid:
            hint = ""
            if text.count(",") == 1 and text.replace(",", "").replace("-", "").isdigit():
                hint = " Write decimals with a point."
            shown = text if len(text) <= 40 else text[:37] + "..."
            raise DataError(
                f"{source}: answers must be numbers; found {shown!r} in column {name!r}, row {row + 1} "
                f"(respondent {ids[row]!r}).{hint} Recode it, leave it empty if it is missing, or declare the "
                f"item's labels."
            ) from None
    raise DataError(f"{source}: column {name!r} cannot be read as numbers")


def _from_long(
    table: pa.Table, declared: dict[str, Item], source: str, kind: FrameKind, expectations: bool
) -> ResponseMatrix:
    respondents, rows = _codes(ids_of(table.column("respondent_id"), "respondent_id", source))
    item_ids, columns = _codes(ids_of(table.column("item_id"), "item_id", source))
    if not respondents:
        raise DataError(f"{source} must have at least one answer; it has no rows")
    cells = rows * len(item_ids) + columns
    order = np.argsort(cells, kind="stable")
    twice = np.flatnonzero(np.diff(cells[order]) == 0)
    if twice.size:
        cell = int(cells[order][twice[0]])
        raise DataError(
            f"{source}: a respondent may answer an item once; respondent {respondents[cell // len(item_ids)]!r} "
            f"answers {item_ids[cell % len(item_ids)]!r} several times ({twice.size} repeated answers in all)"
        )
    values = np.full((len(respondents), len(item_ids)), np.nan)
    numbers = _long_values(table.column("value"), rows, columns, respondents, item_ids, declared, source)
    values[rows, columns] = numbers
    weights = None
    if _WEIGHT in table.column_names:
        weights = np.full(len(respondents), np.nan)
        each = _as_numbers(table.column(_WEIGHT), _WEIGHT, [respondents[r] for r in rows], None, source)
        weights[rows] = each
        changed = np.flatnonzero(weights[rows] != each)
        if changed.size:
            raise DataError(
                f"{source}: a respondent must have one weight; {respondents[rows[changed[0]]]!r} has several"
            )
    items = [declared.get(i, Item(i)) for i in item_ids]
    id_type = _id_type(table.column("respondent_id"))
    return ResponseMatrix(
        values,
        respondents,
        items,
        weights,
        source,
        frame_kind=kind,
        id_type=id_type,
        expectations=expectations,
    )


def _long_values(
    column: pa.ChunkedArray,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    respondents: Sequence[str],
    item_ids: Sequence[str],
    declared: dict[str, Item],
    source: str,
) -> NDArray[np.float64]:
    labelled = {j for j, i in enumerate(item_ids) if (it := declared.get(i)) and it.scale and it.scale.labels}
    ids = [respondents[r] for r in rows]
    if not labelled:
        return _as_numbers(column, "value", ids, None, source)
    numbers = np.full(len(rows), np.nan)
    for j, item_id in enumerate(item_ids):
        here = np.flatnonzero(columns == j)
        numbers[here] = _as_numbers(
            column.take(here), f"value of {item_id}", [ids[k] for k in here], declared.get(item_id), source
        )
    return numbers


def _codes(ids: list[str]) -> tuple[list[str], NDArray[np.intp]]:
    position: dict[str, int] = {}
    codes = np.fromiter((position.setdefault(i, len(position)) for i in ids), dtype=np.intp, count=len(ids))
    return list(position), codes

"""Read files of population margins: one row for each category of each column."""

from __future__ import annotations

from pathlib import Path

from truetwin.data.answer_cells import MISSING_MARKS
from truetwin.data.margins import Margins
from truetwin.data.responses import check_unique
from truetwin.errors import DataError
from truetwin.io.tables import read_table

AMOUNTS = ("share", "count", "share_or_count")


def read_margins(path: str | Path) -> Margins:
    """Read population margins from a table with the columns ``column``, ``category`` and ``share`` (or ``count``).

    ``column`` names a column of the people table, and ``category`` one of its groups, written as there.
    ``share_or_count`` is understood as well: whole numbers that sum to more than 1 are counts.

    Raises
    ------
    FileFormatError
        If there is no such file or it is not a table.
    DataError
        If a column or a cell is missing, a category occurs twice, or shares do not sum to 1.
    """
    source, table = str(path), read_table(path)
    names = table.column_names
    check_unique(names, "column", source)
    kind = next((name for name in AMOUNTS if name in names), None)
    lacking = [name for name in ("column", "category") if name not in names] + ([] if kind else ["share"])
    if kind is None or lacking:
        raise DataError(
            f"{source} must have the columns column, category and share (or count); it lacks {' and '.join(lacking)}"
        )
    amounts: dict[str, dict[str, float]] = {}
    for number, row in enumerate(table.select(["column", "category", kind]).to_pylist(), 1):
        column, category = (_text(row[name], name, number, source) for name in ("column", "category"))
        part = amounts.setdefault(column, {})
        if category in part:
            raise DataError(
                f"{source}: a category must occur once; {category!r} of column {column!r} occurs twice (row {number})"
            )
        part[category] = _amount(row[kind], kind, number, source)
    counts = None if kind == "share_or_count" else kind == "count"
    return Margins.of(amounts, are_counts=counts, source=source)


def columns_to_rake(path: Path | None) -> tuple[str, ...]:
    """List the columns of the people table that a file of margins names; none without a file."""
    return () if path is None else tuple(read_margins(path).shares)


def _text(value: object, name: str, number: int, source: str) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else str(value).strip()
    if not text:
        raise DataError(f"{source}: every row must have a {name}; row {number} has none")
    return text


def _amount(value: object, kind: str, number: int, source: str) -> float:
    text = "" if value is None else str(value).strip()
    try:
        if text not in MISSING_MARKS and "_" not in text:
            return float(text)
    except ValueError:
        pass
    raise DataError(
        f"{source}: every row must have a number as {kind.replace('_', ' ')}; row {number} has {text[:40]!r}"
    )

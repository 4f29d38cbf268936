"""Rows of a summary that print as a table, show as one in a notebook, and turn into a data frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from truetwin.data.frames import as_kind
from truetwin.data.responses import FrameKind
from truetwin.data.table_cells import cell, on_one_line, plain

MOST_SHOWN = 50


@dataclass(frozen=True)
class Shown:
    """Column of a summary that is shown: its field, heading, and format of numbers, or the words made of a row."""

    field: str
    heading: str
    format: str = ""
    words: Callable[[Mapping[str, Any]], str] | None = None

    def cell(self, row: Mapping[str, Any]) -> str:
        """Write the cell of a row."""
        return self.words(row) if self.words is not None else cell(row.get(self.field), self.format)


class SummaryTable(list[dict[str, Any]]):
    """List of rows, one dictionary each, that can be looked at.

    ``print(table)`` writes the main columns as text, a notebook shows them as a table, and :meth:`to_frame` has all
    columns.

    Parameters
    ----------
    rows : iterable of dict
    shown : sequence of Shown
        Main columns. A column without any value is left out.
    title : str
        What the table is, in a sentence.
    frame_kind : {"pyarrow", "pandas", "polars"}
        Kind of data frame that :meth:`to_frame` makes by default.

    Examples
    --------
    >>> table = SummaryTable([{"method": "twin", "mean": 0.25}], [Shown("method", "method"), Shown("mean", "r", ".2f")])
    >>> print(table)
    method     r
    twin    0.25
    >>> table[0]["mean"], table.to_frame().num_rows
    (0.25, 1)
    """

    def __init__(
        self,
        rows: Iterable[dict[str, Any]],
        shown: Sequence[Shown],
        *,
        title: str = "",
        frame_kind: FrameKind = "pyarrow",
    ) -> None:
        super().__init__(rows)
        self.shown, self.title, self.frame_kind = tuple(shown), title, frame_kind

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (list(self), self.shown, self.title, self.frame_kind)

    def to_frame(self, kind: FrameKind | None = None) -> Any:
        """Make a data frame of all columns; lists become texts."""
        import pyarrow as pa

        names = list(dict.fromkeys(name for row in self for name in row))
        columns = {name: [plain(row.get(name)) for row in self] for name in names}
        return as_kind(pa.table(columns), kind or self.frame_kind)

    def __str__(self) -> str:
        heads, *lines = ([on_one_line(text) for text in line] for line in self._lines())
        right = [bool(column.format) for column in self._columns]
        widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
        text = [
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(line, widths, right, strict=True)
            ).rstrip()
            for line in [heads, *lines]
        ]
        return "\n".join([*([self.title] if self.title else []), *text, *self._rest()])

    def _repr_html_(self) -> str:
        heads, *lines = self._lines()
        styles = [' style="text-align:right"' if column.format else "" for column in self._columns]

        def row(cells: Sequence[str], tag: str) -> str:
            return "".join(f"<{tag}{s}>{escape(cell)}</{tag}>" for cell, s in zip(cells, styles, strict=True))

        body = "".join(f"<tr>{row(line, 'td')}</tr>" for line in lines)
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        rest = "".join(f"<p>{escape(text)}</p>" for text in self._rest())
        return (
            f"<table>{caption}<thead><tr>{row(heads, 'th')}</tr></thead><tbody>{body}</tbody></table>{rest}"
        )

    @property
    def _columns(self) -> list[Shown]:
        return [c for c in self.shown if any(row.get(c.field) is not None for row in self)]

    def _lines(self) -> list[list[str]]:
        columns = self._columns
        return [[c.heading for c in columns], *([c.cell(row) for c in columns] for row in self[:MOST_SHOWN])]

    def _rest(self) -> list[str]:
        more = len(self) - MOST_SHOWN
        return [f"... and {more} more rows; to_frame() has all"] if more > 0 else []


def _made(
    rows: list[dict[str, Any]], shown: tuple[Shown, ...], title: str, frame_kind: FrameKind
) -> SummaryTable:
    return SummaryTable(rows, shown, title=title, frame_kind=frame_kind)

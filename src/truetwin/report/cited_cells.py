"""Cells of result files that the numbers of a report's tables are read from, as JSON Pointers (RFC 6901)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


def pointer(*steps: str | int) -> str:
    """Write the way to a value in a JSON file.

    Examples
    --------
    >>> pointer("laws", "Q1/a", "mean")
    '/laws/Q1~1a/mean'
    """
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


@dataclass(frozen=True)
class CellsOf:
    """File beside a report that holds the numbers of a table, and where.

    Parameters
    ----------
    file : str
        Name of the file: JSON, or a CSV file, which stands for the list of its rows.
    cell : callable
        Returns the pointer to a number, from its row's place in the table, the row, and the field; empty for a number
        that is worked out from several.
    """

    file: str
    cell: Callable[[int, Row, str], str]

    @classmethod
    def listed(cls, file: str, *steps: str | int) -> CellsOf:
        """Cite a list of rows that the table shows in their order, under the names of its fields."""
        return cls(file, lambda place, row, field: pointer(*steps, place, field))

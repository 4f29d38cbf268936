"""People table: what is known of respondents that is no item, such as weights, groups, strata and clusters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.responses import check_unique
from truetwin.errors import DataError, UnknownNameError
from truetwin.registry import closest

#: Most characters of a cell that a message shows.
SHOWN = 40


@dataclass(frozen=True, eq=False)
class People:
    """People table: what is known of respondents that is no item, one row a person, one column a property.

    Cells of text files stay texts, as written, so that a group ``01`` is not mixed up with ``1``. They are read as
    numbers where numbers are needed (:meth:`numbers`).

    Parameters
    ----------
    ids : sequence of str
        Ids of the people, unique.
    columns : mapping from name to array of length n_people
        Numbers (NaN where missing), or texts (None where missing).
    source : str, default="the people table"
        What to call the table in messages.
    labels : mapping from name to mapping from code to label, optional
        Labels of a column's numbers, which name its groups.

    Raises
    ------
    DataError
        If an id occurs twice, or a column has another length than the ids.

    Examples
    --------
    >>> people = People(["a", "b"], {"weight": [0.5, 1.5], "region": ["north", None]})
    >>> people.numbers("weight")
    array([0.5, 1.5])
    >>> people.groups("region").tolist()
    ['north', None]
    """

    ids: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]]
    source: str
    labels: Mapping[str, Mapping[float, str]]

    def __init__(
        self,
        ids: Iterable[str],
        columns: Mapping[str, Any],
        source: str = "the people table",
        labels: Mapping[str, Mapping[float, str]] | None = None,
    ) -> None:
        names = tuple(str(i) for i in ids)
        check_unique(names, "respondent id", source)
        arrays = {str(name): _as_column(values) for name, values in columns.items()}
        for name, values in arrays.items():
            if values.shape != (len(names),):
                raise DataError(
                    f"{source}: column {name!r} must have one value for each of {len(names)} people; its shape is "
                    f"{values.shape}"
                )
        for attribute, value in (
            ("ids", names),
            ("columns", arrays),
            ("source", source),
            ("labels", dict(labels or {})),
        ):
            object.__setattr__(self, attribute, value)

    def __repr__(self) -> str:
        return f"People({len(self.ids)} people, columns {', '.join(self.columns) or 'none'})"

    def column(self, name: str) -> NDArray[Any]:
        """Return a column as it is: numbers, or texts.

        Raises
        ------
        UnknownNameError
            If there is no such column. The message names the most similar one.
        """
        if name not in self.columns:
            raise no_such_column(name, tuple(self.columns), self.source)
        return self.columns[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Read a column as numbers, (n_people,); NaN where missing.

        Raises
        ------
        DataError
            If a cell is no number. The message names the person.
        """
        cells = self.column(name)
        if cells.dtype != object:
            return np.array(cells, dtype=np.float64)
        found = np.array([_number(cell) for cell in cells], dtype=object)
        wrong = [k for k, value in enumerate(found) if value is None]
        if wrong:
            more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise DataError(
                f"{self.source}: column {name!r} must hold numbers; found {shown(cells[wrong[0]])} for respondent "
                f"{self.ids[wrong[0]]!r}{more}. Correct it, leave it empty if it is missing, or name another column."
            )
        return found.astype(np.float64)

    def groups(self, name: str) -> NDArray[np.object_]:
        """Read a column as names of groups, (n_people,); None where missing. Numbers get their labels, if any."""
        cells, labels = self.column(name), self.labels.get(name, {})
        found = np.empty(cells.shape, dtype=object)
        found[:] = [_group(cell, labels) for cell in cells.tolist()]
        return found

    def joined(self, other: People) -> People:
        """Join two tables of the same people by id. A column may be in one of them only."""
        both = [name for name in self.columns if name in other.columns]
        if both:
            raise DataError(
                f"a column must be in one people table; {both[0]!r} is in {self.source} and in {other.source}. Leave "
                "it out of one of them, or rename it."
            )
        ids = tuple(dict.fromkeys((*self.ids, *other.ids)))
        columns = {
            name: part.on_ids(values, ids) for part in (self, other) for name, values in part.columns.items()
        }
        return People(ids, columns, f"{self.source} and {other.source}", {**self.labels, **other.labels})

    def on_ids(self, values: NDArray[Any], ids: Sequence[str]) -> NDArray[Any]:
        """Lay one value for each person out on other ids; NaN or None for those who are not in this table."""
        rows = self._rows
        texts = values.dtype == object
        found = np.full(len(ids), None if texts else np.nan, dtype=object if texts else np.float64)
        here = [k for k, i in enumerate(ids) if i in rows]
        found[here] = values[[rows[ids[k]] for k in here]]
        return found

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {i: k for k, i in enumerate(self.ids)}


def no_such_column(name: str, known: Sequence[str], source: str, advice: str = "") -> UnknownNameError:
    """Make the error for a wrong column name. It names the most similar column, and the first ones."""
    advice = f" {advice}" if advice else ""
    listed = ", ".join(map(repr, known[:6])) + (", ..." if len(known) > 6 else "")
    return UnknownNameError(
        f"there is no column {name!r} in {source}.{closest(name, list(known))} "
        + (f"Its columns are {listed}." if known else "It has no columns beside the ids.")
        + advice
    )


def shown(cell: Any) -> str:
    """Quote a cell for a message, shortened if it is long."""
    text = str(cell)
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")


def _as_column(values: Any) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind in "iuf":
        column: NDArray[Any] = array.astype(np.float64)
    else:
        column = np.empty(array.shape, dtype=object)
        column[...] = array
    column.flags.writeable = False
    return column


def _group(cell: float | str | None, labels: Mapping[float, str]) -> str | None:
    """Name the group of a cell: its label, if its code has one, or else the cell as it is written."""
    if cell is None or cell != cell:
        return None
    if isinstance(cell, float):
        return labels.get(cell, f"{cell:.17g}" if cell.is_integer() else f"{cell:.15g}")
    code = _number(cell) if labels else None
    return cell if code is None else labels.get(code, cell)


def _number(cell: str | None) -> float | None:
    """Read a cell as a number. Returns NaN for a missing cell, and None for any other text."""
    if cell is None:
        return float("nan")
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None

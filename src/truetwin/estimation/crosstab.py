"""Crosstab: items by groups as market research prints them, with letters for columns that are significantly lower.

Each group has a letter. A cell carries the letters of the groups that it exceeds significantly. The p-values of all
pairs of groups, over all rows and all columns of groups that are compared at once, are corrected together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from truetwin.estimation.statistics import CHANGE, NO_ANSWER
from truetwin.solvers.adjusted_p_values import Correction, adjusted

if TYPE_CHECKING:
    from truetwin.io.excel_files import Sheet

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CrosstabRow:
    """Row of a crosstab: one function of one item in every group.

    Attributes
    ----------
    item, statistic : str
    category : str or None
    estimates, lower, upper : ndarray of shape (G,)
    p_values : ndarray of shape (G, G)
        Of the difference of each two groups.
    """

    item: str
    statistic: str
    category: str | None
    estimates: Floats
    lower: Floats
    upper: Floats
    p_values: Floats


@dataclass(frozen=True, eq=False)
class Crosstab:
    """Items by the groups of one column.

    Attributes
    ----------
    by : str
        Column of the groups.
    groups : tuple of str
    counts : ndarray of int of shape (G,)
        Number of people of each group.
    effective_counts : ndarray of shape (G,)
        Effective number (Kish).
    rows : tuple of CrosstabRow
    letters : tuple of (tuple of str)
        For each row, the letters of each cell.
    footer : str
        How differences were tested.
    """

    by: str
    groups: tuple[str, ...]
    counts: NDArray[np.int64]
    effective_counts: Floats
    rows: tuple[CrosstabRow, ...]
    letters: tuple[tuple[str, ...], ...]
    footer: str

    @property
    def columns(self) -> list[str]:
        """Headings of the groups: letter and name."""
        return [f"{letter(g)}: {name}" for g, name in enumerate(self.groups)]

    def records(self) -> list[dict[str, Any]]:
        """List the rows with a text in each cell, first the bases: number of people, and effective number."""
        bases: list[dict[str, Any]] = [
            {"item": "", "row": "people", **_cells(self.columns, [f"{n:,d}" for n in self.counts])},
            {
                "item": "",
                "row": "effective people",
                **_cells(self.columns, [f"{n:,.0f}" for n in self.effective_counts]),
            },
        ]
        for row, letters in zip(self.rows, self.letters, strict=True):
            texts = [
                f"{number(row.statistic, value)} {marks}".rstrip()
                for value, marks in zip(row.estimates, letters, strict=True)
            ]
            name = row.category if row.category is not None else row.statistic
            bases.append({"item": row.item, "row": name, **_cells(self.columns, texts)})
        return bases

    def sheet(self) -> Sheet:
        """Return the sheet of a workbook: numbers shown as the texts of :meth:`records`, then the ends of intervals."""
        from truetwin.io.excel_files import Sheet, Shown

        ends = [f"{letter(g)} {end}" for g in range(len(self.groups)) for end in ("from", "to")]
        rows: list[list[Any]] = [
            ["", "people", *(int(n) for n in self.counts)],
            ["", "effective people", *(Shown(float(n), "#,##0") for n in self.effective_counts)],
        ]
        for row, letters in zip(self.rows, self.letters, strict=True):
            pattern = number_format(row.statistic)
            cells = [
                Shown(float(value), f'{pattern}" {marks}"' if marks else pattern)
                for value, marks in zip(row.estimates, letters, strict=True)
            ]
            sides = np.column_stack((row.lower, row.upper)).ravel()
            name = row.category if row.category is not None else row.statistic
            rows.append([row.item, name, *cells, *(Shown(float(side), pattern) for side in sides)])
        return Sheet(f"by {self.by}", ("item", "row", *self.columns, *ends), rows, self.footer)


def number(statistic: str, value: float) -> str:
    """Write an estimate as crosstabs do: shares in whole percents, means with two digits; a zero has no sign.

    Examples
    --------
    >>> number("share", 0.234), number("mean", 3.456), number("nps", -12.3), number("share", -0.001)
    ('23%', '3.46', '-12', '0%')
    """
    kind = statistic.removeprefix(CHANGE)
    if kind in ("share", NO_ANSWER) or kind.startswith(("top", "bottom")):
        return f"{value:z.0%}"
    return f"{value:z.0f}" if kind == "nps" else f"{value:z.2f}"


def number_format(statistic: str) -> str:
    """Return the number format in which Excel shows an estimate as :func:`number` writes it.

    Examples
    --------
    >>> number_format("share"), number_format("mean"), number_format("nps")
    ('0%', '0.00', '0')
    """
    return number(statistic, 0.0)


def letter(position: int) -> str:
    """Return the letter of a column: A to Z, then AA, AB ...

    Examples
    --------
    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    found = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def compare(
    tables: Sequence[tuple[str, tuple[str, ...], NDArray[np.int64], Floats, Sequence[CrosstabRow]]],
    *,
    significance: float = 0.05,
    correction: Correction = "benjamini-hochberg",
) -> list[Crosstab]:
    """Compare the groups of each row in pairs, with all p-values of all tables corrected together.

    Parameters
    ----------
    tables : sequence of (column, names of groups, counts, effective counts, rows)
    significance : float
        Error rate: of any wrong letter with "holm", of wrong ones among the letters with "benjamini-hochberg".
    correction : {"holm", "benjamini-hochberg", "none"}
    """
    values: list[float] = []
    for _, groups, _, _, rows in tables:
        upper = np.triu_indices(len(groups), 1)
        for row in rows:
            values += row.p_values[upper].tolist()
    beyond = adjusted(np.array(values), correction) <= significance
    significant = iter(beyond.tolist())
    words = {
        "holm": f"Holm's correction: at most {significance:.0%} risk of any wrong letter in all of them",
        "benjamini-hochberg": f"corrected by Benjamini and Hochberg: at most {significance:.0%} of the letters are "
        "expected to be wrong",
        "none": "not corrected for their number",
    }[correction]
    told = (
        "A letter marks a group that the cell exceeds"
        if beyond.any()
        else "No cell exceeds that of another group"
    )
    footer = (
        f"{told} significantly ({significance:.0%} level, two-sided). "
        f"{len(values):,d} comparisons of pairs of groups over all rows; "
        f"{words if beyond.any() else words.partition(':')[0]}."
    )
    found = []
    for by, groups, counts, effective, rows in tables:
        pairs = list(zip(*np.triu_indices(len(groups), 1), strict=True))
        letters = []
        for row in rows:
            marks = [""] * len(groups)
            for a, b in pairs:
                if next(significant):
                    larger, smaller = (a, b) if row.estimates[a] > row.estimates[b] else (b, a)
                    marks[larger] += letter(int(smaller))
            letters.append(tuple("".join(sorted(mark)) if len(groups) <= 26 else mark for mark in marks))
        found.append(Crosstab(by, groups, counts, effective, tuple(rows), tuple(letters), footer))
    return found


def _cells(columns: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    return dict(zip(columns, texts, strict=True))

"""Population margins: how a population is divided by each of several properties, to which a sample can be raked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from truetwin.data.marginals import SUM_TOLERANCE
from truetwin.data.people import shown
from truetwin.errors import DataError

#: How far the totals of two properties given as counts may lie apart, as a part of them.
TOTAL_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False)
class Margins:
    """Share of each category of each property in a population.

    The shares of a property sum to 1. Make them with :meth:`of`, which checks shares or counts.

    Examples
    --------
    >>> Margins.of({"sex": {"f": 510, "m": 490}}).shares["sex"]
    {'f': 0.51, 'm': 0.49}
    """

    shares: Mapping[str, Mapping[str, float]]
    source: str = "the margins"

    @classmethod
    def of(
        cls,
        amounts: Mapping[str, Mapping[str, float]],
        *,
        are_counts: bool | None = None,
        source: str = "the margins",
    ) -> Margins:
        """Check shares or counts by column and category.

        Parameters
        ----------
        amounts : mapping from column to mapping from category to number
            Shares, which sum to 1 (within 0.011) in each column, or counts.
        are_counts : bool, optional
            Whether they are counts; by default they are if those of every column are whole numbers that sum to more
            than 1.
        source : str
            What to call them in messages.

        Raises
        ------
        DataError
            If there is none, a number is negative or infinite, shares do not sum to 1, or the counts of two columns
            have totals that differ by more than 1%.
        """
        if not amounts or not all(amounts.values()):
            raise DataError(f"{source} must hold at least one column with at least one category")
        read = {str(c): {str(k): float(v) for k, v in part.items()} for c, part in amounts.items()}
        for column, part in read.items():
            for category, amount in part.items():
                if not np.isfinite(amount) or amount < 0:
                    raise DataError(
                        f"{source}: shares and counts must be finite and not negative; category {shown(category)} of "
                        f"column {column!r} has {amount:g}. Correct it."
                    )
        totals = {column: sum(part.values()) for column, part in read.items()}
        counts = are_counts
        if counts is None:
            whole = all(v.is_integer() for part in read.values() for v in part.values())
            counts = whole and all(total > 1 for total in totals.values())
        _check_totals(totals, counts, source)
        shares = {c: {k: v / totals[c] for k, v in part.items()} for c, part in read.items()}
        return cls(shares, source)


def _check_totals(totals: Mapping[str, float], are_counts: bool, source: str) -> None:
    (first, largest), *_ = sorted(totals.items(), key=lambda each: -each[1])
    for column, total in totals.items():
        if total <= 0:
            raise DataError(f"{source}: a category of column {column!r} must have a positive share; none has")
        if not np.isfinite(total):
            raise DataError(
                f"{source}: the counts of column {column!r} are too large to be added up. Give shares."
            )
        if are_counts and total < largest * (1 - TOTAL_TOLERANCE):
            raise DataError(
                f"{source}: the counts of every column must sum to the same population (within {TOTAL_TOLERANCE:.0%}); "
                f"those of {first!r} sum to {largest:g} and those of {column!r} to {total:g}. Correct them, or give "
                "shares."
            )
        if not are_counts and abs(total - 1.0) > SUM_TOLERANCE:
            hint = " Divide percentages by 100." if abs(total - 100.0) < 2.0 else ""
            raise DataError(
                f"{source}: the shares of a column must sum to 1 (within {SUM_TOLERANCE:g}); those of {column!r} sum "
                f"to {total:.4g}.{hint} Correct them, or give counts."
            )

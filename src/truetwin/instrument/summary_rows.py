"""Find rows at the end of a table that sum it up (means, totals), and are no person."""

from __future__ import annotations

import numpy as np

from truetwin.data.responses import ResponseMatrix
from truetwin.errors import DataError

#: Rows at the end that may be summaries, and rows above them without which nothing can be said.
_LAST, _ENOUGH = 3, 5
#: Means are often written with one decimal.
_ROUNDED = 0.0501


def refuse_summary_row(table: ResponseMatrix) -> None:
    """Refuse a table of people whose end is a row of means or totals, as spreadsheets have.

    A row of means has two answers or more that are no whole numbers, where all answers above are, and each equals the
    mean above it. A row of totals equals the sums above it.

    Raises
    ------
    DataError
        If there is such a row. The message names it.
    """
    n = len(table.respondent_ids)
    for row in range(max(_ENOUGH, n - _LAST), n):
        given = np.flatnonzero(np.isfinite(table.values[row]))
        if given.size < 2:
            continue
        above, cells = table.values[:row, given], table.values[row, given]
        seen = np.isfinite(above)
        sums, counts = np.where(seen, above, 0.0).sum(axis=0), seen.sum(axis=0)
        if not (counts >= _ENOUGH).all():
            continue
        whole = np.all(np.where(seen, above, 0.0) == np.where(seen, np.round(above), 0.0))
        fractions = int((cells != np.round(cells)).sum())
        is_mean = fractions > 1 and whole and np.all(np.abs(cells - sums / counts) <= _ROUNDED)
        over = int((cells > above.max(axis=0, initial=-np.inf, where=seen)).sum())
        is_total = over > 1 and np.allclose(cells, sums)
        if is_mean or is_total:
            raise DataError(
                f"{table.source}: every row must be a person; row {row + 1} ({table.respondent_ids[row]!r}) holds the "
                f"{'means' if is_mean else 'sums'} of the rows above it. Remove the row."
            )

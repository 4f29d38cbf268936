"""See from twins' answers what scale they used for each item.

Averages of several sources lie between the answers, and seldom reach the ends of a scale. So every source is looked at
by itself, and the median over sources counts. One source that uses another scale changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truetwin.calibration.orientation import Array


@dataclass(frozen=True, eq=False)
class TwinScales:
    """Scale of each item as the answers of its twins show it, (p,) each.

    Attributes
    ----------
    low, high : ndarray
        Smallest and largest answer; infinite where there is none.
    n_values : ndarray
        Number of different answers.
    binary : ndarray
        1 where all answers are at the ends and differ.
    """

    low: Array
    high: Array
    n_values: Array
    binary: Array

    @classmethod
    def of(cls, sources: Array) -> TwinScales:
        """Look at the answers of each source, (S, n, p).

        Where some sources give different answers to an item, those that give one answer to everybody do not count.
        """
        seen = np.isfinite(sources)
        low = np.min(sources, axis=1, where=seen, initial=np.inf)
        high = np.max(sources, axis=1, where=seen, initial=-np.inf)
        ends = ((sources == low[:, None]) | (sources == high[:, None]) | ~seen).all(axis=1)
        n_values = np.array([[np.unique(c[np.isfinite(c)]).size for c in v.T] for v in sources])
        answered, varies = seen.any(axis=1), high > low
        counts = np.where(varies.any(axis=0), varies, answered)
        binary = ends & varies
        parts = [_median(v, counts) for v in (low, high, n_values, binary)]
        nobody = ~answered.any(axis=0)
        return cls(
            np.where(nobody, np.inf, parts[0]),
            np.where(nobody, -np.inf, parts[1]),
            np.where(nobody, 0.0, parts[2]),
            (parts[3] > 0.5).astype(np.float64),
        )


def _median(values: Array, counts: Array) -> Array:
    """Take the median over the sources that count, (p,); the lower one of two."""
    ordered = np.sort(np.where(counts, values.astype(np.float64), np.inf), axis=0)
    middle = np.maximum(counts.sum(axis=0) - 1, 0) // 2
    return np.asarray(ordered[middle, np.arange(values.shape[1])])

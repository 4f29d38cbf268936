"""Conformal bands over items: how far a predicted share, or a whole prediction, may be off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError
from truetwin.reweighting.discrepancies import Discrepancy
from truetwin.reweighting.marginal_method import Kind, item_kinds
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]

FLOOR = 1e-3  # keeps the scale of a share's error positive where the share is near 0 or 1
PER_CATEGORY = 30  # with this many items of a kind, every category gets its own quantile


@dataclass(frozen=True)
class Bands:
    """Lower and upper ends of predicted shares; NaN where too few items were known.

    Attributes
    ----------
    lower, upper : ndarray of shape (m, width)
        Pointwise band: each share by itself is inside with the stated probability.
    simultaneous_lower, simultaneous_upper : ndarray of shape (m, width)
        Simultaneous band: all shares of an item are inside at once with the stated probability.
    """

    lower: Floats
    upper: Floats
    simultaneous_lower: Floats
    simultaneous_upper: Floats


@dataclass(frozen=True)
class ConformalBands:
    r"""Conformal bands from the out-of-fold errors of the training items.

    The score of a share is :math:`|P - Q| / \sqrt{Q (1 - Q) + 10^{-3}}`, with ``Q`` predicted without that
    item. If new items are exchangeable with the training items, the bands cover at least at their level (on
    average over items); ends are limited to 0 and 1, where shares live.

    Attributes
    ----------
    level : float
        Probability that the bands hold.
    pointwise : mapping from kind of item to ndarray of shape (K,)
        Conformal quantile of the scores of each category.
    simultaneous : mapping from kind of item to float
        Conformal quantile of the largest score of an item.
    discrepancy_bound : float
        A new item's discrepancy is below this with probability ``level``.
    n_items : int
        Number of training items from which the quantiles come.

    Examples
    --------
    >>> import numpy as np
    >>> conformal_quantile(np.arange(1.0, 20.0), 0.9)
    18.0
    """

    level: float
    pointwise: Mapping[Kind, Floats]
    simultaneous: Mapping[Kind, float]
    pooled: tuple[float, float]
    discrepancy_bound: float
    n_items: int

    @classmethod
    def learn(
        cls, table: TwinTable, human: Floats, out_of_fold: Floats, measure: Discrepancy, level: float = 0.9
    ) -> ConformalBands:
        """Learn the quantiles from the training items, each predicted without itself."""
        if not 0 < level < 1:
            raise ParameterError(f"the level of bands must lie between 0 and 1; got {level:g}")
        scores = _scores(human, out_of_fold)
        valid = table.valid()
        pointwise, simultaneous = {}, {}
        for kind, rows in item_kinds(table).items():
            of_kind = scores[rows, : kind.size]
            if rows.size >= PER_CATEGORY:
                pointwise[kind] = np.array([conformal_quantile(s, level) for s in of_kind.T])
                simultaneous[kind] = conformal_quantile(of_kind.max(axis=1), level)
        largest = np.where(valid, scores, -np.inf).max(axis=1)
        pooled = (conformal_quantile(scores[valid], level), conformal_quantile(largest, level))
        bound = conformal_quantile(measure.value(human, out_of_fold), level)
        if table.n_items < fewest_items(level):
            pooled = (np.nan, np.nan)
        return cls(level, pointwise, simultaneous, pooled, bound, table.n_items)

    def around(self, table: TwinTable, predicted: Floats) -> Bands:
        """Put bands around the predictions for ``table``."""
        half, together = np.full(predicted.shape, np.nan), np.full(predicted.shape, np.nan)
        spread = np.sqrt(predicted * (1.0 - predicted) + FLOOR)
        for kind, rows in item_kinds(table).items():
            size = kind.size
            cells = np.ix_(rows, np.arange(size))
            half[cells] = self.pointwise.get(kind, np.full(size, self.pooled[0])) * spread[cells]
            together[cells] = self.simultaneous.get(kind, self.pooled[1]) * spread[cells]
        ends = (predicted - half, predicted + half, predicted - together, predicted + together)
        return Bands(*(np.clip(end, 0.0, 1.0) for end in ends))


def conformal_quantile(scores: Floats, level: float) -> float:
    """Conformal quantile: the ``ceil((n + 1) level)``-th smallest score; infinite if there are too few scores."""
    rank = int(np.ceil((scores.size + 1) * level - 1e-9))
    return float(np.sort(scores)[rank - 1]) if rank <= scores.size else float("inf")


def fewest_items(level: float) -> int:
    """Return the smallest number of items whose errors suffice for bands of this level."""
    return int(np.ceil(level / (1.0 - level) - 1e-9))


def _scores(human: Floats, predicted: Floats) -> Floats:
    return np.abs(human - predicted) / np.sqrt(predicted * (1.0 - predicted) + FLOOR)

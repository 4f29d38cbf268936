"""Bands around predicted shares: how far a share, all shares of an item, or a whole prediction may be off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError
from truetwin.reweighting.discrepancies import Discrepancy
from truetwin.reweighting.marginal_method import Kind, item_kinds
from truetwin.reweighting.share_law import ShareLaw, interval_of
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]

FLOOR = 1e-3  # keeps the scale of a share's error positive where the share is near 0 or 1
PER_KIND = 30  # with this many items of a kind, the kind gets its own quantiles


@dataclass(frozen=True)
class Bands:
    """Lower and upper ends of predicted shares.

    Attributes
    ----------
    lower, upper : ndarray of shape (m, width)
        Pointwise band: each share by itself is inside with the stated probability.
    simultaneous_lower, simultaneous_upper : ndarray of shape (m, width)
        Simultaneous band: all shares of an item are inside at once with the stated probability; NaN where too few items
        were known.
    """

    lower: Floats
    upper: Floats
    simultaneous_lower: Floats
    simultaneous_upper: Floats


def bands_around(
    table: TwinTable,
    predicted: Floats,
    laws: Sequence[ShareLaw],
    conformal: ConformalBands | None,
    level: float,
    *,
    by_law: bool,
) -> Bands:
    """Put bands around predictions: simultaneous ones by conformal prediction, pointwise ones by either.

    Pointwise bands come from the laws of the shares if the method's errors follow them (``by_law``), and where too few
    items are known for conformal prediction. A simultaneous band is never narrower than the pointwise one.
    """
    ends = [np.full(predicted.shape, np.nan) for _ in range(4)]
    if conformal is not None:
        ends[2:] = conformal.around(table, predicted)
    if conformal is not None and not by_law:
        ends[:2] = conformal.pointwise_around(table, predicted)
    else:
        for r, (low, high) in enumerate(interval_of(laws, [law.indicators() for law in laws], level)):
            ends[0][r, : low.size], ends[1][r, : high.size] = low, high
    ends[2], ends[3] = np.minimum(ends[2], ends[0]), np.maximum(ends[3], ends[1])
    return Bands(*ends)


@dataclass(frozen=True)
class ConformalBands:
    r"""Conformal bands from the out-of-fold errors of the training items.

    The score of a share is :math:`|P - Q| / \sqrt{Q (1 - Q) + 10^{-3}}`, with ``Q`` predicted without that item, and
    that of an item the largest of its shares' scores. If new items are exchangeable with the training items, the bands
    cover at least at their level (on average over items); ends are limited to 0 and 1, where shares live.

    Attributes
    ----------
    level : float
        Probability that the bands hold.
    simultaneous : mapping from kind of item to float
        Conformal quantile of the scores of the kind's items.
    pointwise : mapping from kind of item to ndarray of shape (K,)
        Conformal quantile of the scores of each category.
    pooled, pooled_pointwise : float
        The same for all items and all shares; NaN with too few.
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
    simultaneous: Mapping[Kind, float]
    pointwise: Mapping[Kind, Floats]
    pooled: float
    pooled_pointwise: float
    discrepancy_bound: float
    n_items: int

    @classmethod
    def learn(
        cls, table: TwinTable, human: Floats, out_of_fold: Floats, measure: Discrepancy, level: float = 0.9
    ) -> ConformalBands:
        """Learn the quantiles from the training items, each predicted without itself."""
        if not 0 < level < 1:
            raise ParameterError(f"the level of bands must lie between 0 and 1; got {level:g}")
        scores, valid = _scores(human, out_of_fold), table.valid()
        largest = np.where(valid, scores, -np.inf).max(axis=1)
        many = {kind: rows for kind, rows in item_kinds(table).items() if rows.size >= PER_KIND}
        simultaneous = {kind: conformal_quantile(largest[rows], level) for kind, rows in many.items()}
        pointwise = {
            kind: np.array([conformal_quantile(column, level) for column in scores[rows, : kind.size].T])
            for kind, rows in many.items()
        }
        pooled = (np.nan, np.nan)
        if table.n_items >= fewest_items(level):
            pooled = (conformal_quantile(largest, level), conformal_quantile(scores[valid], level))
        bound = conformal_quantile(measure.value(human, out_of_fold), level)
        return cls(level, simultaneous, pointwise, *pooled, bound, table.n_items)

    def around(self, table: TwinTable, predicted: Floats) -> tuple[Floats, Floats]:
        """Compute the lower and upper ends of the simultaneous bands around predictions for ``table``."""
        return _ends(table, predicted, self.simultaneous, self.pooled)

    def pointwise_around(self, table: TwinTable, predicted: Floats) -> tuple[Floats, Floats]:
        """Compute the lower and upper ends of the pointwise bands around predictions for ``table``."""
        return _ends(table, predicted, self.pointwise, self.pooled_pointwise)


def _ends(
    table: TwinTable,
    predicted: Floats,
    quantiles: Mapping[Kind, Floats] | Mapping[Kind, float],
    pooled: float,
) -> tuple[Floats, Floats]:
    """Move predictions by a multiple of the spread that shares of their size have, inside 0 and 1."""
    half = np.full(predicted.shape, np.nan)
    spread = np.sqrt(predicted * (1.0 - predicted) + FLOOR)
    for kind, rows in item_kinds(table).items():
        cells = np.ix_(rows, np.arange(kind.size))
        half[cells] = quantiles.get(kind, pooled) * spread[cells]
    return np.clip(predicted - half, 0.0, 1.0), np.clip(predicted + half, 0.0, 1.0)


def conformal_quantile(scores: Floats, level: float) -> float:
    """Conformal quantile: the ``ceil((n + 1) level)``-th smallest score; infinite if there are too few scores."""
    rank = int(np.ceil((scores.size + 1) * level - 1e-9))
    return float(np.sort(scores)[rank - 1]) if rank <= scores.size else float("inf")


def fewest_items(level: float) -> int:
    """Return the smallest number of items whose errors suffice for bands of this level."""
    return int(np.ceil(level / (1.0 - level) - 1e-9))


def _scores(human: Floats, predicted: Floats) -> Floats:
    return np.abs(human - predicted) / np.sqrt(predicted * (1.0 - predicted) + FLOOR)

r"""Record of the errors on pseudo-targets: known items that were predicted as if nobody had answered them.

Every pseudo-target k gives errors

.. math:: r_{ik} = (y_{ik} - c_k) / u_k - \hat z_{ik},

with a centre :math:`c_k`, a unit :math:`u_k` and predictions :math:`\hat z_{ik}` in these units. The items are the
exchangeable unit: each counts by its weight, however many people answered it. Which quantiles of the pooled errors to
take is learned too. Every pseudo-target in turn gets the interval that the others give it. The level is raised until
these intervals hold the wanted share of answers, counting one more item that no interval holds. Sources: conformal
prediction with hierarchical data (Dunn, Wasserman and Ramdas, 2023, pooled quantiles); its recalibration for unequal
weights (Guan, 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.known_cells import KnownCells
from truetwin.calibration.orientation import Array

EDGE = 8.0
STEP = 0.02
BINS = round(2 * EDGE / STEP)
EDGES = np.linspace(-EDGE, EDGE, BINS + 1)
SIBLINGS_FOR_HALF = 3
TAILS = np.concatenate([[0.0], np.geomspace(2e-4, 0.5, 160)])


@dataclass(frozen=True, eq=False)
class ErrorRecord:
    """Predictions of pseudo-targets and their errors, for a sample of people.

    Attributes
    ----------
    items : ndarray of int of shape (m,)
        Positions of the pseudo-targets among all items in play.
    item_ids : tuple of str, m of them
        Their ids.
    rows : ndarray of int of shape (n,)
        Positions of the people in the sample.
    centre, unit : ndarray of shape (m,)
        Of each item; errors and predictions are in these units.
    predicted : ndarray of shape (m, n)
        Predictions, from the centre.
    errors : ndarray of shape (m, n)
        NaN where there is no answer.
    weight : ndarray of shape (m,)
        Weight of each item for the target; sums to 1.
    others : ndarray of shape (m, m)
        Weights of the other items where each in turn is the target; rows sum to 1, or 0 where there is none.
    """

    items: NDArray[np.intp]
    item_ids: tuple[str, ...]
    rows: NDArray[np.intp]
    centre: Array
    unit: Array
    predicted: Array
    errors: Array
    weight: Array
    others: Array

    def __len__(self) -> int:
        return self.items.size

    def shapes(self) -> Array:
        """Shares of each item's errors between :data:`EDGES`, (m, BINS)."""
        return histograms(self.errors)

    def pooled(self) -> Array:
        """Cumulative distribution of the errors of the other items, for each item as the target, (m, BINS + 1)."""
        return _cumulative(self.others @ self.shapes())

    def around(self) -> Array:
        """Shares of each item's answers around its centre, whatever is predicted, (m, BINS)."""
        return histograms(self.errors + self.predicted)

    def pooled_around(self) -> Array:
        """Cumulative distribution of the other items' answers around their centres, (m, BINS + 1)."""
        return _cumulative(self.others @ self.around())

    def level_shares(self) -> Array:
        """Cumulative distribution of answers around the centre, for the target, (BINS + 1,)."""
        return np.asarray(_cumulative((self.weight @ self.around())[None])[0])

    def chances(self, cells: KnownCells) -> tuple[Array, Array]:
        """Compute the chance of each known answer as the other items have it.

        Returns
        -------
        tuple of two ndarrays of shape (m, c)
            From the answers around the centre, and from the errors around the prediction.
        """
        ends = [(end - self.centre[:, None]) / self.unit[:, None] for end in (cells.low, cells.high)]
        predicted = np.take_along_axis(self.predicted, cells.people, axis=1)
        around, pooled = self.pooled_around(), self.pooled()
        level = _below(around, ends[1]) - _below(around, ends[0])
        return level, _below(pooled, ends[1] - predicted) - _below(pooled, ends[0] - predicted)

    def held(self) -> Array:
        """Compute the share of a new item's answers to expect between the quantiles of pooled errors, for each tail.

        It is the average over pseudo-targets of what the interval from the others holds.
        """
        own = _cumulative(self.shapes())
        held = np.zeros(len(TAILS))
        for each, inside, share in zip(self.pooled()[:, 1:], own, self.weight, strict=True):
            if each[-1] <= 0:
                continue
            low = np.searchsorted(each, TAILS * each[-1])
            high = np.minimum(np.searchsorted(each, (1 - TAILS) * each[-1]) + 1, BINS)
            low[0], high[0] = 0, BINS
            held += share * (inside[high] - inside[low])
        return np.asarray(held * len(self) / (len(self) + 1))


def shared_weights(
    usable: NDArray[np.bool_], block: NDArray[np.intp], target_block: NDArray[np.intp], *, siblings: bool
) -> Array:
    """Compute the weights of usable items for some targets, (targets, p).

    A row sums to 1 where there is a usable item. Every item counts the same, except that, with ``siblings``, those of
    the target's block count the more, the more of them there are.
    """
    everything = usable.sum(axis=1, keepdims=True)
    weights = np.divide(usable, everything, out=np.zeros(usable.shape), where=everything > 0)
    if siblings:
        near = usable & (target_block[:, None] == block)
        count = near.sum(axis=1, keepdims=True)
        share = count / (count + SIBLINGS_FOR_HALF)
        weights = weights * (1 - share) + near * share / np.maximum(count, 1)
    return np.asarray(weights)


def histograms(scores: Array) -> Array:
    """Compute the shares of each row's finite scores between :data:`EDGES`, (m, BINS)."""
    fine = np.isfinite(scores)
    bins = np.clip((np.where(fine, scores, 0.0) + EDGE) / STEP, 0, BINS - 1).astype(np.intp)
    flat = (np.arange(len(scores))[:, None] * BINS + bins)[fine]
    counts = np.bincount(flat, minlength=len(scores) * BINS).reshape(len(scores), BINS)
    return np.asarray(counts / np.maximum(fine.sum(axis=1, keepdims=True), 1))


def _cumulative(shares: Array) -> Array:
    result = np.zeros((len(shares), BINS + 1))
    np.cumsum(shares, axis=1, out=result[:, 1:])
    return result


def _below(cumulative: Array, at: Array) -> Array:
    """Read each row's cumulative distribution, (m, BINS + 1), at some scores, (m, c); 0 and 1 beyond its ends."""
    place = np.clip((np.nan_to_num(at, nan=0.0, posinf=2 * EDGE, neginf=-2 * EDGE) + EDGE) / STEP, 0, BINS)
    left = np.minimum(place.astype(np.intp), BINS - 1)
    part = place - left
    rows = np.arange(len(cumulative))[:, None]
    inside = (1 - part) * cumulative[rows, left] + part * cumulative[rows, left + 1]
    return np.asarray(np.where(place >= BINS, 1.0, np.where(place <= 0, 0.0, inside)))

r"""Learn how much predicted shares are worth, from the errors of predictions of training items.

The error of an item's mean, predicted without the item, is :math:`e_j \sim N(0, v_j (1 / (\kappa + 1) + 1 / n_j))`:
the prediction is as good as the answers of about :math:`\kappa` people, and the truth itself was counted from ``n_j``.
Weights of several :math:`\kappa` are learned by expectation-maximisation. Batteries are the units: each counts once,
however many items it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, softmax

from truetwin.reweighting.item_means import centre, has_mean, spread
from truetwin.reweighting.share_law import FLOOR, KAPPAS, ShareLaw
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]

PRIOR = np.array([1.0, 0.1, 0.1, 0.1, 0.1, 0.1])  # units that the prior counts as: most are very uncertain
UNKNOWN = PRIOR / PRIOR.sum()
AGREEMENT = "all twins gave one answer, and too few known items are like that to learn what it means"
FEWEST_FOR_POOL = 5  # training items; from fewer nothing is learned
ENOUGH_UNITS = 50  # batteries from which conformal intervals are precise
LEVEL = 0.9  # at which the law and conformal intervals are compared
AT_AN_END = 1e-12  # variance of a mean at the end of its scale
LEAST_BASE = 2.0
LEAST_VARIANCE = 1e-4
STEPS = 300


@dataclass(frozen=True, eq=False)
class Precision:
    """Weights of the kappas of :class:`~truetwin.reweighting.share_law.ShareLaw`.

    Attributes
    ----------
    means : ndarray of shape (L,)
        For errors of means.
    shares : ndarray of shape (L,)
        For errors of single shares, which for the same shares are smaller: neighbouring categories err together.
    knows_agreement : bool
        Whether errors were seen of items to which all twins gave one answer. Otherwise laws of such items have the
        weights of :meth:`unknown`.
    """

    means: Floats
    shares: Floats
    knows_agreement: bool = True

    @classmethod
    def unknown(cls) -> Precision:
        """Return the weights before any error was seen."""
        return cls(UNKNOWN, UNKNOWN)

    @classmethod
    def learn(
        cls, table: TwinTable, human: Floats, predicted: Floats, units: Sequence[str], bases: Floats
    ) -> Precision:
        """Learn from training items that were predicted without themselves.

        Parameters
        ----------
        table : TwinTable
            The items.
        human, predicted : ndarray of shape (m, width)
            Human shares and their predictions.
        units : sequence of str
            Battery of each item.
        bases : ndarray of shape (m,)
            Effective number of people behind the human shares of each item.
        """
        known = np.maximum(bases, LEAST_BASE)
        _, member = np.unique(np.asarray(units), return_inverse=True)
        rows = np.flatnonzero(has_mean(table))
        means = UNKNOWN
        if rows.size:
            error = (centre(human, table) - centre(predicted, table))[rows, None]
            limit = (centre(predicted, table) * (1 - centre(predicted, table)))[rows]
            variance = np.minimum(spread(predicted, table)[rows] + FLOOR, limit)[:, None]
            means = _weights(_likelihood(error, variance, known[rows], np.ones_like(error)), member[rows])
            sds = np.sqrt(np.maximum(variance[:, 0], AT_AN_END))
            means = _narrowed(means, np.abs(error[:, 0]) / sds, member[rows])
        valid = table.valid()
        variance = np.where(valid, predicted * (1 - predicted), 1.0)
        shares = _weights(
            _likelihood(human - predicted, variance, known, valid / valid.sum(axis=1)[:, None]), member
        )
        return cls(means, shares, knows_agreement(table))

    def laws(
        self, table: TwinTable, shares: Floats, codes: Sequence[Sequence[float]] | None = None
    ) -> tuple[ShareLaw, ...]:
        """Make the laws of predicted shares; without ``codes``, categories count from 0 to 1 by their place."""
        found = []
        unseen = table.twins_agree & (not self.knows_agreement)
        for j, (item, size) in enumerate(zip(table.item_ids, table.n_categories, strict=True)):
            found.append(
                ShareLaw(
                    item,
                    table.places[j, :size] if codes is None else np.array(codes[j], dtype=float),
                    shares[j, :size],
                    weights=UNKNOWN if unseen[j] else self.means,
                    share_weights=UNKNOWN if unseen[j] else self.shares,
                    ordered=bool(table.ordered[j]),
                    notes=(AGREEMENT,) if unseen[j] else (),
                )
            )
        return tuple(found)


def knows_agreement(table: TwinTable) -> bool:
    """Tell whether enough training items have twins that all gave one answer for it to be known what that means."""
    return int(table.twins_agree.sum()) >= FEWEST_FOR_POOL


def _likelihood(errors: Floats, variances: Floats, bases: Floats, weights: Floats) -> Floats:
    """Log-likelihood of each item under each kappa, averaged over its errors with the given weights, ``(m, L)``."""
    factor = 1.0 / (np.array(KAPPAS) + 1.0) + 1.0 / bases[:, None]
    scale = np.maximum(variances, LEAST_VARIANCE)[:, :, None] * factor[:, None, :]
    logs = -0.5 * np.log(scale) - 0.5 * errors[:, :, None] ** 2 / scale
    return np.asarray((weights[:, :, None] * logs).sum(axis=1))


def _weights(likelihood: Floats, member: NDArray[np.int64]) -> Floats:
    """Weights of the kappas, given the mean log-likelihood of each unit's items."""
    size = np.bincount(member)
    sums = np.zeros((size.size, likelihood.shape[1]))
    np.add.at(sums, member, likelihood)
    logs = sums[size > 0] / size[size > 0, None]
    weights = np.full(likelihood.shape[1], 1.0 / likelihood.shape[1])
    for _ in range(STEPS):
        part = softmax(np.log(weights) + logs, axis=1)
        weights = part.sum(axis=0) + PRIOR
        weights /= weights.sum()
    return weights


def _narrowed(weights: Floats, errors: Floats, member: NDArray[np.int64]) -> Floats:
    """Narrow a law that is wider than the conformal interval over batteries, if there are enough batteries to tell.

    Weights move to larger kappas, in proportion to powers of kappa, until the law's interval is the conformal one.
    """
    size = np.bincount(member)
    n = int((size > 0).sum())
    if n < ENOUGH_UNITS:
        return weights
    order = np.argsort(errors)
    below = np.cumsum(1.0 / size[member[order]]) / (n + 1)
    enough = np.flatnonzero(below >= LEVEL)
    if not enough.size:
        return weights
    precision = np.array(KAPPAS) + 1.0
    inside = 2.0 * ndtr(errors[order][enough[0]] * np.sqrt(precision)) - 1.0
    low, high = 0.0, 8.0
    for _ in range(40):
        power = 0.5 * (low + high)
        moved = weights * precision**power
        moved /= moved.sum()
        low, high = (power, high) if float(moved @ inside) < LEVEL else (low, power)
    moved = weights * precision**low
    return np.asarray(moved / moved.sum())

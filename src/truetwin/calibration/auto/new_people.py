r"""Predict new respondents: the item means of other people, plus what the twin's deviations say about the person.

For person i and item k, with :math:`t_i` the twin's standardised answers,

.. math:: \hat y_{ik} = m_k + t_i' B_k, \qquad
          B_k = \arg\min_B \sum_{i'} (y_{i'k} - m_k - t_{i'}'B)^2 + \lambda \|B\|^2 - (\lambda - \lambda_0) B_{kk}^2,

over the other people. The twin's own answer to the item is thus penalised less than its other answers. Means and
coefficients without person i follow in closed form from those with everybody. The two penalties are absolute, as for
a prior on B, and were set by looking at two datasets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.orientation import Array

PENALTY = 6500.0
OWN_PENALTY = 1800.0
LEAST_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over people from which the coefficients follow, with or without any one person."""

    cross: Array  # t'y, (p, p)
    overlap: Array  # t'seen, (p, p)
    inverse: Array  # (t't + penalty)^-1, (p, p)
    boost: Array  # (p,)
    total: Array  # (p,)
    count: Array  # (p,)
    n: int

    @classmethod
    def of(cls, t: Array, y: Array, seen: Array) -> _Sums:
        n, p = t.shape
        inverse = np.linalg.inv(t.T @ t + PENALTY * np.eye(p))
        lowered = PENALTY - OWN_PENALTY
        boost = lowered / (1 - lowered * np.diag(inverse))
        return cls(t.T @ y, t.T @ seen, np.asarray(inverse), boost, y.sum(axis=0), seen.sum(axis=0), n)

    def predict(self, t: Array, y: Array, seen: Array) -> tuple[Array, Array]:
        """Return the item means and deviations of people, each predicted without his or her own answers.

        ``y`` holds the answers that are in the sums, 0 where ``seen`` is 0. For people who are not in the sums, ``y``
        and ``seen`` are 0, and ``t`` is taken as not in the sums either.
        """
        inside = seen.max(axis=1, keepdims=True)
        count = self.count - seen
        mean = np.divide(self.total - y, count, out=np.zeros_like(y), where=count > 0)
        c = t @ self.inverse
        own = self.boost * c
        leverage = ((c * t).sum(axis=1)[:, None] + own * c) * inside
        by_item, by_item_seen = (np.einsum("kl,lk->k", self.inverse, v) for v in (self.cross, self.overlap))
        deviation = c @ self.cross - (c @ self.overlap) * mean + own * (by_item - by_item_seen * mean)
        deviation = (deviation - leverage * (y - seen * mean)) / (1 - leverage)
        share = np.maximum(count / np.maximum(self.n - inside, 1), LEAST_SHARE)
        return np.where(count > 0, mean, np.nan), deviation / share


def predict_people(human: Array, twin: Array, targets: NDArray[np.intp]) -> Array:
    """Predict each target person from everybody else, each as if he or she alone had been left out.

    Parameters
    ----------
    human : ndarray of shape (n, p)
        Human answers on their scales; a target's own are taken out before it is predicted.
    twin : ndarray of shape (n, p)
        Twin answers.
    targets : ndarray of int
        Rows to predict.

    Returns
    -------
    ndarray of shape (len(targets), p)
        NaN for items that nobody else has answered.
    """
    seen = np.isfinite(human).astype(np.float64)
    y = np.where(seen > 0, human, 0.0)
    t = _standardised(twin)
    known = seen.any(axis=1)
    sums = _Sums.of(t[known], y[known], seen[known])
    mean, deviation = sums.predict(t[targets], y[targets], seen[targets])
    return mean + deviation


def _standardised(twin: Array) -> Array:
    seen = np.isfinite(twin)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, twin, 0.0).sum(axis=0) / count
    deviations = np.where(seen, twin - mean, 0.0)
    sd = np.sqrt((deviations**2).sum(axis=0) / count)
    return deviations / np.where(sd <= 1e-9 * np.maximum(1.0, np.abs(mean)), 1.0, sd)

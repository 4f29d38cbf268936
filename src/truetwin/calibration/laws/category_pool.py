r"""Mix what is known of each category's chance, with weights learned on known answers.

The chances are those of :data:`COMPONENTS`: the same for all categories; the shares of the twins; the twin's own
answer; the same, smoothed over neighbours; the shares that the predicted level implies; and the errors around the
person's own prediction. The mixture

.. math:: q_{ik} = \sum_c w_c\, q^{(c)}_{ik}

has the weights that maximise the mean log chance of answers to pseudo-targets, items counting by their weights (EM).
Since every component alone is one of the mixtures, the mixture is not worse than the best of them there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truetwin.calibration.laws.category_tables import halfway
from truetwin.calibration.laws.known_cells import KnownCells
from truetwin.calibration.laws.prediction_errors import ErrorQuantiles
from truetwin.calibration.orientation import Array

COMPONENTS = ("uniform", "twins' shares", "twin's answer", "smoothed", "level", "errors")
#: Where nothing is known, all weight is on the errors, but for a little on every category.
UNLEARNED = np.array([0.02, 0.0, 0.0, 0.0, 0.0, 0.98])
PRIOR_ANSWERS = 0.5
FALLOFF = 8.0
MOST_STEPS = 200
ENOUGH = 1e-6


def twin_shares(twin: Array, codes: Array) -> Array:
    """Compute the shares of the twins' answers over all categories, (K,), one answer spread evenly among them."""
    said = twin[np.isfinite(twin)]
    counts = np.bincount(np.searchsorted(halfway(codes)[1:-1], said), minlength=len(codes))
    return np.asarray((counts + 1 / len(codes)) / (said.size + 1))


def twin_chances(twin: Array, codes: Array, shares: Array) -> Array:
    """Compute the chances that need nothing but the twins, (n, K, 4): the first four of :data:`COMPONENTS`.

    A twin that has not answered says what all twins say.
    """
    order = np.arange(len(codes))
    at = np.searchsorted(halfway(codes)[1:-1], np.nan_to_num(twin))
    there = np.isfinite(twin)[:, None]
    near = np.exp(-FALLOFF * np.abs(order[:, None] - order) / max(len(codes), 4))
    near /= near.sum(axis=1, keepdims=True)
    result = np.empty((len(twin), len(codes), 4))
    result[:, :, 0], result[:, :, 1] = 1 / len(codes), shares
    result[:, :, 2] = np.where(there, at[:, None] == order, shares)
    result[:, :, 3] = np.where(there, near[at], shares)
    return result


@dataclass(frozen=True, eq=False)
class CategoryPool:
    """Weights of the components.

    Attributes
    ----------
    weights : ndarray of shape (6,)
        Sum to 1.
    n_answers : int
        Number of known answers that they were learned from.
    """

    weights: Array
    n_answers: int

    def table(self, by_twins: Array, level: Array, by_errors: Array) -> Array:
        """Mix the components, (n, K)."""
        w = self.weights
        return np.asarray(by_twins @ w[:4] + w[4] * level + w[5] * by_errors)

    @classmethod
    def unlearned(cls) -> CategoryPool:
        """Return the weights where nothing is known."""
        return cls(UNLEARNED, 0)

    @classmethod
    def learn(cls, chances: Array, counts: Array) -> CategoryPool:
        """Learn the weights.

        Parameters
        ----------
        chances : ndarray of shape (N, 6)
            Chance of each known answer by each component.
        counts : ndarray of shape (N,)
            How much each answer counts; they sum to the number of answers.
        """
        if not len(chances):
            return cls.unlearned()
        w = np.full(6, 1 / 6)
        total = float(counts.sum()) + PRIOR_ANSWERS
        for _ in range(MOST_STEPS):
            mixed = chances @ w
            new = (w * (counts / np.maximum(mixed, 1e-300) @ chances) + PRIOR_ANSWERS / 6) / total
            moved = float(np.abs(new - w).max())
            w = new
            if moved < ENOUGH:
                break
        return cls(w, len(chances))


def error_chances(errors: ErrorQuantiles, predicted: Array, codes: Array) -> Array:
    """Compute the chance of each category from the errors around the predictions, (n, K).

    Parameters
    ----------
    errors : ErrorQuantiles
    predicted : ndarray of shape (n,)
        On the item's scale.
    codes : ndarray of shape (K,)
        In ascending order; categories are cut halfway between them.
    """
    cuts = halfway(codes)[1:-1]
    if errors.values.ndim == 1:
        below = np.interp(
            (cuts - predicted[:, None]).ravel(), errors.values, errors.shares, left=0.0, right=1.0
        ).reshape(len(predicted), len(cuts))
    else:
        below = np.stack(
            [
                np.interp(cuts - f, errors.values[:, k], errors.shares, left=0.0, right=1.0)
                for k, f in enumerate(predicted)
            ]
        )
    ends = np.ones((len(predicted), 1))
    return np.diff(np.concatenate([0 * ends, below, ends], axis=1), axis=1)


def stacked(cells: KnownCells, level: Array, by_errors: Array) -> Array:
    """Lay the chances of known answers out as rows, (N, 6)."""
    everything = np.concatenate([cells.fixed, level[..., None], by_errors[..., None]], axis=2)
    return np.asarray(everything[cells.there])

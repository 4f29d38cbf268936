r"""Mix what is known of each category's chance, with weights learned on known answers.

The chances are those of :data:`COMPONENTS`: the same for all categories; the shares of the twins; the twin's own
answer; the same, smoothed over neighbours; the shares that the predicted level implies; and the errors around the
person's own prediction. The mixture

.. math:: q_{ik} = \sum_c w_c\, q^{(c)}_{ik}

has the weights that maximise the mean log chance of answers to pseudo-targets, items counting by their weights (EM).
Since every component alone is one of the mixtures, the mixture is not worse than the best of them there. With several
sources of twins, the components that come from twins are means over sources of each source's own: an average of two
answers is no answer that anybody gave.
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


def twin_shares(twins: Array, codes: Array) -> Array:
    """Compute the shares of the twins' answers over all categories, (K,), one answer spread evenly among them.

    Parameters
    ----------
    twins : ndarray of shape (S, n) or (n,)
        Answers of each source. The shares are the mean over the sources that have an answer.
    codes : ndarray of shape (K,)
        In ascending order.
    """
    cuts, found = halfway(codes)[1:-1], []
    answered = [source[np.isfinite(source)] for source in np.atleast_2d(twins)]
    for said in [each for each in answered if each.size] or answered[:1]:
        counts = np.bincount(np.searchsorted(cuts, said), minlength=len(codes))
        found.append((counts + 1 / len(codes)) / (said.size + 1))
    return np.asarray(found[0] if len(found) == 1 else np.mean(found, axis=0))


def twin_chances(twins: Array, codes: Array, shares: Array) -> Array:
    """Compute the chances that need nothing but the twins, (n, K, 4): the first four of :data:`COMPONENTS`.

    ``twins`` are as for :func:`twin_shares`; people whose twins have not answered get what all twins say.
    """
    sources = np.atleast_2d(twins)
    order, n = np.arange(len(codes)), sources.shape[1]
    near = np.exp(-FALLOFF * np.abs(order[:, None] - order) / max(len(codes), 4))
    near /= near.sum(axis=1, keepdims=True)
    own, smoothed = np.zeros((2, n, len(codes)))
    for source in sources:
        at = np.searchsorted(halfway(codes)[1:-1], np.nan_to_num(source))
        there = np.isfinite(source)[:, None]
        own += there & (at[:, None] == order)
        smoothed += np.where(there, near[at], 0.0)
    answers = np.isfinite(sources).sum(axis=0)[:, None]
    result = np.empty((n, len(codes), 4))
    result[:, :, 0], result[:, :, 1] = 1 / len(codes), shares
    for k, part in ((2, own), (3, smoothed)):
        result[:, :, k] = np.where(answers > 0, part / np.maximum(answers, 1), shares)
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

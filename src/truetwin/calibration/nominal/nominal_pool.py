r"""Mix what is known of each category of a nominal item, with weights learned on other nominal items.

A method predicts the indicators of an item one by one; :math:`p_{ic}`, the person's own prediction, is each limited to
.02 to .98 and all divided by their sum. Five chances are mixed (:data:`COMPONENTS`): the same for all categories, the
shares of the twins, the shares that the method predicts, the twin's own answer, and the person's own prediction. The
weights maximise the mean log chance of the answers to *pseudo-targets*, nominal items that were predicted as if nobody
had answered them; every item counts alike. The first four are the null options: they always compete.

With several sources of twins, the shares of the twins and the twin's own answer are means over sources.

With few nominal items, or none, the weights stay near :data:`PRIOR`, which counts like one fifth of an item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from truetwin.calibration.orientation import Array

COMPONENTS = ("uniform", "twins' shares", "predicted shares", "twin's answer", "person")
PRIOR = np.array([0.1, 0.15, 0.1, 0.1, 0.55])
PRIOR_ITEMS = 0.2
LEAST = 0.02
STEPS = 300
ENOUGH = 1e-9


def person_chances(points: Array, twins: Array) -> Array:
    """Make chances of predicted indicators, (n, K); one without a prediction takes the twins' share.

    Examples
    --------
    >>> person_chances(np.array([[0.6, 0.6, -0.1]]), np.full(3, 1 / 3)).round(3)
    array([[0.492, 0.492, 0.016]])
    """
    chances = np.clip(np.where(np.isfinite(points), points, twins), LEAST, 1 - LEAST)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def twin_shares(twins: Array, codes: Array) -> Array:
    """Return the share of each category among all twins, (K,); one more twin is shared out evenly.

    ``twins`` are the codes that twins chose, (S, n) or (n,): the shares are the mean over the sources with an answer.

    Examples
    --------
    >>> twin_shares(np.array([1.0, 1.0, 2.0, np.nan]), np.array([1.0, 2.0])).round(3)
    array([0.625, 0.375])
    """
    counts = (np.atleast_2d(twins)[:, :, None] == codes).sum(axis=1)  # (S, K)
    some = counts[counts.any(axis=1)] if counts.any() else counts[:1]
    shares = (some + 1 / len(codes)) / (some.sum(axis=1, keepdims=True) + 1)
    return np.asarray(shares[0] if len(shares) == 1 else shares.mean(axis=0))


def predicted_shares(points: Array, twins: Array) -> Array:
    """Return the mean of the predicted chances over people with a prediction, (K,); those of twins if there is none."""
    there = np.isfinite(points).any(axis=1)
    return np.asarray(person_chances(points[there], twins).mean(axis=0)) if there.any() else twins


def component_chances(points: Array, twins: Array, codes: Array, shares: Array, predicted: Array) -> Array:
    """Compute the chances that are mixed, (5, n, K), in the order of :data:`COMPONENTS`.

    Parameters
    ----------
    points : ndarray of shape (n, K)
        Predicted indicators; NaN where there is no prediction.
    twins : ndarray of shape (S, n) or (n,)
        Codes that the twins of these people chose, by source; people whose twins have not answered get what all
        twins say.
    codes : ndarray of shape (K,)
    shares : ndarray of shape (K,)
        Of all twins.
    predicted : ndarray of shape (K,)
        Shares that the method predicts (:func:`predicted_shares`).
    """
    person = person_chances(points, shares)
    chosen = (np.atleast_2d(twins)[:, :, None] == codes).sum(axis=0)  # (n, K)
    answers = chosen.sum(axis=1, keepdims=True)
    answer = np.where(answers > 0, chosen / np.maximum(answers, 1), shares)
    even = np.full(person.shape, 1 / len(codes))
    spread = (np.broadcast_to(each, person.shape) for each in (even, shares, predicted, answer, person))
    return np.stack(list(spread))


@dataclass(frozen=True, eq=False)
class NominalPool:
    """Weights of the components.

    Attributes
    ----------
    weights : ndarray of shape (5,)
        Sum to 1.
    n_items : int
        Number of nominal items that they were learned from.
    """

    weights: Array
    n_items: int

    @classmethod
    def learn(cls, chances: Sequence[Array]) -> NominalPool:
        """Learn the weights by EM.

        Parameters
        ----------
        chances : sequence of ndarray of shape (5, n)
            For each pseudo-target, the chances that the components gave to the answers; items without any are left out.

        Examples
        --------
        >>> sure = np.array([[0.25, 0.25], [0.4, 0.4], [0.4, 0.4], [0.0, 1.0], [0.9, 0.9]])
        >>> COMPONENTS[NominalPool.learn([sure] * 5).weights.argmax()]
        'person'
        """
        items = [each for each in chances if each.shape[1]]
        weights = PRIOR
        for _ in range(STEPS if items else 0):
            total = PRIOR_ITEMS * PRIOR
            for each in items:
                mixed = weights[:, None] * each
                total = total + (mixed / mixed.sum(axis=0)).mean(axis=1)
            new = total / total.sum()
            moved = float(np.abs(new - weights).max())
            weights = new
            if moved < ENOUGH:
                break
        return cls(weights, len(items))

    def table(self, chances: Array) -> Array:
        """Mix the components, (n, K)."""
        return np.asarray(np.tensordot(self.weights, chances, axes=1))

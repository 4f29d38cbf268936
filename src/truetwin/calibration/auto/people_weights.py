r"""Learn how much the features of new people count, on people who are left out.

The leading eigenvectors of the human correlations are what many items have in common: first a person's general level.
Every feature is split into the part along the first, the part along the next three, and the rest; non-negative least
squares over all answers weigh the parts. Weights of 0 are the item means; a weight of 1 on all parts of *own* is the
twin's deviation as it stands. Whether to split at all, and how finely, is chosen by the error on folds of people that
the weights have not seen; directions for a fold's people always come from other folds. What is left of the answers
gives every item a slope on *own* of its own, shrunk to 0 by

.. math:: b_k \, \tau^2 / (\tau^2 + v_k), \qquad b_k \sim N(0, \tau^2 + v_k),

with :math:`\tau^2` of largest marginal likelihood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from truetwin.calibration.auto.people_features import (
    PENALTIES,
    PeopleFeatures,
    PeopleSums,
    PeopleTable,
    features_of,
    spread,
)
from truetwin.calibration.orientation import Array
from truetwin.solvers.leading_eigenpairs import leading_eigenpairs

LEAST_TWIN_SD = 0.2
LEAST_PAIRS = 4
N_LAYERS = 1 + len(PENALTIES)
N_DIRECTIONS = 4
SLOPE_VARIANCES = np.concatenate([[0.0], np.geomspace(1e-5, 10.0, 61)])
CHUNK = 500
# which of (along the first direction, along the next, the rest) share a weight
SPLITS = (((0, 1, 2),), ((0,), (1, 2)), ((0,), (1,), (2,)))
_MERGES = tuple(
    np.kron([[float(part in share) for part in range(3)] for share in split], np.eye(N_LAYERS))
    for split in SPLITS
)


@dataclass(frozen=True, eq=False)
class PeopleWeights:
    """Weights learned from some people and then used for others.

    Attributes
    ----------
    sd, twin_sd : ndarray of shape (p,)
        Sds of the human answers, and of the standardised twin answers of those who answered.
    directions : ndarray of shape (p, 4)
        Leading eigenvectors; columns of 0 where correlations say nothing of them.
    parts : ndarray of shape (3, 4)
        Weights of the parts along the first direction, along the next, and of the rest, for own and each ridge.
    slopes : ndarray of shape (p,)
        What is added to the weight of an item's own feature.
    unseen : ndarray of shape (n_folds,)
        Squared errors of parts on each fold of people that the weights have not seen, less those of the item means.
    """

    sd: Array
    twin_sd: Array
    directions: Array
    parts: Array
    slopes: Array
    unseen: Array

    @classmethod
    def none(cls, p: int) -> Self:
        """Make weights that yield the item means, where there is nothing to learn from."""
        zeros, ones = np.zeros(p), np.ones(p)
        return cls(zeros, ones, np.zeros((p, N_DIRECTIONS)), np.zeros((3, N_LAYERS)), zeros, np.zeros(0))

    def deviations(self, features: PeopleFeatures) -> Array:
        """Compute predicted deviations from the item means, in sds, (n, p)."""
        layers = _scaled(features, self.sd, self.twin_sd)
        first, next_, rest = np.tensordot(self.parts, layers, 1)
        V = self.directions
        along = np.concatenate([(first - rest) @ V[:, :1], (next_ - rest) @ V[:, 1:]], axis=1)
        return np.asarray(rest + along @ V.T + layers[0] * self.slopes)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Sums of squares and products over answers; those of several folds add up.

    Attributes
    ----------
    gram, cross : ndarray of shape (12, 12) and (12,)
        Of the parts of the features with each other and with the answers.
    own_own, own_answer : ndarray of shape (p,)
        Of an item's own feature with itself and with the answers.
    own_parts : ndarray of shape (p, 12)
        Of an item's own feature with the parts.
    """

    gram: Array
    cross: Array
    own_own: Array
    own_answer: Array
    own_parts: Array

    def __add__(self, other: _Moments) -> _Moments:
        return _Moments(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def learn_weights(
    table: PeopleTable, rows: Mapping[int, NDArray[np.intp]], sums: Mapping[int, PeopleSums]
) -> PeopleWeights:
    """Learn weights from the people in ``rows``, by folds; ``sums`` are over these and perhaps more like them."""
    if len(rows) < 2:
        return PeopleWeights.none(table.human.shape[1])
    total = reduce(add, sums.values())
    sd = spread(total.count, total.total, total.squares)
    twin_sd = spread(total.twin_count, total.twin_total, total.twin_squares)
    twin_sd = np.where(twin_sd < LEAST_TWIN_SD, 1.0, twin_sd)
    moments = []
    for fold, people in rows.items():
        V = leading_directions(reduce(add, [s for f, s in sums.items() if f != fold]))
        chunks = [people[k : k + CHUNK] for k in range(0, len(people), CHUNK)]
        moments.append(reduce(add, (_moments(table, c, total, sd, twin_sd, V) for c in chunks)))
    together = reduce(add, moments)
    gram, cross = [m.gram for m in moments], [m.cross for m in moments]
    parts, unseen = split_weights(gram, cross)
    slopes = own_slopes(together.own_answer - together.own_parts @ parts, together.own_own)
    return PeopleWeights(sd, twin_sd, leading_directions(total), parts.reshape(3, N_LAYERS), slopes, unseen)


def _moments(
    table: PeopleTable, rows: NDArray[np.intp], sums: PeopleSums, sd: Array, twin_sd: Array, V: Array
) -> _Moments:
    features = features_of(table, rows, sums)
    layers = _scaled(features, sd, twin_sd)
    first = layers @ V[:, :1] @ V[:, :1].T
    next_ = layers @ V[:, 1:] @ V[:, 1:].T
    there = (table.seen[rows] > 0) & np.isfinite(features.mean) & (sd > 0)
    z = np.where(there, table.y[rows] - features.mean, 0.0) / np.where(sd > 0, sd, 1.0)
    parts = np.concatenate([first, next_, layers - first - next_]) * there
    own = layers[0] * there
    flat = parts.reshape(len(parts), -1)
    return _Moments(
        flat @ flat.T,
        flat @ z.ravel(),
        (own**2).sum(axis=0),
        (own * z).sum(axis=0),
        (own * parts).sum(axis=1).T,
    )


def _scaled(features: PeopleFeatures, sd: Array, twin_sd: Array) -> Array:
    """Put own and ridge features in sds, (4, n, p)."""
    inverse = np.divide(1.0, sd, out=np.zeros_like(sd), where=sd > 0)
    return np.concatenate([(features.own / twin_sd)[None], features.ridge * inverse])


def leading_directions(sums: PeopleSums) -> Array:
    """Find the leading eigenvectors of the human correlations, (p, 4).

    Correlations are shrunk to a constant one by how uncertain they are.
    """
    p = len(sums.count)
    result = np.zeros((p, N_DIRECTIONS))
    result[:, 0] = 1.0 / np.sqrt(p)
    r, pairs = sums.correlations()
    known = (pairs >= LEAST_PAIRS) & ~np.eye(p, dtype=bool)
    if not known.any():
        return result
    typical = float(r[known].mean())
    noise = float(((1 - r[known] ** 2) ** 2 / (pairs[known] - 1)).sum())
    differences = float(((r[known] - typical) ** 2).sum())
    trust = min(max(1.0 - noise / differences, 0.0), 1.0) if differences > 0 else 0.0
    if trust == 0:
        return result
    shrunk = np.where(known, typical + trust * (r - typical), typical)
    np.fill_diagonal(shrunk, 1.0)
    count = min(N_DIRECTIONS, p)
    result[:, :count] = leading_eigenpairs(shrunk, count)[1]
    return result


def split_weights(gram: Sequence[Array], cross: Sequence[Array]) -> tuple[Array, Array]:
    """Learn the weights of the parts, (12,), from moments by folds of people.

    The coarsest split is taken whose error on unseen folds is within one standard error, over folds, of the smallest.
    Its error on each fold, unseen by its weights, less that of item means, comes second.
    """
    all_gram, all_cross = np.sum(gram, axis=0), np.sum(cross, axis=0)
    errors, weights = [], []
    for merge in _MERGES:
        unseen = [_merged(all_gram - G, all_cross - q, merge) for G, q in zip(gram, cross, strict=True)]
        errors.append(
            np.array([float(w @ G @ w - 2 * q @ w) for w, G, q in zip(unseen, gram, cross, strict=True)])
        )
        weights.append(_merged(all_gram, all_cross, merge))
    best = int(np.argmin([error.sum() for error in errors]))
    for error, weight in zip(errors, weights, strict=True):
        worse = error - errors[best]
        if worse.sum() <= np.sqrt(len(worse)) * worse.std(ddof=1 if len(worse) > 1 else 0):
            return weight, error
    return weights[best], errors[best]


def _merged(gram: Array, cross: Array, merge: NDArray[Any]) -> Array:
    """Fit weights that parts share."""
    return np.asarray(merge.T @ non_negative(merge @ gram @ merge.T, merge @ cross))


def non_negative(gram: Array, cross: Array) -> Array:
    """Solve non-negative least squares from sums of squares and products.

    Examples
    --------
    >>> non_negative(np.eye(2), np.array([0.5, -1.0]))
    array([0.5, 0. ])
    """
    size = np.sqrt(np.maximum(np.diag(gram), 0.0))
    alive = size > 1e-9
    weights = np.zeros(len(cross))
    if not alive.any():
        return weights
    scaled = gram[np.ix_(alive, alive)] / np.outer(size[alive], size[alive])
    values, vectors = np.linalg.eigh(scaled)
    kept = values > 1e-10 * values[-1]
    root = np.sqrt(values[kept])
    target = vectors[:, kept].T @ (cross[alive] / size[alive]) / root
    weights[alive] = nnls(root[:, None] * vectors[:, kept].T, target)[0] / size[alive]
    return weights


def own_slopes(cross: Array, squares: Array) -> Array:
    """Estimate a slope for every item, shrunk to 0 as far as items agree; 0 where the twins do not vary."""
    fine = squares > 1e-9
    slopes = np.zeros(len(cross))
    if not fine.any():
        return slopes
    variance = 1.0 / squares[fine]
    slope = cross[fine] * variance
    total = SLOPE_VARIANCES[:, None] + variance
    likelihood = -(np.log(total) + slope**2 / total).sum(axis=1)
    common = SLOPE_VARIANCES[int(np.argmax(likelihood))]
    slopes[fine] = slope * common / (common + variance)
    return slopes

r"""Predict the correlation of people's answers to two new items, from the correlations of pairs of donors.

The correlation :math:`r_{kl}` of the people's answers to donors k and l is regressed, by weighted ridge regression,
on what twins say of the pair: their correlation, raw and after removing each twin's own mean; the correlation
:math:`w_k' C w_l` that the people's correlations C imply where the twins' answers to k and l are regressed on the
other donors with weights :math:`w`; and whether both belong to one block.

Two new items share no pair with those that were learned from. So the penalty has the smallest error with all pairs left
out that share an item with a pair. What this error exceeds sampling error by is the uncertainty of a predicted
correlation. How surely it is known is told by leaving out each item in turn (jackknife).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from truetwin.calibration.auto.item_links import pairwise_correlations
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.laws.joint_ranks import LARGEST, NOTHING_KNOWN, PairErrors, TotalCorrelations
from truetwin.calibration.orientation import Array

SHRINK_PAIRS = 30.0
WEIGHT_PAIRS = 50.0
TWIN_RIDGE = 0.5
LEAST_PAIRS = 10
LEAST_DF, MOST_DF = 3.0, 1e6
PENALTIES = np.geomspace(1e-4, 10.0, 26)
MOST_PAIRS = 2_000  # that choose the penalty
CHUNK = 20_000  # pairs that are handled at a time, to bound memory


def total_correlations(problem: Problem, targets: Sequence[int]) -> TotalCorrelations:
    """Predict the correlations between new items; nothing is known where there are too few donors to learn from."""
    donors = np.flatnonzero(problem.donors(targets))
    human, counts = pairwise_correlations(problem.people.values[:, donors], problem.people.seen[:, donors])
    k, m = np.triu_indices(len(donors), 1)
    known = counts[k, m] > 2
    k, m = k[known], m[known]
    new = np.eye(len(targets))
    if len(k) < LEAST_PAIRS:
        return TotalCorrelations(new, NOTHING_KNOWN)
    trust = counts / (counts + SHRINK_PAIRS)
    people = np.where(np.eye(len(donors), dtype=bool), 1.0, human * trust)
    a, b = np.triu_indices(len(targets), 1)
    at = np.array(targets, dtype=np.intp)
    pairs = _features(problem, donors[k], donors[m], _implied_by_others(problem, donors, people, k, m))
    wanted = _features(problem, at[a], at[b], _implied(problem, donors, people, at, a, b))
    found, errors = _ridge(pairs, human[k, m], counts[k, m], wanted, k, m)
    new[a, b] = new[b, a] = np.clip(found, -LARGEST, LARGEST)
    return TotalCorrelations(new, errors)


def _features(problem: Problem, k: NDArray[np.intp], m: NDArray[np.intp], implied: Sequence[Array]) -> Array:
    """Describe pairs of items by what twins say of them, (pairs, f)."""
    alike = problem.similarity
    r = alike.plain[k, m]
    together = (problem.block[k] == problem.block[m]).astype(np.float64)
    return np.stack([r, alike.centred[k, m], *implied, together, together * r, np.sign(r) * r**2], axis=1)


def _implied(
    problem: Problem,
    donors: NDArray[np.intp],
    people: Array,
    at: NDArray[np.intp],
    a: NDArray[np.intp],
    b: NDArray[np.intp],
) -> list[Array]:
    """Compute the correlations that the donors imply for pairs of new items."""
    found = []
    for twins in (problem.similarity.centred, problem.similarity.plain):
        inside = twins[donors[:, None], donors] + TWIN_RIDGE * np.eye(len(donors))
        W = np.linalg.solve(inside, twins[donors[:, None], at])
        found.append((W.T @ people @ W)[a, b])
    return found


def _implied_by_others(
    problem: Problem, donors: NDArray[np.intp], people: Array, k: NDArray[np.intp], m: NDArray[np.intp]
) -> list[Array]:
    r"""Compute the correlations that all other donors imply for pairs of donors.

    With A the inverse of all twin correlations (plus ridge) and S = {k, l}, the weights of k and l on the others are
    :math:`E_S - A_{:S} A_{SS}^{-1}`, which is 0 on S.
    """
    found = []
    for twins in (problem.similarity.centred, problem.similarity.plain):
        A = np.linalg.inv(twins[donors[:, None], donors] + TWIN_RIDGE * np.eye(len(donors)))
        P = people @ A
        G = A @ P
        det = A[k, k] * A[m, m] - A[k, m] ** 2
        of_k = np.stack([A[m, m], -A[k, m]]) / det
        of_m = np.stack([-A[k, m], A[k, k]]) / det
        inner = of_k[0] * (G[k, k] * of_m[0] + G[k, m] * of_m[1]) + of_k[1] * (
            G[m, k] * of_m[0] + G[m, m] * of_m[1]
        )
        left = P[k, k] * of_m[0] + P[k, m] * of_m[1]
        right = P[m, k] * of_k[0] + P[m, m] * of_k[1]
        found.append(people[k, m] - left - right + inner)
    return found


def _ridge(
    X: Array, r: Array, counts: Array, wanted: Array, first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[Array, PairErrors]:
    """Regress correlations on features of pairs; return the predictions wanted, and how far off they are."""
    weight = counts / (counts + WEIGHT_PAIRS)
    weight /= weight.sum()
    centre, level = weight @ X, float(weight @ r)
    scale = np.sqrt(weight @ (X - centre) ** 2)
    scale = np.where(scale > 1e-9, scale, 1.0)
    Z = (X - centre) / scale
    left_out = _LeftOut.of(Z, r, weight, first, second)
    some = np.unique(np.linspace(0, len(r) - 1, min(len(r), MOST_PAIRS)).astype(np.intp))
    losses = [float(weight[some] @ left_out.errors(penalty, some) ** 2) for penalty in PENALTIES]
    penalty = float(PENALTIES[int(np.argmin(losses))])
    gram, toward = (Z * weight[:, None]).T @ Z, (Z * weight[:, None]).T @ (r - level)
    coefficients = np.linalg.solve(gram + penalty * np.eye(Z.shape[1]), toward)
    errors = _pair_errors(left_out.errors(penalty), r, counts, weight, first, second)
    return level + (wanted - centre) / scale @ coefficients, errors


def _pair_errors(
    errors: Array,
    r: Array,
    counts: Array,
    weight: Array,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
) -> PairErrors:
    """Describe how large errors are, in units of those around 0, and how surely this is known.

    Pairs that share an item are not independent. The degrees of freedom are those at which a variance is known as
    surely as the mean squared error is, by a jackknife over items.
    """
    around = float(weight @ (1 - np.clip(r - errors, -LARGEST, LARGEST) ** 2) ** 2)
    each = weight * errors**2
    squared, sampling = float(each.sum()), float(weight @ ((1 - r**2) ** 2 / counts))
    n_items = int(max(first.max(), second.max())) + 1
    of_item, seen = (
        np.bincount(first, part, n_items) + np.bincount(second, part, n_items) for part in (each, weight)
    )
    without = ((squared - of_item) / np.maximum(1 - seen, 1e-9))[seen > 0]
    n = without.size
    variance = (n - 1) / n * float(np.sum((without - without.mean()) ** 2))
    df = 2 * squared**2 / max(variance, 1e-12)
    return PairErrors(squared / around, sampling / around, float(np.clip(df, LEAST_DF, MOST_DF)))


@dataclass(frozen=True, eq=False)
class _LeftOut:
    """Ridge regressions for each pair, without all pairs that share an item with it.

    Attributes
    ----------
    X : ndarray of shape (pairs, p)
        Features, with a constant first.
    r, weight : ndarray of shape (pairs,)
    first, second : ndarray of int of shape (pairs,)
        Items of each pair.
    of_item : ndarray of shape (items, p * (p + 1))
        Products of features with each other and with r, summed over the pairs of each item.
    """

    X: Array
    r: Array
    weight: Array
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    of_item: Array

    @classmethod
    def of(
        cls, Z: Array, r: Array, weight: Array, first: NDArray[np.intp], second: NDArray[np.intp]
    ) -> _LeftOut:
        X = np.column_stack([np.ones(len(Z)), Z])
        p, n_items = X.shape[1], int(max(first.max(), second.max())) + 1
        of_item = np.zeros((n_items, p * (p + 1)))
        for start in range(0, len(X), CHUNK):
            part = slice(start, start + CHUNK)
            n = len(r[part])
            at, pair = np.concatenate([first[part], second[part]]), np.tile(np.arange(n), 2)
            member = csr_array((np.ones(2 * n), (at, pair)), shape=(n_items, n))
            of_item += member @ _products(X[part], r[part], weight[part])
        return cls(X, r, weight, first, second, of_item)

    def errors(self, penalty: float, pairs: NDArray[np.intp] | None = None) -> Array:
        """Return the error of each pair's correlation where all pairs that share an item with it are left out."""
        p, wanted = self.X.shape[1], np.arange(len(self.r)) if pairs is None else pairs
        total = 0.5 * self.of_item.sum(axis=0)  # each pair counts with both of its items
        ridge = penalty * np.diag(np.arange(p) > 0) + 1e-9 * np.eye(p)
        errors = np.empty(len(wanted))
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            X, r = self.X[part], self.r[part]
            left = total - self.of_item[self.first[part]] - self.of_item[self.second[part]]
            left += _products(X, r, self.weight[part])
            # weight that is left; where there is none, nothing is known, and 0 is predicted
            kept = left[:, :1]
            left = np.where(kept > 1e-9, left / np.maximum(kept, 1e-9), 0.0).reshape(-1, p, p + 1)
            found = np.linalg.solve(left[:, :, :p] + ridge, left[:, :, p:])[..., 0]
            errors[start : start + CHUNK] = r - (X * found).sum(axis=1)
        return errors


def _products(X: Array, r: Array, weight: Array) -> Array:
    """Multiply the features of each pair with each other and with its correlation, (pairs, p * (p + 1))."""
    beside = np.column_stack([X, r])
    return np.asarray((weight[:, None, None] * X[:, :, None] * beside[:, None, :]).reshape(len(X), -1))

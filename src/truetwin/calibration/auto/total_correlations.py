r"""Predict the correlation of people's answers to two new items, from the correlations of pairs of donors.

The correlation :math:`r_{kl}` of the people's answers to donors k and l is regressed, by weighted ridge regression,
on what twins say of the pair: their correlation, raw and after removing each twin's own mean; the correlation
:math:`w_k' C w_l` that the people's correlations C imply where the twins' answers to k and l are regressed on the
other donors with weights :math:`w`; and whether both belong to one block. The penalty has the smallest leave-one-out
error. What the error exceeds sampling error by, with all pairs left out that share an item, is the uncertainty of a
predicted correlation, and is drawn anew for each draw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from truetwin.calibration.auto.item_links import pairwise_correlations
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.laws.joint_ranks import LARGEST, TotalCorrelations
from truetwin.calibration.orientation import Array

SHRINK_PAIRS = 30.0
WEIGHT_PAIRS = 50.0
TWIN_RIDGE = 0.5
LEAST_PAIRS = 10
PENALTIES = np.geomspace(1e-4, 10.0, 26)
CHUNK = 20_000  # pairs that are handled at a time, to bound memory


def total_correlations(problem: Problem, targets: Sequence[int]) -> TotalCorrelations:
    """Predict the correlations between new items; all 0 where there are too few donors to learn from."""
    donors = np.flatnonzero(problem.donors(targets))
    human, counts = pairwise_correlations(problem.people.values[:, donors], problem.people.seen[:, donors])
    k, m = np.triu_indices(len(donors), 1)
    known = counts[k, m] > 2
    k, m = k[known], m[known]
    new = np.eye(len(targets))
    if len(k) < LEAST_PAIRS:
        return TotalCorrelations(new, 0.0)
    trust = counts / (counts + SHRINK_PAIRS)
    people = np.where(np.eye(len(donors), dtype=bool), 1.0, human * trust)
    a, b = np.triu_indices(len(targets), 1)
    at = np.array(targets, dtype=np.intp)
    pairs = _features(problem, donors[k], donors[m], _implied_by_others(problem, donors, people, k, m))
    wanted = _features(problem, at[a], at[b], _implied(problem, donors, people, at, a, b))
    found, sd = _ridge(pairs, human[k, m], counts[k, m], wanted, k, m)
    new[a, b] = new[b, a] = np.clip(found, -LARGEST, LARGEST)
    return TotalCorrelations(new, sd)


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
) -> tuple[Array, float]:
    """Regress correlations on features of pairs; return the predictions wanted, and the sd of the truth around them."""
    weight = counts / (counts + WEIGHT_PAIRS)
    weight /= weight.sum()
    centre, level = weight @ X, float(weight @ r)
    scale = np.sqrt(weight @ (X - centre) ** 2)
    scale = np.where(scale > 1e-9, scale, 1.0)
    Z = (X - centre) / scale
    gram, toward = (Z * weight[:, None]).T @ Z, (Z * weight[:, None]).T @ (r - level)
    values, vectors = np.linalg.eigh(gram)
    rotated = Z @ vectors
    best, chosen, coefficients = np.inf, PENALTIES[-1], toward
    for penalty in PENALTIES:
        shrunk = 1.0 / (np.maximum(values, 0.0) + penalty)
        c = shrunk * (vectors.T @ toward)
        leverage = weight * (1.0 + rotated**2 @ shrunk)
        left = (r - level - rotated @ c) / np.maximum(1.0 - leverage, 1e-6)
        loss = float(weight @ left**2)
        if loss < best:
            best, chosen, coefficients = loss, penalty, vectors @ c
    errors = _errors_of_new_pairs(Z, r, weight, chosen, first, second)
    sampling = float(weight @ ((1 - r**2) ** 2 / counts))
    sd = np.sqrt(max(float(weight @ errors**2) - sampling, 0.0))
    return level + (wanted - centre) / scale @ coefficients, float(sd)


def _errors_of_new_pairs(
    Z: Array, r: Array, weight: Array, penalty: float, first: NDArray[np.intp], second: NDArray[np.intp]
) -> Array:
    """Return the error of each pair's correlation where all pairs that share an item with it are left out.

    Pairs of new items share none with those that were learned from, and errors of pairs that share one go together.
    """
    X = np.column_stack([np.ones(len(Z)), Z])
    p, n_items = X.shape[1], int(max(first.max(), second.max())) + 1
    parts = [slice(start, start + CHUNK) for start in range(0, len(X), CHUNK)]
    of_item = np.zeros((n_items, p * (p + 1)))
    for part in parts:
        n = len(r[part])
        at, pair = np.concatenate([first[part], second[part]]), np.tile(np.arange(n), 2)
        member = csr_array((np.ones(2 * n), (at, pair)), shape=(n_items, n))
        of_item += member @ _products(X[part], r[part], weight[part])
    total = 0.5 * of_item.sum(axis=0)  # each pair counts with both of its items
    ridge = penalty * np.diag(np.arange(p) > 0) + 1e-9 * np.eye(p)
    errors = np.empty(len(r))
    for part in parts:
        left = total - of_item[first[part]] - of_item[second[part]]
        left += _products(X[part], r[part], weight[part])
        kept = left[:, :1]  # weight that is left; where there is none, nothing is known, and 0 is predicted
        left = np.where(kept > 1e-9, left / np.maximum(kept, 1e-9), 0.0).reshape(-1, p, p + 1)
        found = np.linalg.solve(left[:, :, :p] + ridge, left[:, :, p:])[..., 0]
        errors[part] = r[part] - (X[part] * found).sum(axis=1)
    return errors


def _products(X: Array, r: Array, weight: Array) -> Array:
    """Multiply the features of each pair with each other and with its correlation, (pairs, p * (p + 1))."""
    beside = np.column_stack([X, r])
    return np.asarray((weight[:, None, None] * X[:, :, None] * beside[:, None, :]).reshape(len(X), -1))

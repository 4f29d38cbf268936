r"""Errors of the groups of an item: how large they are, and which groups miss together.

The errors of the means of G groups, less the error of everybody's, are those of

.. math:: N(0,\ \tau^2 C + \mathrm{diag}(1 / n_g))

in sd of the item. The size :math:`\tau` differs between items. The form C belongs to the column of groups: where the
young are predicted too low, the old may be predicted too high, and the gap between them is then further off than the
gap of either from the middle. The second part is chance: the few people of a group differ from what such people answer
on average.

How often an item has which :math:`\tau`, and C, are learned by EM on answered items with whole batteries hidden. Only
differences between groups tell C. Beforehand, groups miss independently and alike in size (C = I), as sure as if a
number of batteries had shown it: the *strength*, for each difference that groups can have. Batteries left out decide by
their likelihood which strength it is, and whether C is learned at all. The mean variance of a gap is always that of
C = I.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Floats = NDArray[np.float64]

TAUS = np.array([0.01, 0.03, 0.06, 0.1, 0.15, 0.22, 0.32, 0.5, 0.8])
#: Number of items that are assumed beforehand to have each tau; most for middling ones.
PSEUDO = np.array([0.1, 0.1, 0.1, 0.1, 0.2, 0.5, 0.3, 0.1, 0.05])
#: Strengths of independent groups to choose from, in batteries for each difference that groups can have.
STRENGTHS = (2.0, 0.5)
MOST_GROUPS = 20  # whose form is learned; more are independent
N_FOLDS = 5
N_STEPS, N_STEPS_FORM = 100, 40
SETTLED = 1e-4  # steps end once the form moves by less (Frobenius norm, whatever the order of groups)
UNSEEN = 1e6  # variance of a group that has not answered


@dataclass(frozen=True, eq=False)
class GroupErrors:
    """Law of the errors of groups in items that nobody has answered.

    Attributes
    ----------
    tau_weights : ndarray of shape (len(TAUS),)
        How likely an item has each tau.
    form : ndarray of shape (n_groups, n_groups)
        C; the mean variance of a difference of two groups is 2.
    """

    tau_weights: Floats
    form: Floats

    @classmethod
    def expected(cls, n_groups: int) -> GroupErrors:
        """Return what is assumed before anything is seen."""
        return cls(PSEUDO / PSEUDO.sum(), np.eye(n_groups))

    @classmethod
    def learn(cls, errors: Floats, bases: Floats, units: NDArray[np.int64]) -> GroupErrors:
        """Learn from the errors of answered items.

        Parameters
        ----------
        errors : ndarray of shape (n_items, n_groups)
            Errors of predicted gaps in sd; NaN where unknown.
        bases : ndarray of shape (n_items, n_groups)
            Effective number of people behind each gap.
        units : ndarray of shape (n_items,)
            Number of each item's unit; each unit counts once.
        """
        n_groups = errors.shape[1]
        seen = _Contrasts.of(errors, bases, units)
        strength = _best_strength(seen) if 2 < n_groups <= MOST_GROUPS else np.inf
        weights, M = _learned(seen, strength)
        return cls(weights, _form(M))

    def with_sizes_of(self, errors: Floats, bases: Floats, units: NDArray[np.int64]) -> GroupErrors:
        """Learn how likely each tau is from other errors, which have the same form."""
        B = _differences(len(self.form))
        seen = _Contrasts.of(errors, bases, units)
        return GroupErrors(_sizes(seen, _Likelihoods.of(seen, B @ self.form @ B.T)), self.form)


@dataclass(frozen=True, eq=False)
class _Contrasts:
    """Errors as G - 1 uncorrelated differences of groups.

    Attributes
    ----------
    z : ndarray of shape (n, G - 1)
    roots : ndarray of shape (n, G - 1, G - 1)
        Lower triangular roots of the variances by chance.
    units : ndarray of int of shape (n,)
    """

    z: Floats
    roots: Floats
    units: NDArray[np.int64]

    @classmethod
    def of(cls, errors: Floats, bases: Floats, units: NDArray[np.int64]) -> _Contrasts:
        seen = np.isfinite(errors)
        rows = np.flatnonzero(seen.sum(axis=1) > 1)
        seen = seen[rows]
        B = _differences(errors.shape[1])
        chance = np.where(seen, 1.0 / np.maximum(bases[rows], 1.0), UNSEEN)
        middle = np.sum(np.where(seen, errors[rows], 0.0), axis=1, keepdims=True) / seen.sum(
            axis=1, keepdims=True
        )
        filled = np.where(seen, errors[rows] - middle, 0.0)
        roots = np.asarray(np.linalg.cholesky((B * chance[:, None, :]) @ B.T))
        return cls(filled @ B.T, roots, units[rows])

    @cached_property
    def inverses(self) -> Floats:
        """Inverses of the roots."""
        return np.asarray(np.linalg.inv(self.roots))

    def take(self, rows: NDArray[np.bool_]) -> _Contrasts:
        return _Contrasts(self.z[rows], self.roots[rows], self.units[rows])

    @cached_property
    def counts(self) -> Floats:
        """Weight of each item: each unit counts once."""
        _, place, sizes = np.unique(self.units, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / sizes[place])


@dataclass(frozen=True, eq=False)
class _Likelihoods:
    """Errors in the coordinates in which both of their parts are uncorrelated.

    Attributes
    ----------
    back : ndarray of shape (n, G - 1, G - 1)
        Leads from these coordinates to differences of groups.
    y : ndarray of shape (n, G - 1)
    ratios : ndarray of shape (n, G - 1)
        Variance of the errors at tau = 1; that by chance is 1.
    """

    back: Floats
    y: Floats
    ratios: Floats

    @classmethod
    def of(cls, seen: _Contrasts, M: Floats) -> _Likelihoods:
        inverse = seen.inverses
        ratios, Q = np.linalg.eigh(inverse @ M @ inverse.transpose(0, 2, 1))
        y = np.einsum("jkp,jkl,jl->jp", Q, inverse, seen.z)
        return cls(seen.roots @ Q, y, np.maximum(ratios, 0.0))

    @cached_property
    def logs(self) -> Floats:
        """Log likelihood of each item with each tau, less what all taus share, (n, T)."""
        total = TAUS[:, None] ** 2 * self.ratios[:, None, :] + 1.0
        return np.asarray(-0.5 * (self.y[:, None, :] ** 2 / total + np.log(total)).sum(axis=2))

    def scatter(self, chances: Floats) -> Floats:
        """Expect u u' / tau^2 of each item, u the part of its errors that is no chance, (n, G - 1, G - 1)."""
        part = TAUS[:, None] ** 2 * self.ratios[:, None, :]
        trust = part / (part + 1.0) * np.sqrt(chances / TAUS**2)[:, :, None]  # (n, T, p)
        inner = trust.transpose(0, 2, 1) @ trust
        inner *= self.y[:, :, None] * self.y[:, None, :]
        k = np.arange(self.y.shape[1])
        inner[:, k, k] += (chances[:, :, None] * self.ratios[:, None, :] / (part + 1.0)).sum(axis=1)
        return np.asarray(self.back @ inner @ self.back.transpose(0, 2, 1))


def _differences(n_groups: int) -> Floats:
    """Return G - 1 orthonormal differences of groups (Helmert), (G - 1, G)."""
    found = np.tril(np.ones((n_groups, n_groups)), -1)[1:]
    k = np.arange(1, n_groups)
    found[k - 1, k] = -k
    return np.asarray(found / np.sqrt(k * (k + 1.0))[:, None])


def _form(M: Floats) -> Floats:
    """Return C of the variance M of differences; groups share an error of the size that independent ones do."""
    B = _differences(len(M) + 1)
    return np.asarray(B.T @ M @ B + 1.0 / (len(M) + 1))


def _chances(logs: Floats, weights: Floats) -> Floats:
    return np.asarray(softmax(logs + np.log(weights), axis=1))


def _sizes(seen: _Contrasts, found: _Likelihoods) -> Floats:
    """Learn by EM how likely an item has each tau, with C as it is."""
    weights = PSEUDO / PSEUDO.sum()
    for _ in range(N_STEPS):
        weights = seen.counts @ _chances(found.logs, weights) + PSEUDO
        weights /= weights.sum()
    return np.asarray(weights)


def _learned(seen: _Contrasts, strength: float) -> tuple[Floats, Floats]:
    """Learn by EM how likely each tau is, and the variance of differences of groups at tau = 1."""
    p = seen.z.shape[1]
    M, n = np.eye(p), float(seen.counts.sum())
    if np.isinf(strength) or not n:
        return _sizes(seen, _Likelihoods.of(seen, M)), M
    weights, prior = PSEUDO / PSEUDO.sum(), strength * p
    for _ in range(N_STEPS_FORM):
        found = _Likelihoods.of(seen, M)
        chances = _chances(found.logs, weights)
        weights = seen.counts @ chances + PSEUDO
        weights /= weights.sum()
        scatter = np.einsum("j,jpq->pq", seen.counts, found.scatter(chances))
        last, M = M, (prior * np.eye(p) + scatter) / (prior + n)
        M *= p / np.trace(M)
        if np.linalg.norm(M - last) < SETTLED:
            break
    return _sizes(seen, _Likelihoods.of(seen, M)), M


def _best_strength(seen: _Contrasts) -> float:
    """Choose the strength under which batteries that were left out are likeliest."""
    units = np.unique(seen.units)
    fold = np.searchsorted(units, seen.units) % min(N_FOLDS, max(units.size, 1))
    candidates, reached = (np.inf, *STRENGTHS), []
    for strength in candidates:
        total = 0.0
        for k in np.unique(fold):
            weights, M = _learned(seen.take(fold != k), strength)
            logs = _Likelihoods.of(seen.take(fold == k), M).logs + np.log(weights)
            top = logs.max(axis=1)
            total += float(seen.counts[fold == k] @ (top + np.log(np.exp(logs - top[:, None]).sum(axis=1))))
        reached.append(total)
    return candidates[int(np.argmax(reached))]


def deviation_variances(shares: Floats, bases: Floats, form: Floats) -> tuple[Floats, Floats]:
    """Return the variance of each group's deviation from everybody, and of each difference of two groups, by tau.

    A deviation is the error of a group's mean less the mean error, weighted by the shares of the groups.

    Parameters
    ----------
    shares, bases : ndarray of shape (n_groups,)
        Share of each group in the population, and its effective number of people.
    form : ndarray of shape (n_groups, n_groups)

    Returns
    -------
    own : ndarray of shape (n_groups, len(TAUS))
    pairs : ndarray of shape (n_groups, n_groups, len(TAUS))
        In squared sd of the item.
    """
    each = form[:, :, None] * TAUS**2
    k = np.arange(bases.size)
    each[k, k] += 1.0 / np.maximum(bases, 1.0)[:, None]
    together = np.einsum("g,ght->ht", shares, each)
    own = each[k, k] - 2 * together + shares @ together
    return own, pair_variances(each)


def pair_variances(covariance: Floats) -> Floats:
    """Return the variance of each difference of two groups, from the covariances of groups, (G, G, ...)."""
    k = np.arange(len(covariance))
    own = covariance[k, k]
    found = own[:, None] + own[None] - 2 * covariance
    found[k, k] = 0.0
    return np.asarray(np.maximum(found, 0.0))

r"""Draw answers to new items jointly: with the levels, spreads and relations that the items may have.

One draw takes, for each target j, a pseudo-target k by its importance, as what may happen to j: the error of the
level :math:`\delta_k`, the slope :math:`b_k` of the answers on the predictions, the sd :math:`\sigma_k` of what is
left, and its quantiles :math:`Q_k`. In units of the predicted sd, the answers of person i are

.. math::

    x_{ij} = \mu_{ij} + \sigma_k Q_k(\Phi(g_{ij})),\qquad \mu_{ij} = \bar f_j + \delta_k + b_k (f_{ij} - \bar f_j),

with predictions f. The normal scores g correlate so that answers to two new items have the correlation that
:mod:`truetwin.calibration.auto.total_correlations` draws for them, given what the predictions contribute. A part of
each g follows the donors, at random, as strongly as the errors of pseudo-targets do. The correlation of the errors of
two donors would be of no use here: each is predicted from the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from truetwin.calibration.auto.item_laws import Residuals
from truetwin.calibration.auto.item_links import positive_definite
from truetwin.calibration.auto.new_items import FoldPrediction, has_donors
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.auto.total_correlations import TotalCorrelations, total_correlations
from truetwin.calibration.orientation import Array
from truetwin.calibration.predictive_law import JointLaw

N_QUANTILES = 201
SHARES = np.linspace(0.0, 1.0, N_QUANTILES)
LEAST_ANSWERS = 10
LEAST_VARIANCE = 1e-4
LARGEST_COPULA = 0.9
LARGEST_DONOR_PART = 0.5
DONOR_RIDGE = 0.02
SLOPE_NOISE = 0.05


@dataclass(frozen=True, eq=False)
class PossibleErrors:
    """Errors that the predictions of one new item may have: one row a pseudo-target, in units of predicted sds.

    Attributes
    ----------
    weight : ndarray of shape (m,)
        Probability of each row.
    level, slope, spread : ndarray of shape (m,)
        Mean error, slope of the answers on the predictions, and sd of what is left.
    shape : ndarray of shape (m, N_QUANTILES)
        Quantiles of what is left, with mean 0 and sd 1.
    """

    weight: Array
    level: Array
    slope: Array
    spread: Array
    shape: Array

    @classmethod
    def of(cls, pseudo: Residuals) -> PossibleErrors:
        """Describe the errors on the pseudo-targets of one target."""
        items, errors = pseudo.scores
        enough = np.isfinite(errors).sum(axis=1) >= LEAST_ANSWERS
        items, errors = items[enough], errors[enough]
        if not items.size:
            one = np.ones(1)
            return cls(one, 0 * one, one, one, np.linspace(-1.7, 1.7, N_QUANTILES)[None])
        f = np.where(np.isfinite(errors), pseudo.predicted[items], np.nan)
        weight = pseudo.importance[items] / pseudo.importance[items].sum()
        slope = _slopes(f, errors, weight)
        rest = errors - (slope.own - 1)[:, None] * (f - np.nanmean(f, axis=1, keepdims=True))
        level = np.nanmean(rest, axis=1)
        rest -= level[:, None]
        spread = np.maximum(np.nanstd(rest, axis=1), 1e-3)
        shape = np.nanquantile(rest / spread[:, None], SHARES, axis=1).T
        shape -= shape.mean(axis=1, keepdims=True)
        shape /= np.maximum(shape.std(axis=1, keepdims=True), 1e-3)
        return cls(weight, level, slope.shrunk, spread, shape)

    def drawn(self, rng: np.random.Generator) -> tuple[float, float, float, Array]:
        """Draw level, slope, spread and shape."""
        k = int(rng.choice(len(self.weight), p=self.weight))
        return float(self.level[k]), float(self.slope[k]), float(self.spread[k]), self.shape[k]


@dataclass(frozen=True, eq=False)
class _Slopes:
    """Slopes as estimated, and as they vary beyond sampling error."""

    own: Array
    shrunk: Array


def _slopes(f: Array, errors: Array, weight: Array) -> _Slopes:
    """Regress the answers (prediction plus error) to each pseudo-target on its predictions."""
    n = np.isfinite(f).sum(axis=1)
    centred = f - np.nanmean(f, axis=1, keepdims=True)
    around = errors - np.nanmean(errors, axis=1, keepdims=True)
    variance = np.nanmean(centred**2, axis=1)
    varies = variance > LEAST_VARIANCE
    if not varies.any():
        return _Slopes(np.ones(len(f)), np.ones(len(f)))
    safe = np.where(varies, variance, 1.0)
    own = 1 + np.where(varies, np.nanmean(centred * around, axis=1) / safe, 0.0)
    left = np.nanmean((around - (own - 1)[:, None] * centred) ** 2, axis=1)
    sampling = left / (n * safe)
    trust = np.where(varies, weight / (sampling + SLOPE_NOISE), 0.0)
    mean = float(trust @ own / trust.sum())
    between = max(float(trust @ ((own - mean) ** 2 - sampling) / trust.sum()), 0.0)
    kept = np.sqrt(between / (between + sampling)) if between > 0 else np.zeros(len(f))
    own = np.where(varies, own, mean)
    return _Slopes(own, mean + kept * (own - mean))


@dataclass(frozen=True, eq=False)
class DonorPart:
    """The part of the errors that follows people's answers to the donors.

    Its correlations with donors are drawn at random; with donors that people answer alike, they are alike.

    Attributes
    ----------
    directions : ndarray of shape (n, d)
        People's answers to the donors, turned so that they are uncorrelated.
    strength : ndarray of shape (q,)
        Sd of the correlation of a target's errors with a donor.
    """

    directions: Array
    strength: Array

    def drawn(self, rng: np.random.Generator) -> Array:
        """Draw the part for every person and target, (n, q); its variance is at most one half."""
        along = rng.normal(0.0, 1.0, (self.directions.shape[1], len(self.strength))) * self.strength
        part = self.directions @ along
        too_large = np.maximum(part.var(axis=0) / LARGEST_DONOR_PART, 1.0)
        return np.asarray(part / np.sqrt(too_large))


def _donor_part(problem: Problem, targets: Sequence[int], pseudo: Sequence[Residuals]) -> DonorPart:
    """Learn how far the errors of the targets may follow the donors."""
    donors = np.flatnonzero(problem.donors(targets))
    Z = problem.people.values[:, donors]
    moments = Z.T @ Z / max(len(Z), 1) + DONOR_RIDGE * np.eye(len(donors))
    values, vectors = np.linalg.eigh(moments)
    answered = problem.people.seen[:, donors].mean(axis=0)
    directions = Z @ (vectors / np.sqrt(values)) @ vectors.T * np.sqrt(answered)
    strength = np.array([_strength(problem, donors, each) for each in pseudo], dtype=np.float64)
    return DonorPart(directions, strength)


def _strength(problem: Problem, donors: NDArray[np.intp], pseudo: Residuals) -> float:
    """Compute by how much squared correlations of errors with other donors exceed chance; return the root."""
    items, errors = pseudo.scores
    if not items.size:
        return 0.0
    fine = np.isfinite(errors)
    f = np.where(fine, pseudo.predicted[items], 0.0)
    y = np.where(fine, errors, 0.0)
    n = np.maximum(fine.sum(axis=1, keepdims=True), 1)
    f, y = (np.where(fine, v - v.sum(axis=1, keepdims=True) / n, 0.0) for v in (f, y))
    squares = (f**2).sum(axis=1, keepdims=True)
    y = (
        y
        - np.divide(
            (f * y).sum(axis=1, keepdims=True), squares, out=np.zeros_like(squares), where=squares > 1e-9
        )
        * f
    )
    z, seen = (v[pseudo.who[:, None], donors] for v in (problem.people.values, problem.people.seen))
    there = seen.astype(np.float64)
    pairs = fine.astype(np.float64) @ there
    scale = (y**2 @ there) * (fine.astype(np.float64) @ z**2)
    squared = np.divide((y @ z) ** 2, scale, out=np.zeros_like(scale), where=scale > 1e-9)
    apart = items[:, None] != donors
    if pseudo.situation == "new battery":
        apart &= problem.block[items][:, None] != problem.block[donors]
    weight = np.where(apart & (scale > 1e-9), pairs, 0.0)
    if not weight.any():
        return 0.0
    beyond = float((weight * (squared - 1 / np.maximum(pairs, 1))).sum() / weight.sum())
    return float(np.sqrt(max(beyond, 0.0)))


@dataclass(frozen=True, eq=False)
class JointItemLaw(JointLaw):
    """Joint law of the answers to all new items.

    Attributes
    ----------
    predicted : ndarray of shape (n, q)
        Standardised predictions.
    known : ndarray of bool of shape (n,)
        People who have answered a donor.
    mean, sd : ndarray of shape (q,)
        Predicted levels.
    errors : tuple of PossibleErrors
        One a target.
    correlations : TotalCorrelations
        Of the answers to the new items.
    donors : DonorPart
        Of the errors.
    """

    predicted: Array
    known: NDArray[np.bool_]
    mean: Array
    sd: Array
    errors: tuple[PossibleErrors, ...]
    correlations: TotalCorrelations
    donors: DonorPart

    def draw(self, rng: np.random.Generator) -> Array:
        """See the base class."""
        correlations = self.correlations.drawn(rng)
        chosen = [each.drawn(rng) for each in self.errors]
        level, slope, spread = np.array([each[:3] for each in chosen]).T
        centre = self.predicted[self.known].mean(axis=0) if self.known.any() else 0.0
        mu = centre + level + slope * (self.predicted - centre)
        own = (
            np.atleast_2d(np.cov(mu[self.known], rowvar=False, ddof=0))
            if self.known.sum() > 1
            else 0 * correlations
        )
        total = np.sqrt(np.diag(own) + spread**2)
        copula = (correlations * np.outer(total, total) - own) / np.outer(spread, spread)
        copula = np.clip(copula, -LARGEST_COPULA, LARGEST_COPULA)
        np.fill_diagonal(copula, 1.0)
        g = rng.standard_normal(mu.shape) @ np.linalg.cholesky(positive_definite(copula)).T
        part = self.donors.drawn(rng)
        at = ndtr(g * np.sqrt(1 - part.var(axis=0)) + part)
        left = np.stack([np.interp(u, SHARES, each[3]) for u, each in zip(at.T, chosen, strict=True)], axis=1)
        return np.asarray(self.mean + self.sd * (mu + spread * left))


def joint_item_law(
    problem: Problem, targets: Sequence[int], found: FoldPrediction, pseudo: Sequence[Residuals]
) -> JointItemLaw:
    """Learn the joint law of the targets of one fold, from the predictions of pseudo-targets."""
    levels = [each.level for each in pseudo]
    return JointItemLaw(
        found.values,
        has_donors(problem, targets),
        np.array([level.mean for level in levels]),
        np.array([level.sd for level in levels]),
        tuple(PossibleErrors.of(each) for each in pseudo),
        total_correlations(problem, targets),
        _donor_part(problem, targets, pseudo),
    )

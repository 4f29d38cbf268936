r"""Stacking: learn the weights of several predictors on pseudo-targets (answered items treated as unanswered).

The weights w solve

.. math:: \max_w \sum_k \omega_k\, \mathrm{corr}(F_k w, z_k) - \text{ridge}

over pseudo-targets k, from the covariance matrices of (features, answer) of each pseudo-target alone. The mean
correlation does not say how far predictions should spread. That is learned on the pseudo-targets too. With
:math:`s_k` the sd of :math:`F_k w`,

.. math:: \hat z_k = c\, (s_k / \bar s)^{b - 1} F_k w,\qquad 0 \le b \le 1,

with c and b from least squares over pseudo-targets. At b = 1, predictions that hardly spread stay so; at b = 0, those
of every item spread alike.

In a new battery, the part of :math:`F_k w` that comes from donors is limited first
(:mod:`truetwin.calibration.auto.agreement`). Correlations, c and b are those of limited predictions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.agreement import NO_LIMIT, Parts, choose_limit, correlation
from truetwin.calibration.orientation import Array

_MAX_STEPS = 40
_FLOOR = 0.003
_LEAST_CORRELATION = 0.05
_NO_SPREAD = 1e-6
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Moments:
    """Counts, means and covariances of (features, answer) for every fold and pseudo-target.

    Attributes
    ----------
    count : ndarray of shape (m, p)
        Number of people.
    mean : ndarray of shape (m, p, d)
        Means of the d variables.
    covariance : ndarray of shape (m, p, d, d)
        The last of the d variables is the human answer.
    """

    count: Array
    mean: Array
    covariance: Array


class MomentSums:
    """Accumulate people into :class:`Moments`."""

    def __init__(self, n_folds: int, n_items: int, n_variables: int) -> None:
        self.count = np.zeros((n_folds, n_items))
        self.first = np.zeros((n_folds, n_items, n_variables))
        self.second = np.zeros((n_folds, n_items, n_variables, n_variables))

    def add(self, folds: NDArray[np.intp], item: int, variables: Array) -> None:
        """Add the variables, (m, d, n), of one pseudo-target in m folds."""
        self.count[folds, item] += variables.shape[2]
        self.first[folds, item] += np.einsum("mdn->md", variables)
        self.second[folds, item] += np.matmul(variables, variables.transpose(0, 2, 1))

    def moments(self) -> Moments:
        """Compute the means and covariances of everything added."""
        count = np.maximum(self.count, 1)[:, :, None]
        mean = self.first / count
        covariance = self.second / count[..., None] - mean[..., :, None] * mean[..., None, :]
        return Moments(self.count, mean, covariance)


@dataclass(frozen=True)
class Scale:
    """Scale of predictions: how far they spread, given the spread that the weighted features have.

    Attributes
    ----------
    typical : float
        Root mean square of the spreads of pseudo-targets.
    power : float
        The exponent b.
    factor : float
        By what weighted features of typical spread are multiplied.
    """

    typical: float
    power: float
    factor: float = 1.0

    def widening(self, spread: Array) -> Array:
        """Return the factor by which to multiply predictions with the given spread; 1 where they do not vary at all."""
        return widening_of(self.typical, self.power, self.factor, spread)

    @classmethod
    def learn(cls, spread: Array, explained: Array, share: Array) -> Scale:
        """Fit c and b by least squares, from spreads of predictions and their covariances with answers."""
        typical = float(np.sqrt(share @ spread**2 / max(float(share.sum()), _NO_SPREAD)))
        unit = max(typical, _NO_SPREAD)
        slope, power = _slope(spread / unit, explained / unit, share)
        return cls(typical, power, slope / unit)


def widening_of(typical: Array | float, power: Array | float, factor: Array | float, spread: Array) -> Array:
    """Return the factor by which scales with such parameters multiply predictions with the given spreads."""
    varies = spread > _NO_SPREAD * np.maximum(typical, _NO_SPREAD)
    ratio = np.divide(typical, spread, out=np.ones_like(spread), where=varies)
    return np.asarray(np.where(varies, factor, 1.0) * ratio ** (1.0 - power))


@dataclass(frozen=True, eq=False)
class Stack:
    """Learned weights of the features, scaled so that they predict standardised answers.

    Attributes
    ----------
    weights : ndarray of shape (f,)
        Weights of the f features; all 0 if there was nothing to learn from.
    correlations : ndarray of shape (p,)
        Correlation on each pseudo-target, with weights that are learned without it; NaN where it is not one.
    spreads : ndarray of shape (p,)
        Sd of the features times ``weights`` for each pseudo-target; NaN where it is not one.
    typical : float
        Root mean square of ``spreads``.
    power : float
        The exponent b: 1 keeps the spread that the features give to an item's predictions, 0 makes all items alike.
    silent : Scale, optional
        Scale of items to which all twins gave one answer, so that donors alone predict them; that of all items by
        default.
    limit : float
        How far donors may change the twin's own answers.
    n_own : int
        Number of features, the last ones, that are twins' own answers. Only counted where there is a limit.
    kept : ndarray of shape (p,), optional
        Share of the donors' part that is kept for each pseudo-target; all of it by default.
    """

    weights: Array
    correlations: Array
    spreads: Array
    typical: float = 0.0
    power: float = 1.0
    silent: Scale | None = None
    limit: float = NO_LIMIT
    n_own: int = 0
    kept: Array | None = None

    def widening(self, spread: Array) -> Array:
        """Return the factor by which to multiply predictions with the given spread; 1 where they do not vary at all."""
        return Scale(self.typical, self.power).widening(spread)

    def parts(self, F: Array) -> Array:
        """Split the weighted sum of features (f, ...) into the donors' part and the own part, (2, ...)."""
        n = len(self.weights) - self.n_own
        parts = [np.tensordot(self.weights[:n], F[:n], 1), np.tensordot(self.weights[n:], F[n:], 1)]
        return np.stack(parts)

    def join(self, parts: Array, people: NDArray[np.bool_] | None = None) -> Array:
        """Predict an item from its parts over people, (2, n); ``people`` are those who decide on limit and scale."""
        among = parts if people is None else parts[:, people]
        kept = Parts.of(among).kept(self.limit)
        spread = (kept * among[0] + among[1]).std()
        return np.asarray((kept * parts[0] + parts[1]) * self._widening(spread, among[1].any()))

    def of_pseudo_target(self, item: int, F: Array) -> Array:
        """Predict a pseudo-target from its features (f, n), with limit and scale from all its people."""
        donors, own = self.parts(F)
        kept = 1.0 if self.kept is None else self.kept[item]
        spread = np.nan_to_num(self.spreads[item])
        return np.asarray((kept * donors + own) * self._widening(spread, own.any()))

    def _widening(self, spread: float, says_own: bool) -> float:
        scale = self if says_own or self.silent is None else self.silent
        return float(scale.widening(np.asarray(spread)))


@dataclass(frozen=True, eq=False)
class Limiting:
    """Limit of donors in a new battery.

    Attributes
    ----------
    n_own : int
        Number of features, the last ones, that are twins' own answers.
    blocks : ndarray of int of shape (p,)
        Battery of each possible pseudo-target.
    alone : bool
        Whether the target belongs to no battery.
    """

    n_own: int
    blocks: NDArray[np.intp]
    alone: bool = False


def fit_stack(
    covariance: Array,
    importance: Array,
    ridge: float,
    limiting: Limiting | None = None,
) -> Stack:
    r"""Find the weights that maximise the mean correlation over pseudo-targets.

    Parameters
    ----------
    covariance : ndarray of shape (p, d, d)
        Covariances of (features, answer) of each possible pseudo-target.
    importance : ndarray of shape (p,)
        Weight of each pseudo-target, :math:`\omega_k`; 0 leaves it out.
    ridge : float
        Penalty in units of the features' mean curvature.
    limiting : Limiting, optional
        Which features limit what the others may change; by default nothing is limited.

    Examples
    --------
    >>> covariance = np.array([[[1.0, 0.0, 0.6], [0.0, 1.0, 0.0], [0.6, 0.0, 1.0]]])
    >>> fit_stack(covariance, np.ones(1), 1e-6).weights.round(3)
    array([0.6, 0. ])
    """
    n_features = covariance.shape[1] - 1
    answer = covariance[:, -1, -1]
    usable = (importance > 0) & (answer > 1e-9)
    correlations, spreads = np.full((2, len(covariance)), np.nan)
    own = covariance[usable][:, :-1, :-1]
    root = np.sqrt(np.diagonal(own, axis1=1, axis2=2).mean(axis=0)) if usable.any() else np.zeros(n_features)
    alive = root > 1e-9
    if not alive.any():
        return Stack(np.zeros(n_features), correlations, spreads)
    own = own[:, alive][:, :, alive] / np.outer(root[alive], root[alive])
    sd = np.sqrt(answer[usable])
    cross = covariance[usable][:, :-1, -1][:, alive] / root[alive] / sd[:, None]
    share = importance[usable] / importance[usable].sum()
    w = _best_weights(own, cross, share, ridge)
    n_own = limiting.n_own if limiting else 0
    is_own = np.flatnonzero(alive) >= n_features - n_own
    donors, twin = np.where(is_own, 0.0, w), np.where(is_own, w, 0.0)
    parts = Parts(own @ donors @ donors, own @ twin @ twin, own @ donors @ twin)
    limit = NO_LIMIT
    if limiting:
        blocks = limiting.blocks[usable]
        limit = choose_limit(parts, cross @ donors, cross @ twin, share, blocks, alone=limiting.alone)
    kept = parts.kept(limit)
    variance, explained = parts.variance(kept), kept * (cross @ donors) + cross @ twin
    group = limiting.blocks[usable] if limiting else np.arange(len(own))
    correlations[usable] = _correlations_left_out(own, cross, share, ridge, w, group, is_own, kept)
    spread = np.sqrt(variance)
    scale = Scale.learn(spread, explained, share)
    spreads[usable] = scale.factor * spread
    silent = (parts.own <= _NO_SPREAD**2) & (spread > _NO_SPREAD)
    quiet = Scale.learn(scale.factor * spread[silent], scale.factor * explained[silent], share[silent])
    weights, shares = np.zeros(n_features), np.ones(len(covariance))
    weights[alive], shares[usable] = w * scale.factor / root[alive], kept
    return Stack(
        weights,
        correlations,
        spreads,
        scale.factor * scale.typical,
        scale.power,
        quiet if limiting and quiet.factor > 0 else None,
        limit,
        n_own,
        shares,
    )


def _best_weights(own: Array, cross: Array, share: Array, ridge: float) -> Array:
    """Maximise the mean correlation, from covariances of features (p, f, f) and of features with answers (p, f)."""
    mean_own = np.tensordot(share, own, 1)
    identity = np.eye(own.shape[1])
    flat = own.reshape(len(own), -1)
    start = np.asarray(np.linalg.solve(mean_own + ridge * identity, share @ cross), dtype=np.float64)
    w = _unit(start, mean_own)
    for _ in range(_MAX_STEPS):
        variance = flat @ np.outer(w, w).reshape(-1) + _FLOOR
        spread = np.sqrt(variance)
        reached = np.maximum(cross @ w / spread, _LEAST_CORRELATION)
        curvature = ((share * reached / variance) @ flat).reshape(mean_own.shape)
        new = np.linalg.solve(
            curvature + ridge * curvature.trace() / len(w) * identity, (share / spread) @ cross
        )
        new = _unit(new, mean_own)
        moved = float(np.abs(new - w).max())
        w = new
        if moved < 1e-14:
            break
    return w


def _correlations_left_out(
    own: Array,
    cross: Array,
    share: Array,
    ridge: float,
    w: Array,
    group: NDArray[np.intp],
    is_own: NDArray[np.bool_],
    kept: Array,
) -> Array:
    """Compute the correlation on each pseudo-target with weights that are learned without its group, (p,).

    Weights that were learned on a pseudo-target fit what is chance in it, so that twins that are noise seem to know
    something. One step of the iteration without the group starts at the weights of all, which comes close to learning
    anew. With one group only there is nothing else to learn from, and its own weights stay.
    """
    spread = np.sqrt(own @ w @ w + _FLOOR)
    reached = np.maximum(cross @ w / spread, _LEAST_CORRELATION)
    place = np.unique(group, return_inverse=True)[1]
    n_groups = int(place.max()) + 1
    curvature, pull = np.zeros((n_groups, *own.shape[1:])), np.zeros((n_groups, len(w)))
    np.add.at(curvature, place, (share * reached / spread**2)[:, None, None] * own)
    np.add.at(pull, place, (share / spread)[:, None] * cross)
    curvature, pull = curvature.sum(axis=0) - curvature, pull.sum(axis=0) - pull
    size = np.trace(curvature, axis1=1, axis2=2)[:, None, None] / len(w)
    system = curvature + np.maximum(ridge * size, 1e-12) * np.eye(len(w))
    alone = (
        np.linalg.solve(system, pull[..., None])[place, :, 0] if n_groups > 1 else np.tile(w, (len(own), 1))
    )
    alone = np.where(is_own, 1.0, kept[:, None]) * alone
    explained = np.einsum("pf,pf->p", cross, alone)
    return correlation(np.einsum("pf,pfg,pg->p", alone, own, alone), explained)


def _slope(spread: Array, cross: Array, share: Array) -> tuple[float, float]:
    """Fit c and b by least squares, from the relative spreads of predictions and their covariances with answers."""
    varies = spread > _NO_SPREAD
    spread, cross, share = spread[varies], cross[varies], share[varies]
    best = (0.0, 0.0, 1.0)
    for power in POWERS:
        explained = float(share @ (spread ** (power - 1) * cross))
        size = float(share @ spread ** (2 * power))
        if explained > 0 and size > 0 and explained**2 / size >= best[0]:
            best = (explained**2 / size, explained / size, power)
    return best[1:]


def _unit(w: Array, metric: Array) -> Array:
    size = float(w @ metric @ w)
    return np.asarray(w / np.sqrt(size)) if size > 1e-20 else w

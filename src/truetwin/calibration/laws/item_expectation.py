r"""Predict the quality of a new item's predictions, from items whose outcome is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.orientation import Array

Positions = NDArray[np.intp]

MIN_RECORD = 8
#: Ridge penalties to choose from; with the last one the features have no effect, and the mean is expected.
PENALTIES = np.array([1.0, 10.0, 100.0, 1e9])


@dataclass(frozen=True)
class Expected:
    """Expected correlations with human answers.

    Attributes
    ----------
    calibrated, twin : float
        Expected correlation of calibrated predictions, and of the twins as they are.
    """

    calibrated: float
    twin: float

    @property
    def gain(self) -> float:
        """Expected gain of calibration in correlation."""
        return self.calibrated - self.twin


def expect(
    features: Array, outcomes: Array, record: Positions, target: int, groups: Positions
) -> Expected | None:
    r"""Regress the outcomes of known items on their features, and predict the target.

    Solves :math:`\min_w \sum_i \omega_i (y_i - \bar y - x_i^T w)^2 + \kappa \|w\|_2^2` for each outcome, with x
    standardised over the record (the known items) and :math:`\omega_i` one over the size of the item's group, so that
    a long battery counts once. :math:`\kappa` is chosen by leaving out each group in turn. If items of the target's
    own group (its siblings) are in the record, the mean residual of these items, left out as a group, is added. It is
    shrunk as by a random intercept: n siblings count :math:`n / (n + \sigma^2 / \tau^2)`, with :math:`\sigma^2` the
    variance of the residuals within groups and :math:`\tau^2` that between groups.

    Parameters
    ----------
    features : ndarray of shape (n_items, n_features)
        What is visible of an item without its human answers; NaN where undefined.
    outcomes : ndarray of shape (n_items, 2)
        Correlations of calibrated predictions and of twins with human answers.
    record : ndarray of int
        Positions of the items that may be learned from.
    target : int
        Position of the item to predict; its outcomes are not looked at.
    groups : ndarray of shape (n_items,)
        Group number of each item. Items of one group are not independent of each other; those of the target's group
        are its siblings.

    Returns
    -------
    Expected or None
        None if fewer than eight items or three groups have all figures, or the target lacks one.
    """
    usable = record[np.isfinite(features[record]).all(axis=1) & np.isfinite(outcomes[record]).all(axis=1)]
    if usable.size < MIN_RECORD or not np.isfinite(features[target]).all():
        return None
    member, sizes = np.unique(groups[usable], return_inverse=True, return_counts=True)[1:]
    if sizes.size < 3:
        return None
    weight = 1.0 / sizes[member]
    X, y = features[usable], outcomes[usable]
    # limited to the range of the known items: beyond it, a straight line is no guide
    x = np.clip(features[target], X.min(axis=0), X.max(axis=0))
    centre = weight @ X / sizes.size
    scale = np.sqrt(weight @ (X - centre) ** 2 / sizes.size)
    scale[scale < 1e-12] = 1.0
    X, x = (X - centre) / scale, (x - centre) / scale
    left_out = _left_out(X, y, weight, member, sizes.size)  # (n_penalties, n_record, 2)
    errors = np.einsum("i,pik->pk", weight, (y - left_out) ** 2)
    best = np.argmin(errors, axis=0)
    level = weight @ y / sizes.size
    gram, cross = (weight[:, None] * X).T @ X, (weight[:, None] * X).T @ (y - level)
    inverses = [np.linalg.inv(gram + PENALTIES[p] * np.eye(X.shape[1])) for p in best]
    calibrated, twin = (float(level[k] + x @ inverses[k] @ cross[:, k]) for k in (0, 1))
    siblings = np.flatnonzero(groups[usable] == groups[target])
    if siblings.size:
        missed = y - np.stack([left_out[best[k], :, k] for k in (0, 1)], axis=1)
        means = np.stack([np.bincount(member, column) for column in (weight[:, None] * missed).T], axis=1)
        within = np.sum((missed - means[member]) ** 2, axis=0) / max(int(np.sum(sizes - 1)), 1)
        between = np.maximum(np.mean(means**2 - within / sizes[:, None], axis=0), 0.0)
        share = between * siblings.size / np.maximum(between * siblings.size + within, 1e-9)
        calibrated, twin = np.array([calibrated, twin]) + share * missed[siblings].mean(axis=0)
    return Expected(float(calibrated), float(twin))


def _left_out(X: Array, y: Array, weight: Array, member: Positions, n_groups: int) -> Array:
    """Predict each item from the other groups, for every penalty."""
    one = np.column_stack([np.ones(len(X)), X])
    weighted = weight[:, None] * one
    n_columns = one.shape[1]
    gram, cross = np.zeros((n_groups, n_columns, n_columns)), np.zeros((n_groups, n_columns, y.shape[1]))
    np.add.at(gram, member, weighted[:, :, None] * one[:, None, :])
    np.add.at(cross, member, weighted[:, :, None] * y[:, None, :])
    gram, cross = gram.sum(axis=0) - gram, cross.sum(axis=0) - cross
    free = np.diag([0.0, *np.ones(n_columns - 1)])  # the intercept is not penalised
    system = gram[None] + PENALTIES[:, None, None, None] * free
    coefficients = np.linalg.solve(system, np.broadcast_to(cross, (PENALTIES.size, *cross.shape)))
    return np.asarray(np.einsum("ij,pijk->pik", one, coefficients[:, member]))

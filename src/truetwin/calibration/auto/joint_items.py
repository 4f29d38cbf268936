"""Learn how answers to new items move together: correlations of the items, and errors that follow the donors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.new_items import has_donors
from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.auto.total_correlations import total_correlations
from truetwin.calibration.laws.error_record import ErrorRecord
from truetwin.calibration.laws.item_errors import ItemErrors
from truetwin.calibration.laws.joint_ranks import DonorPart, JointItemLaw, PossibleErrors
from truetwin.calibration.orientation import Array

DONOR_RIDGE = 0.02


def _donor_part(problem: Problem, targets: Sequence[int], pseudo: Sequence[ErrorRecord]) -> DonorPart:
    """Learn how far the errors of the targets may follow the donors."""
    donors = np.flatnonzero(problem.donors(targets))
    Z = problem.people.values[:, donors]
    moments = Z.T @ Z / max(len(Z), 1) + DONOR_RIDGE * np.eye(len(donors))
    values, vectors = np.linalg.eigh(moments)
    answered = problem.people.seen[:, donors].mean(axis=0)
    directions = Z @ (vectors / np.sqrt(values)) @ vectors.T * np.sqrt(answered)
    new = [problem.situation(t, targets) == "new battery" for t in targets]
    strength = np.array(
        [_strength(problem, donors, each, far) for each, far in zip(pseudo, new, strict=True)],
        dtype=np.float64,
    )
    return DonorPart(directions, strength)


def _strength(problem: Problem, donors: NDArray[np.intp], pseudo: ErrorRecord, other_blocks: bool) -> float:
    """Compute by how much squared correlations of errors with other donors exceed chance; return the root."""
    items, errors = pseudo.items, pseudo.errors
    if not items.size:
        return 0.0
    fine = np.isfinite(errors)
    f = np.where(fine, pseudo.predicted, 0.0)
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
    z, seen = (v[pseudo.rows[:, None], donors] for v in (problem.people.values, problem.people.seen))
    there = seen.astype(np.float64)
    pairs = fine.astype(np.float64) @ there
    scale = (y**2 @ there) * (fine.astype(np.float64) @ z**2)
    squared = np.divide((y @ z) ** 2, scale, out=np.zeros_like(scale), where=scale > 1e-9)
    apart = items[:, None] != donors
    if other_blocks:
        apart &= problem.block[items][:, None] != problem.block[donors]
    weight = np.where(apart & (scale > 1e-9), pairs, 0.0)
    if not weight.any():
        return 0.0
    beyond = float((weight * (squared - 1 / np.maximum(pairs, 1))).sum() / weight.sum())
    return float(np.sqrt(max(beyond, 0.0)))


def joint_item_law(
    problem: Problem, targets: Sequence[int], predicted: Array, errors: Sequence[ItemErrors]
) -> JointItemLaw:
    """Learn the joint law of the targets of one fold.

    Parameters
    ----------
    problem : Problem
    targets : sequence of int
    predicted : ndarray of shape (n, q)
        Predictions in the units of the errors, from the predicted mean.
    errors : sequence of ItemErrors
        One a target.
    """
    pseudo = [each.pseudo for each in errors]
    return JointItemLaw(
        predicted,
        has_donors(problem, targets),
        tuple(PossibleErrors.of(each) for each in pseudo),
        total_correlations(problem, targets),
        _donor_part(problem, targets, pseudo),
    )

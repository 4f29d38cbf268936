"""Predict new items: stack features with weights learned on other items, never on the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.pseudo_targets import MAX_LEARNERS, FoldFeatures, Problem, Situation
from truetwin.calibration.auto.stacking import Limiting, Moments, Stack, fit_stack
from truetwin.calibration.orientation import Array

BOOST = 1.0
FULL_BOOST_AT = 5
RIDGE: dict[Situation, float] = {"pool": 0.003, "known battery": 0.02, "new battery": 0.1}


@dataclass(frozen=True, eq=False)
class FoldPrediction:
    """Standardised predictions of one fold, and what was learned for it.

    Attributes
    ----------
    values : ndarray of shape (n, q)
        Predictions of the q targets; 0 for people who have answered no donor.
    situations : tuple of str
        What each target faces.
    stacks : tuple of Stack
        What was learned for each target.
    """

    values: Array
    situations: tuple[Situation, ...]
    stacks: tuple[Stack, ...]


def predict_items(
    problem: Problem, folds: Sequence[Sequence[int]], *, block_blind: bool
) -> list[FoldPrediction]:
    """Predict the targets of every fold; a fold's result does not depend on the other folds."""
    if problem.inconsistent and any(problem.answered[list(fold)].any() for fold in folds):
        return [predict_items(problem.hiding(fold), [fold], block_blind=block_blind)[0] for fold in folds]
    features = FoldFeatures(problem, folds)
    n = len(problem.sample_ids)
    parts = [np.zeros((2, n, len(f))) for f in features.folds]
    kept: dict[tuple[int, int], list[tuple[NDArray[np.intp], Array]]] = {}
    small = n <= MAX_LEARNERS

    def keep(k: int, t: int, who: NDArray[np.intp], F: Array) -> None:
        kept.setdefault((k, t), []).append((who, F))

    learned = features.learn(keep if small else None)
    stacks = [
        tuple(
            _learn(problem, features, learned[s].moments, learned[s].folds.index(k), t, fold, s, block_blind)
            for t, s in zip(fold, features.situations[k], strict=True)
        )
        for k, fold in enumerate(features.folds)
    ]

    def put(k: int, t: int, who: NDArray[np.intp], F: Array) -> None:
        parts[k][:, who, t] = stacks[k][t].parts(F.T)

    if small:
        for (k, t), some in kept.items():
            put(k, t, *map(np.concatenate, zip(*some, strict=True)))
    else:
        features.walk(np.ones(n, dtype=bool), {}, put)
    values = [_joined(problem, *each) for each in zip(parts, features.folds, stacks, strict=True)]
    return [FoldPrediction(v, s, w) for v, s, w in zip(values, features.situations, stacks, strict=True)]


def _joined(problem: Problem, parts: Array, fold: Sequence[int], stacks: Sequence[Stack]) -> Array:
    """Join donors' and own parts (2, n, q) to predictions, with the spread that was best on pseudo-targets."""
    somebody = has_donors(problem, fold)
    if not somebody.any():
        return np.zeros(parts.shape[1:])
    return np.stack([stack.join(parts[:, :, t], somebody) for t, stack in enumerate(stacks)], axis=1)


def has_donors(problem: Problem, fold: Sequence[int]) -> NDArray[np.bool_]:
    """Test which people have answered an item that is not hidden."""
    return np.asarray(problem.people.seen[:, problem.donors(fold)].any(axis=1))


def _learn(
    problem: Problem,
    features: FoldFeatures,
    moments: Moments,
    row: int,
    target: int,
    fold: Sequence[int],
    s: Situation,
    block_blind: bool,
) -> Stack:
    importance = pseudo_target_weights(problem, target, fold, s, block_blind=block_blind)
    importance = np.where(moments.count[row] > 2, importance, 0.0)
    return fit_stack(moments.covariance[row], importance, RIDGE[s], limiting(problem, target, s))


def limiting(problem: Problem, target: int, s: Situation) -> Limiting | None:
    """Say what limits donors for a target: its own twins, if it faces a new battery."""
    if s != "new battery":
        return None
    return Limiting(
        len(problem.own), problem.block, alone=bool((problem.block == problem.block[target]).sum() == 1)
    )


def pseudo_target_weights(
    problem: Problem, target: int, fold: Sequence[int], s: Situation, *, block_blind: bool
) -> Array:
    """Compute the weight of each answered item in learning for ``target``; 0 for the fold's own targets.

    A block counts with the square root of its size. The target's siblings (items of its block) together count as much
    again as all items. With ``block_blind`` they do not count at all.
    """
    donors = problem.donors(fold)
    if s == "pool":
        return donors.astype(np.float64)
    size = np.bincount(problem.block[donors], minlength=int(problem.block.max()) + 1)
    weights = np.where(donors, 1.0 / np.sqrt(np.maximum(size[problem.block], 1)), 0.0)
    siblings = donors & (problem.block == problem.block[target])
    if block_blind:
        return np.where(siblings, 0.0, weights)
    weights /= weights.sum()
    count = int(siblings.sum())
    if count:
        weights[siblings] += BOOST * min(1.0, count / FULL_BOOST_AT) / count
    return weights

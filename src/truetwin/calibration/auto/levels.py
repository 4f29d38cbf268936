"""Predict level and spread of a new item: how human answers differ from twin answers on other items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.pseudo_targets import Problem
from truetwin.calibration.orientation import Array

LARGEST_SHIFT = 2.0
LARGEST_LOG_RATIO = 1.0


@dataclass(frozen=True)
class Level:
    """Predicted mean and standard deviation of the human answers to one item, on its scale."""

    mean: float
    sd: float


def predict_level(problem: Problem, target: int, hidden: Sequence[int]) -> Level:
    """Predict mean and sd of the human answers to ``target``, without looking at the answers to ``hidden``.

    The twins' mean is shifted, and their sd multiplied, by what was found on answered items. If items of the same
    block have been answered, these count most; all blocks count as far as they agree.
    """
    donors = problem.answered.copy()
    donors[[target, *hidden]] = False
    people, twins = problem.people, problem.twins
    unit, constant = problem.twin_unit, problem.twin_constant
    alike = donors & (constant == constant[target])  # constant twins say nothing of the scale's width
    donors = alike if alike.any() else donors
    mean = float(twins.mean[target])
    if not donors.any():
        return Level(mean, float(unit[target]))
    if not twins.seen[:, target].any():
        return Level(float("nan"), float("nan"))
    shift = np.clip((people.mean - twins.mean) / unit, -LARGEST_SHIFT, LARGEST_SHIFT)[donors]
    ratio = np.clip(np.log(people.sd / unit), -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)[donors]
    block = problem.block[donors]
    near = np.equal(block, problem.block[target])
    return Level(
        mean + float(unit[target]) * _pooled(shift, block, near),
        float(unit[target]) * float(np.exp(_pooled(ratio, block, near))),
    )


def _pooled(values: Array, block: NDArray[np.intp], near: NDArray[np.bool_]) -> float:
    """Pool values as the mean over blocks, shrunk to 0 by its standard error, and then towards the mean of the near
    values.
    """
    _, which = np.unique(block, return_inverse=True)
    means = np.bincount(which, values) / np.bincount(which)
    overall = float(means.mean())
    if means.size > 1 and overall:
        error = float(means.var(ddof=1)) / means.size
        overall *= max(0.0, 1.0 - error / overall**2)
    count = int(near.sum())
    return (overall + count * float(values[near].mean())) / (1 + count) if count else overall

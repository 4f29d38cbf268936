"""Stacks of many targets predict together what each predicts alone."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.auto.many_stacks import ManyStacks
from truetwin.calibration.auto.stacking import Limiting, Stack, fit_stack


def stacks(n_own: int) -> list[Stack]:
    """Three stacks of four features over ten pseudo-targets, the last two of which have silent twins."""
    found = []
    for seed in range(3):
        X = np.random.default_rng(seed).normal(size=(10, 40, 5))
        X[:, :, -1] += X[:, :, :4].sum(axis=2)
        X[-2:, :, 3] = 0.0
        limiting = Limiting(n_own, np.arange(10) // 2) if n_own else None
        covariance = np.stack([np.cov(x.T) for x in X])
        found.append(fit_stack(covariance, np.where(np.arange(10) == seed, 0.0, 1.0), 1e-3, limiting))
    return found


@pytest.mark.parametrize("n_own", [0, 1])
def test_together_as_alone(n_own: int) -> None:
    each = stacks(n_own)
    assert n_own == 0 or any(stack.silent for stack in each)
    together, which = ManyStacks(each), np.array([0, 2])
    F = np.random.default_rng(9).normal(size=(2, 4, 6))
    F[1, 3] = 0.0  # all twins agree
    for item in range(10):
        expected = [each[k].of_pseudo_target(item, F[j]) for j, k in enumerate(which)]
        np.testing.assert_allclose(together.of_pseudo_target(which, item, F), expected, rtol=1e-12)

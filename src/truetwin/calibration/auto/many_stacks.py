"""Predict a pseudo-target with the stacks of many targets at once, many times quicker than one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.stacking import Scale, Stack, widening_of
from truetwin.calibration.orientation import Array


class ManyStacks:
    """Stacks of m targets, all over the same f features.

    Parameters
    ----------
    stacks : sequence of Stack
        What :func:`~truetwin.calibration.auto.stacking.fit_stack` found for each target.
    """

    def __init__(self, stacks: Sequence[Stack]) -> None:
        weights = np.stack([s.weights for s in stacks])
        is_own = np.stack([np.arange(len(s.weights)) >= len(s.weights) - s.n_own for s in stacks])
        self._donors = np.where(is_own, 0.0, weights)[:, None]  # (m, 1, f)
        self._own = np.where(is_own, weights, 0.0)[:, None]
        self._spread = np.nan_to_num(np.stack([s.spreads for s in stacks]))  # (m, p)
        self._kept = np.stack([np.ones_like(s.spreads) if s.kept is None else s.kept for s in stacks])
        usual = [Scale(s.typical, s.power) for s in stacks]
        silent = [s.silent or scale for s, scale in zip(stacks, usual, strict=True)]
        self._scales = np.array([[(s.typical, s.power, s.factor) for s in some] for some in (silent, usual)])

    def of_pseudo_target(self, which: NDArray[np.intp], item: int, F: Array) -> Array:
        """Do as :meth:`Stack.of_pseudo_target` does, with some stacks, each of its own features (k, f, n); (k, n)."""
        donors, own = np.matmul(self._donors[which], F)[:, 0], np.matmul(self._own[which], F)[:, 0]
        says_own = own.any(axis=1).astype(np.intp)
        typical, power, factor = self._scales[says_own, which].T
        donors *= self._kept[which, item, None]
        donors += own
        donors *= widening_of(typical, power, factor, self._spread[which, item])[:, None]
        return np.asarray(donors)

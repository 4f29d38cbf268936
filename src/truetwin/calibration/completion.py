"""Matrix completion (paper A, Algorithm 2): stack humans on twins, and fill in the missing half-column."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from truetwin.calibration._orient import Array
from truetwin.calibration.base import Calibrator
from truetwin.calibration.design import Design
from truetwin.solvers.low_rank import hard_impute, soft_impute
from truetwin.solvers.low_rank import soft_impute as als


class StackedCompletion(Calibrator):
    """Completes humans stacked on twins, standardised, with the human half of each target missing.

    Subclasses implement ``_complete(stack)``. Targets are completed one at a time, so that what is predicted for one
    does not depend on which others are asked for.
    """

    works_per_target: ClassVar[bool] = True

    def _fit(self, design: Design) -> None:
        seen = design.observed
        gap = np.full((seen.human.shape[0], 1), np.nan)
        columns = [
            self._complete(np.block([[seen.human, gap], [seen.twin, seen.target[:, [k]]]]))[
                : gap.shape[0], -1
            ]
            if np.isfinite(seen.target[:, k]).any()
            else gap[:, 0]
            for k in range(design.n_targets)
        ]
        self.completed_ = np.column_stack(columns)

    def _predict(self, design: Design) -> Array:
        return self.completed_

    def _complete(self, stack: Array) -> Array:
        raise NotImplementedError  # pragma: no cover


class HardSVD(StackedCompletion):
    """Iterative SVD of fixed rank (hard-impute).

    Source: paper A, appendix A.2; solver and objective: :func:`truetwin.solvers.low_rank.hard_impute`.

    Parameters
    ----------
    rank : int, default=5
        Rank of the completed matrix.
    """

    def __init__(self, rank: int = 5) -> None:
        self.rank = rank

    def _complete(self, stack: Array) -> Array:
        return hard_impute(stack, self.rank).completed


class SoftSVD(StackedCompletion):
    """Iterative SVD with lowered singular values (soft-impute).

    Source: paper A, appendix A.2; solver and objective: :func:`truetwin.solvers.low_rank.soft_impute`.

    Parameters
    ----------
    rank : int, default=20
        Largest rank of the completed matrix.
    shrinkage : float, default=20
        What is subtracted from each singular value.
    """

    def __init__(self, rank: int = 20, shrinkage: float = 20.0) -> None:
        self.rank = rank
        self.shrinkage = shrinkage

    def _complete(self, stack: Array) -> Array:
        return soft_impute(stack, self.rank, self.shrinkage).completed


class ALS(StackedCompletion):
    """Alternating least squares with ridge-penalised factors.

    Source: paper A, appendix A.2; solver and objective: :func:`truetwin.solvers.low_rank.als`.

    Parameters
    ----------
    rank : int, default=20
        Number of factors.
    penalty : float, default=20
        Ridge penalty on both factors.
    random_state : int, default=42
        Seed of the random start.
    """

    def __init__(self, rank: int = 20, penalty: float = 20.0, random_state: int = 42) -> None:
        self.rank = rank
        self.penalty = penalty
        self.random_state = random_state

    def _complete(self, stack: Array) -> Array:
        return als(stack, self.rank, self.penalty, random_state=self.random_state).completed

"""Synthetic prior (paper A, section 3.2): complete the human answers alone, starting from the twins'."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from truetwin.calibration.base import Calibrator
from truetwin.calibration.design import Design
from truetwin.calibration.orientation import Array
from truetwin.solvers.low_rank import hard_impute


class SyntheticPrior(Calibrator):
    """Iterative SVD of fixed rank on human answers; missing ones start at the twins' standardised answers.

    Source: paper A, section 3.2 and appendix A.2.

    Parameters
    ----------
    rank : int, default=8
        Rank of the completed matrix.
    """

    works_per_target: ClassVar[bool] = True

    def __init__(self, rank: int = 8) -> None:
        self.rank = rank

    def fit_design(self, design: Design) -> None:
        """See the base class."""
        seen = design.observed
        gap = np.full((seen.human.shape[0], 1), np.nan)
        columns = []
        for k in range(design.n_targets):
            start = np.hstack([seen.twin_of_human, seen.target_of_human[:, [k]]])
            start[np.isnan(start)] = 0.0
            completed = hard_impute(
                np.hstack([seen.human, gap]), self.rank, start=start, dtype=np.float32
            ).completed
            columns.append(completed[:, -1])
        self.completed_ = np.column_stack(columns)

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        return self.completed_

"""Matrix completion (paper A, Algorithm 2): stack humans on twins, and fill in the missing human answers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, cast

import numpy as np

from truetwin.calibration.base import Calibrator
from truetwin.calibration.design import Design
from truetwin.calibration.orientation import Array
from truetwin.errors import ParameterError
from truetwin.solvers.low_rank import LowRankResult, als, hard_impute, soft_impute

Stack = Literal["linked", "unlinked"]
_LARGEST_SHARED = 2**23


class StackedCompletion(Calibrator):
    """Complete a matrix of humans stacked on twins, standardised, in which the human half of each target is missing.

    Subclasses implement ``complete(design, k, stacked)``. Targets are completed one at a time, so that the prediction
    of one does not depend on which others are predicted.

    For a new respondent there are two ways to stack. Swapping the roles of respondents and items ("linked") puts a
    person's answers beside those of the person's twin, so that the twin tells about the person. The paper's own
    computation ("unlinked") leaves people as rows: then nothing links the new person's row to the twin's, the row is
    missing entirely, and any low-rank completion that starts at the item means ends there.
    """

    works_per_target: ClassVar[bool] = True
    renamed_hooks: ClassVar[Mapping[str, str]] = {**Calibrator.renamed_hooks, "_complete": "complete"}
    stack: Stack

    def fit_design(self, design: Design) -> None:
        """See the base class."""
        if self.stack not in ("linked", "unlinked"):
            raise ParameterError(f"'stack' must be 'linked' or 'unlinked'. Got {self.stack!r} instead.")
        seen = design.observed
        n_human = seen.human.shape[0]
        self.completed_ = np.zeros((n_human, design.n_targets))
        if design.axis == "respondent" and self.stack == "unlinked":
            return  # a row of zeros, the item means: what the completion of an empty row returns
        gap = np.full((n_human, 1), np.nan)
        for k in range(design.n_targets):
            if np.isfinite(seen.target[:, k]).any():
                stacked = np.block([[seen.human, gap], [seen.twin, seen.target[:, [k]]]])
                self.completed_[:, k] = self.complete(design, k, stacked)[:n_human, -1]

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        return self.completed_

    @abstractmethod
    def complete(self, design: Design, k: int, stacked: Array) -> Array:
        """Fill the gaps in the stack of target ``k``."""


class HardSVD(StackedCompletion):
    """Iterative SVD of fixed rank (hard-impute).

    Source: paper A, appendix A.2; solver and objective: :func:`truetwin.solvers.low_rank.hard_impute`.

    Parameters
    ----------
    rank : int, default=5
        Rank of the completed matrix.
    stack : {"linked", "unlinked"}, default="linked"
        How sources are stacked for a new respondent; see :class:`StackedCompletion`.
    """

    def __init__(self, rank: int = 5, stack: Stack = "linked") -> None:
        self.rank = rank
        self.stack = stack

    def complete(self, design: Design, k: int, stacked: Array) -> Array:
        """See the base class."""
        found = hard_impute(stacked, self.rank, dtype=np.float32)
        self.note_convergence([design.target_ids[k]], found.converged)
        return found.completed


class SoftSVD(StackedCompletion):
    """Iterative SVD with lowered singular values (soft-impute).

    Source: paper A, appendix A.2; solver and objective: :func:`truetwin.solvers.low_rank.soft_impute`.

    Parameters
    ----------
    rank : int, default=20
        Largest rank of the completed matrix.
    shrinkage : float, default=20
        Amount subtracted from each singular value.
    stack : {"linked", "unlinked"}, default="linked"
        How sources are stacked for a new respondent; see :class:`StackedCompletion`.
    """

    def __init__(self, rank: int = 20, shrinkage: float = 20.0, stack: Stack = "linked") -> None:
        self.rank = rank
        self.shrinkage = shrinkage
        self.stack = stack

    def complete(self, design: Design, k: int, stacked: Array) -> Array:
        """See the base class."""
        return _softly(design, k, stacked, self.rank, self.shrinkage).completed


class ALS(StackedCompletion):
    """Alternating least squares with ridge-penalised factors.

    Source: paper A, appendix A.2; solver and objective: :func:`truetwin.solvers.low_rank.als`.

    Parameters
    ----------
    rank : int, default=20
        Number of factors.
    penalty : float, default=20
        Ridge penalty on both factors.
    stack : {"linked", "unlinked"}, default="linked"
        How sources are stacked for a new respondent; see :class:`StackedCompletion`.
    """

    def __init__(self, rank: int = 20, penalty: float = 20.0, stack: Stack = "linked") -> None:
        self.rank = rank
        self.penalty = penalty
        self.stack = stack

    def complete(self, design: Design, k: int, stacked: Array) -> Array:
        """See the base class."""
        if not self.penalty > 0:
            raise ParameterError(f"'penalty' of ALS must be > 0. Got {self.penalty!r} instead.")
        # Both solve one problem where the rank does not bind, so that the other's end is the best start.
        start = _softly(design, k, stacked, self.rank, self.penalty)
        found = als(stacked, self.rank, self.penalty, start=start, dtype=np.float32)
        self.note_convergence([design.target_ids[k]], found.converged)
        return found.completed


def _softly(design: Design, k: int, stacked: Array, rank: int, shrinkage: float) -> LowRankResult:
    """Run soft-impute on a stack; the result is kept with the design, and methods with the same settings share it."""
    key = ("soft-impute", k, rank, shrinkage)
    found = design.shared.get(key)
    if found is None:
        found = soft_impute(stacked, rank, shrinkage, dtype=np.float32)
        if found.completed.size <= _LARGEST_SHARED:
            design.shared[key] = found
    return cast(LowRankResult, found)

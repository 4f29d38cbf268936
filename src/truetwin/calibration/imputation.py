"""Completing the donors of many folds."""

from __future__ import annotations

from collections.abc import Sequence

from truetwin.calibration._orient import Array
from truetwin.solvers.low_rank import hard_impute


def impute_folds(sources: Sequence[Array], rank: int) -> list[Array]:
    """Complete each of several (respondents, items) arrays by iterative rank-constrained SVD."""
    return [hard_impute(values, rank).completed for values in sources]

"""Say when nearly all twins gave the same answer to an item. Diagnosis and simulation share this definition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Share of twins with the same answer from which that is called a fault: a convention, not an estimate.
MODAL = 0.95


def modal_share(said: NDArray[np.float64]) -> float | None:
    """Return the share of the commonest of some answers, which are none of them missing; None without answers."""
    return float(np.unique(said, return_counts=True)[1].max() / said.size) if said.size else None


def alike_in_words(share: float | None, *, constant: bool) -> str:
    """Say that twins gave the same answer; empty if they did not.

    Examples
    --------
    >>> alike_in_words(0.97, constant=False)
    '97% of the twins gave the same answer'
    """
    if constant:
        return "all twins gave the same answer"
    if share is not None and share >= MODAL:
        return f"{share:.0%} of the twins gave the same answer"
    return ""

"""Find weights that cannot be computed with because they are extremely small or large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Sums of weights and of their squares can be computed between these.
SMALLEST, LARGEST = 1e-100, 1e100
RANGE = f"be 0, or between {SMALLEST:g} and {LARGEST:g}"


def beyond_range(weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which weights are positive and too small or too large.

    Examples
    --------
    >>> beyond_range(np.array([0.0, 1.5, 1e-320, 1e308])).tolist()
    [False, False, True, True]
    """
    return np.asarray((weights > 0) & ((weights < SMALLEST) | (weights > LARGEST)))

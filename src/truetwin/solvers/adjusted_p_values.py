"""P-values corrected for their number."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError

Array = NDArray[np.float64]
Correction = Literal["holm", "benjamini-hochberg", "none"]


def adjusted(p_values: Array, correction: Correction) -> Array:
    """Correct p-values: the smallest error rate at which each is significant; missing ones stay so.

    With "holm" the rate is that of any wrong finding, with "benjamini-hochberg" the share of wrong ones among the
    findings. A p-value is significant at an error rate if its corrected value does not exceed that rate.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure; Benjamini and Hochberg (1995),
    Controlling the false discovery rate.

    Examples
    --------
    >>> p = np.array([0.01, 0.02, 0.03, 0.5])
    >>> adjusted(p, "holm").tolist(), adjusted(p, "benjamini-hochberg").tolist()
    ([0.04, 0.06, 0.06, 0.5], [0.04, 0.04, 0.04, 0.5])
    """
    found = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p_values))
    n = known.size
    if correction == "none" or not n:
        found[known] = p_values[known]
        return found
    order = known[np.argsort(p_values[known], kind="stable")]
    ranked = p_values[order]
    if correction not in ("holm", "benjamini-hochberg"):
        raise ParameterError(f"the correction must be holm, benjamini-hochberg or none; got {correction!r}")
    if correction == "holm":
        moved = np.maximum.accumulate(ranked * (n - np.arange(n)))
    else:
        moved = np.minimum.accumulate((ranked * n / (np.arange(n) + 1))[::-1])[::-1]
    found[order] = np.minimum(moved, 1.0)
    return found

"""Draw the ranks of new respondents' answers in their laws jointly: errors of one person's answers go together.

The errors of known people, predicted as if they were new, correlate between items as those of new respondents do. Their
normal scores have these correlations, shrunk where few people answered both items. Different people's errors are
independent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from truetwin.calibration.laws.copulas import positive_definite
from truetwin.calibration.orientation import Array

SHRINK_PAIRS = 30.0


@dataclass(frozen=True, eq=False)
class PeopleRanks:
    """Joint law of the ranks of new respondents' answers.

    Attributes
    ----------
    errors : ndarray of shape (p, n)
        Errors of known people's predicted answers to each item; NaN where there is no answer.
    """

    errors: Array

    @cached_property
    def _root(self) -> Array:
        seen = np.isfinite(self.errors)
        count = np.maximum(seen.sum(axis=1, keepdims=True), 1)
        centred = np.where(seen, self.errors, 0.0)
        centred = np.where(seen, centred - centred.sum(axis=1, keepdims=True) / count, 0.0)
        there = seen.astype(np.float64)
        pairs = there @ there.T
        sizes = (centred**2) @ there.T
        product = np.sqrt(sizes * sizes.T)
        r = np.divide(centred @ centred.T, product, out=np.zeros_like(product), where=product > 1e-12)
        shrunk = np.clip(r, -1, 1) * pairs / (pairs + SHRINK_PAIRS)
        np.fill_diagonal(shrunk, 1.0)
        return np.asarray(np.linalg.cholesky(positive_definite(shrunk)), dtype=np.float64)

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draw the ranks of n people's answers, (n, p), each uniform between 0 and 1."""
        return np.asarray(ndtr(rng.standard_normal((n, len(self.errors))) @ self._root.T))

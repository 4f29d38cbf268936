"""Answers of new respondents to new items, with laws of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.orientation import Array
from truetwin.calibration.predictive_law import Law
from truetwin.data import Axis


@dataclass(frozen=True, eq=False)
class NewCells:
    """Predicted answers of new respondents to new items.

    Attributes
    ----------
    rows : ndarray of int of shape (r,)
        The new respondents among all respondents.
    person_ids, item_ids : tuple of str
        Their ids, and those of the q new items.
    values : ndarray of shape (r, q)
        On the items' scales; NaN where nothing can be predicted.
    law : callable
        From the id of an item to the law of these answers.
    """

    rows: NDArray[np.intp]
    person_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    values: Array
    law: Callable[[str], Law]

    def interval(self, item: str, level: float) -> tuple[Array, Array]:
        """Compute the lower and upper ends for one item, (r,), not limited to its scale."""
        values = self.values[:, self.item_ids.index(item)]
        low, high = self.law(item).quantiles(level)
        return values + low, values + high

    def interval_along(
        self, axis: Axis, target: str, level: float, item_ids: Sequence[str]
    ) -> tuple[NDArray[np.intp], tuple[Array, Array]]:
        """Compute the ends for one target, and where among its samples these cells lie."""
        if axis == "item":
            return self.rows, self.interval(target, level)
        person = self.person_ids.index(target)
        ends = [[end[person] for end in self.interval(item, level)] for item in self.item_ids]
        where = np.array([item_ids.index(item) for item in self.item_ids], dtype=np.intp)
        return where, (np.array([low for low, _ in ends]), np.array([high for _, high in ends]))

    def probabilities(self, item: str, categories: Sequence[float]) -> Array:
        """Compute the probability of each category for each new respondent, (r, K)."""
        return self.law(item).probabilities(self.values[:, self.item_ids.index(item)], categories)

"""Known answers to items with categories, from which it is learned how to mix what is known of a category's chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.orientation import Array


@dataclass(frozen=True, eq=False)
class KnownCells:
    """Some known answers to each item of a record.

    Attributes
    ----------
    people : ndarray of int of shape (m, c)
        Positions of the people among those of the record.
    there : ndarray of bool of shape (m, c)
        Where there is an answer; other cells say nothing.
    low, high : ndarray of shape (m, c)
        Ends of the answered category, halfway to its neighbours; infinite at the ends of the scale.
    fixed : ndarray of shape (m, c, f)
        Chance of the answered category according to what does not depend on any prediction.
    """

    people: NDArray[np.intp]
    there: NDArray[np.bool_]
    low: Array
    high: Array
    fixed: Array

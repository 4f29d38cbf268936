"""Answers of new respondents to new items, with errors of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.prediction_errors import Errors
from truetwin.calibration.orientation import Array


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
    errors : callable
        From the id of an item to the errors of these answers.
    """

    rows: NDArray[np.intp]
    person_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    values: Array
    errors: Callable[[str], Errors]

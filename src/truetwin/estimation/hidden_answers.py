"""Predict answered items as if nobody had answered them, to learn from the errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.base import Calibrator, donors
from truetwin.calibration.design import Fold, Preprocessing
from truetwin.data import Panel, Scale
from truetwin.errors import NotPredictableError

Floats = NDArray[np.float64]


def predict_hidden(
    panel: Panel,
    model: Calibrator,
    blocks: Mapping[str, str],
    *,
    new_battery: bool,
    preprocessing: Preprocessing | None = None,
) -> Floats:
    """Predict each answered item from the others, alone or together with its whole battery.

    Nominal items of more than two categories are left out, as donors too: their codes are names, not numbers.

    Parameters
    ----------
    panel : Panel
    model : Calibrator
        Method that predicts items.
    blocks : mapping from item to battery
    new_battery : bool
        Whether items are hidden together with their batteries, as those of a new battery are.

    Returns
    -------
    ndarray of shape (n_respondents, n_items)
        On the items' scales; NaN where nothing can be predicted.
    """
    found = np.full(panel.human_values.shape, np.nan)
    try:
        known = [j for j in donors(panel, "item", set()) if _has_numbers(panel.scales[panel.item_ids[j]])]
    except NotPredictableError:
        return found
    hidden: dict[object, list[int]] = {}
    for j in known:
        hidden.setdefault(blocks[panel.item_ids[j]] if new_battery else j, []).append(j)
    folds = []
    for together in hidden.values():
        rest = tuple(d for d in known if d not in set(together))
        if rest:
            folds.append(Fold("item", tuple(together), rest))
    for prediction in model.predict_folds(panel, folds, preprocessing or Preprocessing()) if folds else ():
        rows = _positions(panel.respondent_ids, prediction.sample_ids)
        columns = _positions(panel.item_ids, prediction.target_ids)
        found[np.ix_(rows, columns)] = prediction.values
    for j in known:
        found[:, j] = panel.scales[panel.item_ids[j]].clip(found[:, j])
    return found


def _has_numbers(scale: Scale) -> bool:
    return scale.kind != "nominal" or scale.n_categories <= 2


def _positions(ids: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
    place = {name: k for k, name in enumerate(ids)}
    return [place[name] for name in wanted]

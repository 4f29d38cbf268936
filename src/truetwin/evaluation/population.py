"""Scores of a whole table of predictions: how items go together, how groups differ, how often intervals hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration._orient import axis_ids
from truetwin.calibration.auto import Auto
from truetwin.calibration.design import Preprocessing
from truetwin.data import Panel
from truetwin.errors import ParameterError
from truetwin.evaluation.protocols import protocols

Array = NDArray[np.float64]
MIN_PEOPLE = 20


def inter_item_correlation_error(truth: Array, prediction: Array) -> float:
    """Mean absolute difference of the correlations between items, over pairs of items defined in both tables.

    Parameters
    ----------
    truth, prediction : ndarray of shape (n, p)
        NaN where there is no answer or no prediction; only cells that both have count.
    """
    both = np.isfinite(truth) & np.isfinite(prediction)
    differences = []
    for a in range(truth.shape[1]):
        for b in range(a):
            rows = both[:, a] & both[:, b]
            pair = [
                np.corrcoef(v[rows, a], v[rows, b])[0, 1]
                for v in (truth, prediction)
                if rows.sum() >= MIN_PEOPLE and min(np.ptp(v[rows, a]), np.ptp(v[rows, b])) > 1e-9
            ]
            if len(pair) == 2:
                differences.append(abs(pair[0] - pair[1]))
    return float(np.mean(differences)) if differences else float("nan")


def subgroup_gap_error(truth: Array, prediction: Array, groups: Sequence[str]) -> float:
    """Mean absolute error of the gaps between group means and the item's mean, in sds of the item's answers.

    Groups with fewer than 20 answers to an item are left out for it.
    """
    if len(groups) != len(truth):
        raise ParameterError(f"there must be one group a respondent; got {len(groups)} for {len(truth)}")
    label = np.asarray(groups)
    errors = []
    for y, f in zip(np.transpose(truth), np.transpose(prediction), strict=True):
        both = np.isfinite(y) & np.isfinite(f)
        if not both.any() or np.ptp(y[both]) <= 1e-9:
            continue
        for name in np.unique(label):
            rows = both & (label == name)
            if rows.sum() >= MIN_PEOPLE:
                gap = (y[rows].mean() - y[both].mean()) - (f[rows].mean() - f[both].mean())
                errors.append(abs(gap) / y[both].std())
    return float(np.mean(errors)) if errors else float("nan")


@dataclass(frozen=True, eq=False)
class Coverage:
    """How often intervals held the hidden answers.

    Attributes
    ----------
    target_ids : tuple of str
    covered : ndarray of shape (n_targets,)
        Share of the hidden answers inside, for each target.
    width : ndarray of shape (n_targets,)
        Mean width in sds of the answers, after limiting to the item's scale.
    """

    target_ids: tuple[str, ...]
    covered: Array
    width: Array

    @property
    def mean(self) -> float:
        """Mean over targets."""
        return float(np.nanmean(self.covered))


def interval_coverage(
    panel: Panel,
    protocol: str = "leave-one-item-out",
    level: float = 0.9,
    *,
    model: Auto | None = None,
    blocks: Mapping[str, str] | None = None,
) -> Coverage:
    """Hide items as ``protocol`` says, make intervals, and count the hidden answers inside."""
    how = protocols[protocol]
    if how.axis != "item":
        raise ParameterError(f"intervals are there for new items only; {protocol!r} hides respondents")
    auto = model or Auto(blocks=blocks)
    folds = how.folds(panel, blocks)
    predictions = auto.predict_folds(panel, folds, Preprocessing())
    ids = axis_ids(panel, "item")
    names, covered, width = [], [], []
    for fold, part, laws in zip(folds, predictions, auto.fold_laws(panel, folds), strict=True):
        for k, (target, law) in enumerate(zip(fold.targets, laws, strict=True)):
            y, f = panel.human_values[:, target], part.values[:, k]
            both = np.isfinite(y) & np.isfinite(f)
            low, high = (f[both] + law.level.sd * q for q in law.errors.quantiles(level))
            scale = panel.scales[ids[target]]
            names.append(ids[target])
            covered.append(float(np.mean((y[both] >= low) & (y[both] <= high))) if both.any() else np.nan)
            sd = y[both].std() if both.any() else 0.0
            width.append(float((scale.clip(high) - scale.clip(low)).mean() / sd) if sd > 0 else np.nan)
    return Coverage(tuple(names), np.array(covered), np.array(width))

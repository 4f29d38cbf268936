"""Score a whole table of predictions: correlations between items, gaps between groups, coverage of intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.auto.item_links import standardise_items
from truetwin.calibration.base import Calibrator, make_fold
from truetwin.calibration.design import Preprocessing, make_designs
from truetwin.calibration.item_laws import fold_laws
from truetwin.calibration.laws.law import Law
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.data import Panel, Target
from truetwin.errors import ParameterError
from truetwin.evaluation.hiding_protocols import protocols
from truetwin.evaluation.pair_laws import by_hash, groups_of_people
from truetwin.evaluation.table_metrics import MIN_PEOPLE, Table, table_metrics

Array = NDArray[np.float64]


def inter_item_correlation_error(truth: Array, prediction: Array) -> float:
    """Compute the mean absolute error of the correlations between items, over pairs that are defined in both tables.

    Parameters
    ----------
    truth, prediction : ndarray of shape (n, p)
        Answers and predictions; NaN where there is none. Only cells that both tables have are used.
    """
    return _mean_error("item-correlation-error", Table(truth, prediction, np.ones(len(truth)), {}))


def subgroup_gap_error(truth: Array, prediction: Array, groups: Sequence[str]) -> float:
    """Compute the mean absolute error of subgroup gaps, in sds of the item's answers.

    A gap is the difference between a group's mean and the item's mean.

    Groups with fewer than 20 answers to an item are left out for it.
    """
    if len(groups) != len(truth):
        raise ParameterError(f"there must be one group a respondent; got {len(groups)} for {len(truth)}")
    label = np.array(groups, dtype=object)
    return _mean_error("gap-error", Table(truth, prediction, np.ones(len(truth)), {"group": label}))


def _mean_error(name: str, table: Table) -> float:
    metric = table_metrics[name]
    compared = metric.compare(table)
    above, below = metric.ratio(compared.true, compared.predicted)
    fine = np.isfinite(above + below)
    return float(above[fine].sum() / below[fine].sum()) if fine.any() else float("nan")


@dataclass(frozen=True, eq=False)
class Coverage:
    """Coverage of intervals: how often they held the hidden answers.

    Attributes
    ----------
    target_ids : tuple of str
        Ids of the hidden items or respondents.
    covered : ndarray of shape (n_targets,)
        Share of the hidden answers inside, for each target.
    width : ndarray of shape (n_targets,)
        Mean width in sds of the answers, after limiting to the item's scale.
    correlation : ndarray of shape (n_targets,)
        Correlation of predictions and hidden answers; NaN where undefined, and for new respondents.
    correlation_held : ndarray of shape (n_targets,)
        1 where ``correlation`` lies in the interval expected to hold nine items in ten, else 0; NaN where undefined.
    """

    target_ids: tuple[str, ...]
    covered: Array
    width: Array
    correlation: Array
    correlation_held: Array

    @property
    def mean(self) -> float:
        """Return the mean coverage over targets."""
        return float(np.nanmean(self.covered))


def interval_coverage(
    panel: Panel,
    protocol: str = "leave-one-item-out",
    level: float = 0.9,
    *,
    model: Calibrator | None = None,
    blocks: Mapping[str, str] | None = None,
) -> Coverage:
    """Hide items or respondents as ``protocol`` says, make intervals, and count the hidden answers inside.

    Respondents are hidden in ten groups, not one at a time, so that nothing is learned from members of the same
    group. The items' scales count as known.
    """
    how = protocols[protocol]
    model = model or Auto(blocks=blocks)
    if how.axis == "respondent":
        return _people_covered(panel, model, level)
    encoding = Encoding.of(panel)
    folds = [encoding.fold(fold) for fold in how.folds(panel, blocks)]
    predictions = model.predict_folds(encoding.encoded, folds, Preprocessing())
    names, rows = [], []
    for part, laws in zip(
        predictions,
        fold_laws(model, encoding, folds, predictions, blocks=blocks, scales=encoding.encoded.scales),
        strict=True,
    ):
        for item, law in laws.items():
            if item in encoding.codes:
                continue  # nominal items have no intervals
            y, f = (
                panel.human_values[:, panel.item_ids.index(item)],
                part.values[:, part.target_ids.index(item)],
            )
            names.append(item)
            rows.append(_covered(y, f, law, level))
    return Coverage(tuple(names), *np.array(rows).reshape(-1, 4).T)


def _covered(truth: Array, points: Array, law: Law, level: float) -> tuple[float, ...]:
    """Share inside, width in sds, correlation, and whether it was expected."""
    both = np.isfinite(truth) & np.isfinite(points)
    y, f = truth[both], points[both]
    if not y.size:
        return (float("nan"),) * 4
    low, high = (end[both] for end in law.interval(level))
    inside, sd = float(np.mean((y >= low) & (y <= high))), float(y.std())
    width = float((high - low).mean() / sd) if sd > 0 else float("nan")
    if y.size < MIN_PEOPLE or min(np.ptp(y), np.ptp(f)) <= 1e-9:
        return inside, width, float("nan"), float("nan")
    reached = float(np.corrcoef(y, f)[0, 1])
    expected = law.expected_correlation()
    held = float("nan") if expected is None else float(expected[0] <= reached <= expected[2])
    return inside, width, reached, held


def _people_covered(panel: Panel, model: Calibrator, level: float) -> Coverage:
    """Groups of respondents by the order of a hash of their ids, each predicted from everybody else."""
    groups = list(groups_of_people(panel))
    sd, encoding = standardise_items(panel.human_values).sd, Encoding.of(panel)
    low, high = np.full((2, *panel.human_values.shape), np.nan)
    for group in groups:
        fold = make_fold(encoding.encoded, [Target("respondent", panel.respondent_ids[k]) for k in group])
        parts = model.predict_designs(make_designs(encoding.encoded, [fold], Preprocessing()))
        (laws,) = fold_laws(model, encoding, [fold], parts, scales=encoding.encoded.scales)
        for item, law in laws.items():
            if item in encoding.codes:
                continue
            j, rows = panel.item_ids.index(item), sorted(group)
            low[rows, j], high[rows, j] = law.interval(level)
    names, covered, width = [], [], []
    for row in by_hash(panel):
        y = panel.human_values[row]
        both = np.isfinite(y) & np.isfinite(low[row])
        inside = (y >= low[row]) & (y <= high[row])
        names.append(panel.respondent_ids[row])
        covered.append(float(inside[both].mean()) if both.any() else np.nan)
        width.append(float(np.median(((high - low)[row] / sd)[both])) if both.any() else np.nan)
    undefined = np.full(len(names), np.nan)
    return Coverage(tuple(names), np.array(covered), np.array(width), undefined, undefined)

"""Summarise scores so that methods can be compared: common targets, undefined counted as 0, clustered errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.evaluation.evaluation_result import Evaluation
from truetwin.evaluation.mean_scores import (
    ClusteredMean,
    clustered_difference,
    clustered_ratio,
    mean_over_clusters,
)
from truetwin.evaluation.table_metrics import table_metrics
from truetwin.evaluation.target_metrics import Metric, fisher_z, metrics

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Amounts:
    """Terms that the targets add to a ratio of sums, for one metric and all methods; a mean has weights below the line.

    Attributes
    ----------
    above, below : dict of method to ndarray of shape (n_targets, k)
        Numerators and denominators; NaN where a method leaves them undefined.
    filled : dict of method to pair of ndarray, optional
        The same with undefined scores counted as 0.
    clusters : sequence of str
        Cluster of each target.
    is_mean : bool
        Whether a mean over clusters makes sense.
    error_factor : float
        By what standard errors are multiplied: 2 for quantities of two items.
    """

    above: Mapping[str, Array]
    below: Mapping[str, Array]
    filled: Mapping[str, tuple[Array, Array]] | None
    clusters: Sequence[str]
    is_mean: bool = True
    error_factor: float = 1.0

    def defined(self, method: str) -> Mask:
        """Tell where a method has a score."""
        found: Mask = np.isfinite(self.above[method] + self.below[method])
        return found

    @property
    def common(self) -> Mask:
        """Mask of the targets on which every method that has any score has one."""
        masks = [mask for method in self.above if (mask := self.defined(method)).any()]
        if not masks:
            return np.zeros(next(iter(self.above.values())).shape, dtype=bool)
        found: Mask = np.logical_and.reduce(masks)
        return found

    def sums(self, method: str, where: Mask | None) -> tuple[Array, Array]:
        """Numerator and denominator of each target over some cells; over all, with undefined as 0, for None."""
        if where is None:
            assert self.filled is not None
            above, below = self.filled[method]
            where = np.isfinite(below)
        else:
            above, below = self.above[method], self.below[method]
        return np.where(where, above, 0.0).sum(axis=1), np.where(where, below, 0.0).sum(axis=1)

    def mean(self, method: str, where: Mask | None) -> ClusteredMean:
        """Mean of a method with its clustered error."""
        return self._scaled(clustered_ratio(*self.sums(method, where), self.clusters))

    def difference(self, method: str, baseline: str, where: Mask | None) -> ClusteredMean:
        """Paired difference of two methods with its clustered error."""
        pair = [self.sums(name, where) for name in (method, baseline)]
        return self._scaled(clustered_difference(pair[0], pair[1], self.clusters))

    def battery_mean(self, method: str, where: Mask) -> ClusteredMean:
        """Mean over clusters of their own means."""
        return self._scaled(mean_over_clusters(*self.sums(method, where), self.clusters))

    def battery_difference(self, method: str, baseline: str, where: Mask) -> ClusteredMean:
        """Mean over clusters of their own paired differences."""
        (above, below), (other, _) = (self.sums(name, where) for name in (method, baseline))
        return self._scaled(mean_over_clusters(above - other, below, self.clusters))

    def _scaled(self, found: ClusteredMean) -> ClusteredMean:
        return ClusteredMean(found.value, found.standard_error * self.error_factor, found.n, found.n_clusters)


def summary_rows(evaluation: Evaluation, baseline: str) -> list[dict[str, Any]]:
    """Summarise an evaluation by method and metric; :meth:`Evaluation.summary` says what a row holds."""
    amounts = {name: target_amounts(evaluation, name) for _, name in evaluation.scores}
    amounts |= {name: _table_amounts(evaluation, name) for _, name in evaluation.compared}
    rows = []
    for method, metric in [*evaluation.scores, *evaluation.compared]:
        row = {"method": method, "metric": metric, **_means(amounts[metric], method)}
        if (method, metric) in evaluation.scores:
            row |= _of_scores(evaluation, method, metric, amounts[metric])
        if method != baseline and baseline in amounts[metric].above:
            row |= _differences(amounts[metric], method, baseline)
        row["clustered_by"] = evaluation.settings.get("clustered_by")
        row["n_answers"] = int(evaluation.n_answers[method].sum())
        row["seconds"] = evaluation.seconds[method]
        rows.append(row)
    return rows


def target_amounts(evaluation: Evaluation, metric: str, scores: Mapping[str, Array] | None = None) -> Amounts:
    """Make the amounts of a metric that scores every target; ``scores`` by method replace the evaluation's own."""
    found = scores or {m: v for (m, name), v in evaluation.scores.items() if name == metric}
    n = len(evaluation.target_ids)
    weights = np.ones(n) if evaluation.weights is None else evaluation.weights
    declared = declared_metric(metric)
    filled = None
    if declared is not None and declared.undefined_as is not None:
        counted = np.where(evaluation.applicable.get(metric, np.ones(n, dtype=bool)), weights, np.nan)[
            :, None
        ]
        filled = {
            m: (np.where(np.isfinite(v), v, declared.undefined_as)[:, None] * counted, counted)
            for m, v in found.items()
        }
    return Amounts(
        {m: (weights * v)[:, None] for m, v in found.items()},
        {m: np.where(np.isfinite(v), weights, np.nan)[:, None] for m, v in found.items()},
        filled,
        evaluation.clusters or evaluation.target_ids,
    )


def declared_metric(name: str) -> Metric | None:
    """Look up a metric; None if it belongs to a package that is not installed any more."""
    if name not in metrics:
        return None
    return metrics[name]


def _table_amounts(evaluation: Evaluation, metric: str) -> Amounts:
    declared = table_metrics[metric]
    found = {m: v for (m, name), v in evaluation.compared.items() if name == metric}
    parts = {m: declared.ratio(v.true, v.predicted) for m, v in found.items()}
    filled = {
        m: declared.ratio(v.true, np.where(np.isfinite(v.true), np.nan_to_num(v.predicted), np.nan))
        for m, v in found.items()
    }
    cluster = dict(zip(evaluation.target_ids, evaluation.clusters, strict=False))
    return Amounts(
        {m: above for m, (above, _) in parts.items()},
        {m: below for m, (_, below) in parts.items()},
        filled,
        [cluster.get(i, i) for i in evaluation.table_items],
        declared.is_mean,
        2.0 if declared.of_pairs else 1.0,
    )


def _means(amounts: Amounts, method: str) -> dict[str, Any]:
    own = amounts.mean(method, amounts.defined(method))
    low, high = own.interval()
    row = {
        "mean": own.value,
        "standard_error": own.standard_error,
        "low": low,
        "high": high,
        "n_scored": own.n,
        "n_unscored": len(amounts.clusters) - own.n,
        "n_clusters": own.n_clusters,
    }
    common = amounts.common
    if amounts.defined(method).any():
        found = amounts.mean(method, common)
        row |= {
            "common_mean": found.value,
            "common_standard_error": found.standard_error,
            "n_common": found.n,
            "n_common_clusters": found.n_clusters,
        }
        if amounts.is_mean:
            by_battery = amounts.battery_mean(method, common)
            row |= {
                "battery_mean": by_battery.value,
                "battery_standard_error": by_battery.standard_error,
            }
    if amounts.filled is not None:
        zero = amounts.mean(method, None)
        row |= {"zero_mean": zero.value, "zero_standard_error": zero.standard_error, "n_zero": zero.n}
    return row


def _of_scores(evaluation: Evaluation, method: str, metric: str, amounts: Amounts) -> dict[str, Any]:
    """Return the spread over targets, and Fisher's mean of correlations."""
    scores = evaluation.scores[method, metric]
    fine = np.isfinite(scores)
    row: dict[str, Any] = {"sd": float(scores[fine].std(ddof=1)) if fine.sum() > 1 else float("nan")}
    declared = declared_metric(metric)
    if declared is not None and (declared.is_correlation or declared.is_fisher_z):
        common = amounts.common[:, 0] & fine
        correlations = np.tanh(scores) if declared.is_fisher_z else scores
        row["fisher_mean"] = fisher_mean(correlations[fine], _kept(evaluation.weights, fine))
        row["common_fisher_mean"] = fisher_mean(correlations[common], _kept(evaluation.weights, common))
    return row


def _kept(weights: Array | None, where: Mask) -> Array | None:
    return None if weights is None else weights[where]


def fisher_mean(correlations: Array, weights: Array | None = None) -> float:
    """Mean of correlations by Fisher's z transformation; NaN of none.

    Examples
    --------
    >>> round(fisher_mean(np.array([0.0, 0.8])), 3)
    0.5
    """
    if not correlations.size:
        return float("nan")
    return float(np.tanh(np.average(fisher_z(correlations), weights=weights)))


def _differences(amounts: Amounts, method: str, baseline: str) -> dict[str, Any]:
    both = amounts.defined(method) & amounts.defined(baseline)
    paired = amounts.difference(method, baseline, both)
    low, high = paired.interval()
    row = {
        "paired_mean": amounts.mean(method, both).value,
        "difference": paired.value,
        "difference_standard_error": paired.standard_error,
        "difference_low": low,
        "difference_high": high,
        "n_paired": paired.n,
        "n_paired_clusters": paired.n_clusters,
    }
    common = amounts.common & both
    found = {"common": amounts.difference(method, baseline, common)}
    if amounts.is_mean:
        found["battery"] = amounts.battery_difference(method, baseline, common)
    if amounts.filled is not None:
        found["zero"] = amounts.difference(method, baseline, None)
    for name, one in found.items():
        low, high = one.interval()
        row |= {
            f"{name}_difference": one.value,
            f"{name}_difference_standard_error": one.standard_error,
            f"{name}_difference_low": low,
            f"{name}_difference_high": high,
        }
    return row


def is_clear(row: Mapping[str, Any], which: str = "common") -> bool:
    """Tell whether a difference in a row of a summary is more than chance: its 95% interval leaves out zero."""
    low, high = row.get(f"{which}_difference_low"), row.get(f"{which}_difference_high")
    return low is not None and high is not None and bool(low > 0 or high < 0)


def batteries_tell_another_story(row: Mapping[str, Any]) -> bool:
    """Tell whether a mean over batteries leads to another conclusion than the mean over items.

    That is so if one difference is clear and the other is not, or if both are clear with different signs. Where every
    target is a cluster of its own, there are no batteries, and a mean over clusters only leaves out people's weights.
    A method without a single defined score tells nothing.
    """
    if "battery_difference" not in row or "n_common" not in row:
        return False
    if row["n_common_clusters"] == row["n_common"]:
        return False
    by_item, by_battery = is_clear(row, "common"), is_clear(row, "battery")
    opposite = row["common_difference"] * row["battery_difference"] < 0
    return by_item != by_battery or (by_item and opposite)

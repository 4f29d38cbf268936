"""Result of an evaluation: the scores of several methods on the same targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.plots import Plots
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.evaluation.table_metrics import Compared

Array = NDArray[np.float64]
#: Column of the people table, group, method, metric.
GroupKey = tuple[str, str, str, str]
SHOWN = (
    Shown("method", "method"),
    Shown("metric", "metric"),
    Shown("mean", "mean", ".3f"),
    Shown("standard_error", "SE", ".3f"),
    Shown("difference", "gain", "+.3f"),
    Shown("difference_standard_error", "SE", ".3f"),
    Shown("n_scored", "n", "d"),
)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of several methods on the same targets.

    Attributes
    ----------
    target_ids : tuple of str
        Ids of the items or respondents that were hidden and predicted.
    scores : dict of (method, metric) to ndarray of shape (n_targets,)
        One score a target; NaN where undefined or not predicted.
    n_answers : dict of method to ndarray of shape (n_targets,)
        How many observed answers each target's predictions were compared with.
    reasons : dict of method to dict of target id to str
        Why a target has no prediction.
    seconds : dict of method to float
        Time spent in each method, without the preparation that methods share.
    shared_seconds : float
        Time spent on that preparation.
    settings : dict
        Settings of the evaluation; ``clustered_by`` says what standard errors are clustered by.
    unconverged : dict of method to tuple of str
        Targets whose solver stopped early.
    clusters : tuple of str
        Cluster of each target: what was hidden together, or the battery. Empty if every target is its own.
    weights : ndarray of shape (n_targets,), optional
        Weights of the targets, if these are people with weights.
    applicable : dict of metric to ndarray of shape (n_targets,), bool
        Where a metric is defined for the target's kind of scale; everywhere if the metric is not listed.
    compared : dict of (method, metric) to Compared
        Quantities of every item that a metric of the whole table compares.
    table_items : tuple of str
        The items of ``compared``.
    group_scores : dict of (column, group, method, metric) to ndarray of shape (n_targets,)
        Scores among the people of one group.
    group_sizes : dict of (column, group) to int
        Number of people in each group; 0 for a group that is too small to be shown.
    """

    target_ids: tuple[str, ...]
    scores: Mapping[tuple[str, str], Array]
    n_answers: Mapping[str, Array]
    reasons: Mapping[str, Mapping[str, str]]
    seconds: Mapping[str, float]
    shared_seconds: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    unconverged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clusters: tuple[str, ...] = ()
    weights: Array | None = None
    applicable: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    compared: Mapping[tuple[str, str], Compared] = field(default_factory=dict)
    table_items: tuple[str, ...] = ()
    group_scores: Mapping[GroupKey, Array] = field(default_factory=dict)
    group_sizes: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Evaluation({', '.join(self.methods)} on {len(self.target_ids)} targets)"

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods, in their order."""
        return tuple(self.n_answers)

    plot = Plots("methods")

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def summary(self, baseline: str | None = None) -> SummaryTable:
        """Summarise by method and metric, one row each: means, standard errors, counts, differences from ``baseline``.

        Means over different targets cannot be compared, so every row has several:

        - ``mean`` is over the targets that the method has a score for (``n_scored``), ``difference`` over those that
          the baseline has one for, too (``n_paired``), and ``paired_mean`` the method's own mean over these.
        - ``common_mean`` and ``common_difference`` are over the targets that every method has a score for
          (``n_common``). A method without any score is left out of this.
        - ``zero_mean`` and ``zero_difference`` are over all targets, with an undefined score counted as 0. An error
          has none: no error is 0.
        - ``battery_mean`` and ``battery_difference`` are means of the batteries' means on the common set.

        Standard errors are clustered by ``clustered_by``; ``difference_low`` and ``difference_high`` are the ends of
        95% intervals by Student's t with ``n_clusters - 1`` degrees of freedom. ``fisher_mean`` of correlations is
        the mean by Fisher's z.
        """
        from truetwin.evaluation.score_summary import summary_rows

        rows = summary_rows(self, baseline or str(self.settings.get("baseline", "")))
        title = f"{self.settings.get('protocol', 'scores')}: {len(self.target_ids)} hidden targets"
        return SummaryTable(rows, SHOWN, title=title)

    def by_group(self) -> list[dict[str, Any]]:
        """Summarise by group of people, method and metric: mean, standard error, difference from everybody else."""
        from truetwin.evaluation.group_scores import group_rows

        return group_rows(self)

    def per_target(self) -> list[dict[str, Any]]:
        """List all scores: one row a target, method and metric, with the reason where there is no score."""
        return [
            {
                "target": target,
                "method": method,
                "metric": metric,
                "score": float(score) if np.isfinite(score) else None,
                "n_answers": int(count),
                "reason": None if np.isfinite(score) else self.reasons[method].get(target, undefined),
            }
            for (method, metric), scores in self.scores.items()
            for target, score, count, undefined in zip(
                self.target_ids, scores, self.n_answers[method], self._undefined(metric), strict=True
            )
        ]

    def _undefined(self, metric: str) -> list[str]:
        """Say of each target why a score that was computed may be undefined."""
        fits = self.applicable.get(metric, np.ones(len(self.target_ids), dtype=bool))
        return [
            "score undefined" if fine else f"{metric} does not exist for items of its kind" for fine in fits
        ]

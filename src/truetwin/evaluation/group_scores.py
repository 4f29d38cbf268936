"""Score groups of people apart: is a method as accurate for one group as for another?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel
from truetwin.errors import ParameterError
from truetwin.evaluation.mean_scores import clustered_mean
from truetwin.evaluation.target_metrics import Metric, Pairs

if TYPE_CHECKING:
    from truetwin.evaluation.evaluation_result import Evaluation

Array = NDArray[np.float64]
#: A spread between groups counts as more than chance if it exceeds this quantile of what chance gives.
CHANCE_QUANTILE = 0.95
N_SIMULATED = 4000


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of the people of a panel, for each column of the people table that was asked for.

    Attributes
    ----------
    columns : dict of column to ndarray of shape (n_respondents,)
        Group of each respondent; None where it is not known.
    sizes : dict of (column, group) to int
        Number of people with human answers.
    min_cell : int
        Smaller groups are not scored, nor items with fewer answers in a group.
    """

    columns: Mapping[str, NDArray[np.object_]]
    sizes: Mapping[tuple[str, str], int]
    min_cell: int

    @classmethod
    def of(cls, panel: Panel, by: Sequence[str], min_cell: int) -> Groups:
        """Find the groups in the people table of a panel."""
        columns = {name: panel.person_groups(name) for name in by}
        answered = np.isfinite(panel.human_values).any(axis=1)
        sizes = {
            (name, group): int((answered & (column == group)).sum())
            for name, column in columns.items()
            for group in sorted({g for g in column if g is not None})
        }
        for name in columns:
            large = [g for (column, g), n in sizes.items() if column == name and n >= min_cell]
            if len(large) < 2:
                raise ParameterError(
                    f"--by {name} must name a column with at least two groups of {min_cell} people or more; it has "
                    f"{len(large)}. Choose another column, or a smaller --min-cell."
                )
        return cls(columns, sizes, min_cell)

    @property
    def large(self) -> dict[str, NDArray[np.object_]]:
        """The columns without the groups that are too small."""
        return {
            name: np.array([g if self.sizes.get((name, g), 0) >= self.min_cell else None for g in column])
            for name, column in self.columns.items()
        }

    @property
    def shown(self) -> dict[tuple[str, str], NDArray[np.bool_]]:
        """Members of each group that is large enough, (n_respondents,)."""
        return {
            (column, group): self.columns[column] == group
            for (column, group), size in self.sizes.items()
            if size >= self.min_cell
        }

    def scores(self, pairs: Pairs, scorers: Sequence[Metric]) -> dict[tuple[str, str, str], float]:
        """Score the pairs of every group by every metric; NaN where a group has too few answers."""
        found = {}
        assert pairs.samples is not None
        for (column, group), member in self.shown.items():
            part = pairs.where(member[pairs.samples])
            enough = part.truth.size >= self.min_cell
            for scorer in scorers:
                found[column, group, scorer.name] = scorer.of(part) if enough else float("nan")
        return found


def group_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Summarise scores by group, one row a column, metric, method and group.

    All groups of a column are compared on the same targets: those with a score in every group by every method that has
    any. ``difference`` is the group's mean minus the mean of the groups, with a clustered standard error. Groups below
    the smallest cell have ``suppressed`` and no figures.
    """
    rows: list[dict[str, Any]] = []
    for (column, metric), table in _tables(evaluation).items():
        for method in dict.fromkeys(m for m, _ in table.scores):
            deviations = table.deviations(method)
            for group in [g for c, g in evaluation.group_sizes if c == column]:
                row: dict[str, Any] = {"by": column, "metric": metric, "method": method, "group": group}
                if group not in table.groups:
                    rows.append({**row, "suppressed": True})
                    continue
                mean = clustered_mean(table.values(method, group), table.clusters)
                away = clustered_mean(deviations[:, table.groups.index(group)], table.clusters)
                low, high = away.interval()
                row |= {
                    "n_people": evaluation.group_sizes[column, group],
                    "mean": mean.value,
                    "standard_error": mean.standard_error,
                    "difference": away.value,
                    "difference_standard_error": away.standard_error,
                    "difference_low": low,
                    "difference_high": high,
                    "n_common": mean.n,
                    "n_clusters": mean.n_clusters,
                }
                rows.append(row)
    return rows


def spread_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Spread between groups, one row a column, metric and method: best minus worst group mean, and what chance gives.

    ``chance_spread`` is the spread that groups which do not differ would exceed in one evaluation of twenty, from
    the clustered covariance of the groups' means.
    """
    rows = []
    for (column, metric), table in _tables(evaluation).items():
        for method in dict.fromkeys(m for m, _ in table.scores):
            means = np.nanmean(table.matrix(method), axis=0) if table.n else np.array([])
            if not means.size:
                continue
            top, bottom = int(np.argmax(means)), int(np.argmin(means))
            rows.append(
                {
                    "by": column,
                    "metric": metric,
                    "method": method,
                    "highest": table.groups[top],
                    "highest_mean": float(means[top]),
                    "lowest": table.groups[bottom],
                    "lowest_mean": float(means[bottom]),
                    "spread": float(means[top] - means[bottom]),
                    "chance_spread": _chance_spread(table.deviations(method), table.clusters),
                    "n_common": table.n,
                }
            )
    return rows


@dataclass(frozen=True, eq=False)
class _GroupTable:
    """Scores of one metric in the groups of one column, on the targets that all of them have."""

    groups: tuple[str, ...]
    scores: Mapping[tuple[str, str], Array]
    clusters: tuple[str, ...]

    @property
    def n(self) -> int:
        return len(self.clusters)

    def values(self, method: str, group: str) -> Array:
        return self.scores[method, group]

    def matrix(self, method: str) -> Array:
        """Scores of one method, (n_targets, n_groups)."""
        return np.column_stack([self.scores[method, group] for group in self.groups])

    def deviations(self, method: str) -> Array:
        """Each group's score minus the mean over groups, target by target."""
        values = self.matrix(method)
        found: Array = values - values.mean(axis=1, keepdims=True)
        return found


def _tables(evaluation: Evaluation) -> dict[tuple[str, str], _GroupTable]:
    found = {}
    clusters = np.asarray(evaluation.clusters or evaluation.target_ids)
    for column, metric in dict.fromkeys((c, m) for c, _, _, m in evaluation.group_scores):
        here = {
            (method, group): scores
            for (c, group, method, name), scores in evaluation.group_scores.items()
            if (c, name) == (column, metric)
        }
        groups = tuple(dict.fromkeys(group for _, group in here))
        able = {m for m, _ in here if any(np.isfinite(here[m, g]).any() for g in groups)}
        here = {(m, g): scores for (m, g), scores in here.items() if m in able}
        common = np.ones(clusters.size, dtype=bool)
        for scores in here.values():
            common &= np.isfinite(scores)
        found[column, metric] = _GroupTable(
            groups, {key: scores[common] for key, scores in here.items()}, tuple(clusters[common].tolist())
        )
    return found


def _chance_spread(deviations: Array, clusters: Sequence[str]) -> float | None:
    """Simulate the spread of groups that do not differ; None below two clusters."""
    names, position = np.unique(np.asarray(clusters), return_inverse=True)
    if names.size < 2:
        return None
    residuals = deviations - deviations.mean(axis=0)
    sums = np.zeros((names.size, deviations.shape[1]))
    np.add.at(sums, position, residuals)
    root = sums * (names.size / (names.size - 1)) ** 0.5 / len(deviations)
    noise = np.random.default_rng(0).standard_normal((N_SIMULATED, names.size)) @ root
    return float(np.quantile(np.ptp(noise, axis=1), CHANCE_QUANTILE))

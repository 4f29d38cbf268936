"""Compare methods of reweighting: hide the marginals of known items, predict them, score the predictions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data.marginals import EVERYBODY, Marginals
from truetwin.data.responses import ResponseMatrix
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.errors import ParameterError
from truetwin.evaluation.marginal_metrics import VARIANCE_RATIO, has_variance_ratio, table_variance_ratio
from truetwin.evaluation.mean_scores import ClusteredMean, clustered_mean
from truetwin.instrument.batteries import infer_blocks
from truetwin.reweighting.bands import ConformalBands, bands_around, fewest_items
from truetwin.reweighting.discrepancies import DISCREPANCIES, Discrepancy, discrepancy
from truetwin.reweighting.ensemble import refuse_nominal
from truetwin.reweighting.marginal_inputs import align
from truetwin.reweighting.marginal_method import MarginalMethod
from truetwin.reweighting.marginal_methods import BASELINES, marginal_method
from truetwin.reweighting.reweighting import groups_of
from truetwin.reweighting.situations import Situation
from truetwin.reweighting.splits import item_folds, train_test_splits
from truetwin.reweighting.twin_table import TwinTable
from truetwin.solvers.one_thread import one_thread

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Progress = Callable[[int, int], None]


SHOWN = (
    Shown("method", "method"),
    Shown("trained_on", "trained on"),
    Shown("metric", "metric"),
    Shown("mean", "mean", ".4f"),
    Shown("standard_error", "SE", ".4f"),
    Shown("null_difference", "beside null", "+.4f"),
    Shown("n_scored", "n", "d"),
)


@dataclass(frozen=True, eq=False)
class MarginalEvaluation:
    """Scores of several methods on the same hidden items.

    Attributes
    ----------
    scores : dict of (method, trained_on, metric) to list of (item id, score)
        One entry for every time an item was hidden; NaN where undefined.
    seconds : dict of (method, trained_on) to float
        Time spent on choosing settings, fitting and predicting.
    settings : dict
        Settings of the evaluation.
    notes : tuple of str
        Sentences for the user.
    clusters : dict of item id to str
        Group or battery of each hidden item, by which standard errors are clustered.
    """

    scores: Mapping[tuple[str, str, str], list[tuple[str, float]]]
    seconds: Mapping[tuple[str, str], float]
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def summary(self) -> SummaryTable:
        """Summarise by method and metric, one row each.

        The mean is over all hidden items of all splits. The standard error is clustered by group or battery, or else
        by item, because an item that is hidden twice is not two items. ``null_difference`` is the paired difference
        from the best null (``null``): that of the trivial baselines with the lowest mean by this metric. Negative is
        better.
        """
        rows = []
        for (method, trained_on, metric), pairs in self.scores.items():
            values = np.array([value for _, value in pairs])
            fine = np.isfinite(values)
            found = self._mean(values, pairs)
            row = {
                "method": method,
                "trained_on": trained_on or None,
                "metric": metric,
                "mean": found.value if fine.any() else None,
                "standard_error": found.standard_error if found.n_clusters > 1 else None,
                "n_scored": int(fine.sum()),
                "n_unscored": int((~fine).sum()),
                "n_clusters": found.n_clusters,
                "seconds": self.seconds[method, trained_on],
            }
            null = self.best_null(metric)
            if null is not None and (method, trained_on) != null:
                row |= self._against(null, values, pairs, metric)
            rows.append(row)
        return SummaryTable(rows, SHOWN, title="errors of predicted shares on hidden items")

    def best_null(self, metric: str) -> tuple[str, str] | None:
        """Return the trivial baseline with the lowest mean by a discrepancy, as the key of its scores; None if none."""
        if metric not in DISCREPANCIES:
            return None
        means = {
            (method, trained_on): float(np.nanmean([value for _, value in pairs]))
            for (method, trained_on, name), pairs in self.scores.items()
            if method in BASELINES and name == metric and np.isfinite([value for _, value in pairs]).any()
        }
        return min(means, key=means.__getitem__) if means else None

    def _against(
        self, null: tuple[str, str], values: Floats, pairs: list[tuple[str, float]], metric: str
    ) -> dict[str, Any]:
        reference = np.array([value for _, value in self.scores[(*null, metric)]])
        found = self._mean(values - reference, pairs)
        low, high = found.interval()
        known = found.n_clusters > 1
        return {
            "null": null[0],
            "null_difference": found.value if found.n else None,
            "null_difference_standard_error": found.standard_error if known else None,
            "null_difference_low": low if known else None,
            "null_difference_high": high if known else None,
        }

    def _mean(self, values: Floats, pairs: list[tuple[str, float]]) -> ClusteredMean:
        return clustered_mean(values, [self.clusters.get(item, item) for item, _ in pairs])

    def mean(self, method: str, metric: str = "kl") -> float:
        """Return the mean of one metric of one method."""
        values = [
            v for (m, _, k), pairs in self.scores.items() if (m, k) == (method, metric) for _, v in pairs
        ]
        if not values:
            raise ParameterError(f"method {method!r} was not evaluated by {metric!r}")
        return float(np.nanmean(values))


def evaluate_marginals(
    twins: ResponseMatrix | Mapping[str, ResponseMatrix] | Marginals,
    marginals: Marginals,
    methods: Sequence[str | MarginalMethod] = ("ensemble", "auto"),
    *,
    n_splits: int = 5,
    groups: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    discrepancies: Sequence[str] = ("kl",),
    level: float = 0.9,
    baselines: bool = True,
    progress: Progress | None = None,
) -> MarginalEvaluation:
    """Score methods on repeated 80/20 splits of the items with marginals.

    Settings are chosen inside the training items.

    Parameters
    ----------
    twins, marginals
        As for :func:`truetwin.reweight`; populations are pooled in the scores.
    methods : sequence of str or MarginalMethod
        The trivial baselines (twins, mean, mix) are always added, unless ``baselines`` is False.
    n_splits : int, default=5
        Number of splits; their seeds are 42 (the split of paper A), 1, 2, 3, ...
    groups : mapping from item id to str, optional
        Hide whole groups, and choose by whole groups inside the training items too. Standard errors are clustered
        by group; without groups by battery, as declared with the items or as their ids suggest.
    metrics : sequence of str, optional
        Discrepancies to score by, and "variance-ratio" (variance of the predicted distribution over that of the human
        one); default all that apply (nominal items have no cumulative shares and no variance).
    discrepancies : sequence of str
        Discrepancies that the ensemble is trained on, in turn.
    level : float
        Level of the bands whose coverage is reported.

    Returns
    -------
    MarginalEvaluation
    """
    scores: dict[tuple[str, str, str], list[tuple[str, float]]] = {}
    seconds: dict[tuple[str, str], float] = {}
    notes: dict[str, None] = {}
    models = _models(methods, discrepancies, baselines)
    unit, cluster = _clusters(marginals, groups)
    clusters: dict[str, str] = {}
    done, total = 0, len(models) * n_splits * len(marginals.populations)
    for population in marginals.populations:
        one = marginals.population(population)
        aligned = align(twins, one, predict=())
        notes.update(dict.fromkeys(aligned.notes))
        table = aligned.table
        for model in models:
            model.check_table(table)
        measures = _measures(metrics, table)
        human, bases = one.shares(table.item_ids, width=table.width), one.base_sizes(table.item_ids)
        known_groups = groups_of(table.item_ids, groups)
        table = replace(table, batteries=None if known_groups is None else tuple(known_groups))
        for train, test in train_test_splits(table.n_items, n_splits, groups=known_groups):
            split = _Split(table, human, train, test, bases, level, has_variance_ratio(metrics))
            for model in models:
                begun = time.perf_counter()
                found = split.score(model, measures)
                key = (model.name, model.trained_on)
                seconds[key] = seconds.get(key, 0.0) + time.perf_counter() - begun
                ids = [_hidden_id(population, table.item_ids[j]) for j in test]
                clusters |= {name: cluster[table.item_ids[j]] for name, j in zip(ids, test, strict=True)}
                for metric, values in found.items():
                    pairs = scores.setdefault((*key, metric), [])
                    pairs.extend(zip(ids, map(float, values), strict=True))
                done += 1
                if progress:
                    progress(done, total)
    sources = list(twins.values()) if isinstance(twins, Mapping) else [twins]
    settings = {
        "splits": n_splits,
        "held_out": "whole groups" if groups else "items at random",
        "level": level,
        "n_items": len(marginals.item_ids),
        "n_twins": sum(len(s.respondent_ids) for s in sources if isinstance(s, ResponseMatrix)) or None,
        **({"sources": list(twins)} if isinstance(twins, Mapping) and len(twins) > 1 else {}),
        "clustered_by": unit,
    }
    return MarginalEvaluation(scores, seconds, settings, tuple(notes), clusters)


def _clusters(marginals: Marginals, groups: Mapping[str, str] | None) -> tuple[str, dict[str, str]]:
    """Decide what standard errors are clustered by: in one word, and the cluster of every item."""
    ids = marginals.item_ids
    if groups is not None:
        return "group", {i: groups.get(i, i) for i in ids}
    blocks = {i: item.block for i, item in marginals.items.items() if item.block is not None}
    battery = {i: blocks.get(i, i) for i in ids} if blocks else infer_blocks(ids)
    if 1 < len(set(battery.values())) < len(ids):
        return "battery", battery
    return "item", {i: i for i in ids}


def _hidden_id(population: str, item_id: str) -> str:
    return item_id if population == EVERYBODY else f"{population}: {item_id}"


def _models(
    methods: Sequence[str | MarginalMethod], discrepancies: Sequence[str], baselines: bool
) -> list[MarginalMethod]:
    listed: list[MarginalMethod] = [marginal_method(name) for name in BASELINES] if baselines else []
    for name in methods:
        model = marginal_method(name)
        if isinstance(name, str) and model.fits_discrepancies:
            listed.extend(model.minimising(each) for each in discrepancies)
        else:
            listed.append(model)
    return list({(m.name, m.trained_on): m for m in listed}.values())


def _measures(metrics: Sequence[str] | None, table: TwinTable) -> list[Discrepancy]:
    if metrics is None:
        return [d for _, d in DISCREPANCIES.items() if table.ordered.all() or not d.ordered]
    measures = [discrepancy(name) for name in metrics if name != VARIANCE_RATIO]
    for measure in measures:
        refuse_nominal(measure, table)
    return measures


@dataclass(frozen=True, eq=False)
class _Split:
    table: TwinTable
    human: Floats
    train: Rows
    test: Rows
    bases: Floats
    level: float
    with_variance: bool

    def score(self, model: MarginalMethod, measures: Sequence[Discrepancy]) -> dict[str, Floats]:
        """Compute every metric of every hidden item."""
        known, hidden = self.table.take(self.train), self.table.take(self.test)
        truth = self.human[self.train]
        folds = item_folds(known.n_items, known.batteries)
        part = Situation(np.arange(hidden.n_items), known.batteries is None, folds)
        with one_thread():  # the matrices are small: threads would only wait for each other
            chosen = model.cross_validate(known, truth, folds)
            predicted = model.fit(known, truth, chosen.setting).predict(hidden)
        target = self.human[self.test]
        out = {measure.name: measure.value(target, predicted) for measure in measures}
        if self.with_variance:
            out[VARIANCE_RATIO] = table_variance_ratio(hidden, target, predicted)
        if known.n_items >= fewest_items(self.level):
            kl = DISCREPANCIES["kl"]
            bands = ConformalBands.learn(known, truth, chosen.predictions, kl, self.level)
            precision = part.precision(known, truth, chosen, self.bases[self.train])
            laws = precision.laws(hidden, predicted)
            ends = bands_around(hidden, predicted, laws, bands, self.level, by_law=model.follows_share_law)
            valid = hidden.valid()
            inside = (target >= ends.lower) & (target <= ends.upper)
            together = (target >= ends.simultaneous_lower) & (target <= ends.simultaneous_upper)
            out["coverage"] = (inside & valid).sum(axis=1) / hidden.n_categories
            out["coverage-simultaneous"] = (together | ~valid).all(axis=1).astype(float)
            out["coverage-discrepancy"] = (kl.value(target, predicted) <= bands.discrepancy_bound).astype(
                float
            )
        return out

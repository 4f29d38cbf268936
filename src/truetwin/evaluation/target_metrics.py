"""Metrics: score a prediction of one target against the observed answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Axis
from truetwin.data.scale import Kind
from truetwin.registry import Registry, must_be

Array = NDArray[np.float64]
Chosen = NDArray[np.bool_] | NDArray[np.intp]
Need = Literal["categories", "laws", "retest"]
MIN_PAIRS = 3
LARGEST_CORRELATION = 0.999999
_PAPER_SD = 1e-2


@dataclass(frozen=True)
class PairLaws:
    """Laws (predictive distributions) of the answers of one target, one row a pair.

    Attributes
    ----------
    codes, chances : ndarray of shape (n, K)
        Codes of the categories in ascending order, and their probabilities; NaN beyond an item's last category, and
        throughout for numeric items.
    low, high : ndarray of shape (n,)
        Ends of the interval that holds a share ``level`` of the answers; NaN for nominal items.
    level : float
        Level of these intervals.
    """

    codes: Array
    chances: Array
    low: Array
    high: Array
    level: float = 0.9

    def where(self, kept: Chosen) -> PairLaws:
        """Select some pairs, by a mask or by their positions."""
        return PairLaws(self.codes[kept], self.chances[kept], self.low[kept], self.high[kept], self.level)


@dataclass(frozen=True)
class Pairs:
    """Observed answers and predictions of one target, where both exist.

    Attributes
    ----------
    truth, prediction : ndarray of shape (n,)
        Human answers and their predictions, on the items' scales.
    centre, spread : ndarray of shape (n,)
        For a new respondent: mean and sd of each item among the *other* people. For a new item: unused.
    weights : ndarray of shape (n,), optional
        Weight of each pair; equal if absent.
    nearest : ndarray of shape (n,), optional
        The category next to each prediction; NaN where the item has no categories.
    retest : ndarray of shape (n,), optional
        The same people's answers when they were asked again; NaN where there is none.
    laws : PairLaws, optional
        Laws of the answers, where a metric needs them.
    samples : ndarray of shape (n,), optional
        Positions of the respondents (for a new respondent: of the items) in the panel.
    ordered : ndarray of bool of shape (n,), optional
        Whether the item of each pair has an order; all do if absent.
    """

    truth: Array
    prediction: Array
    centre: Array
    spread: Array
    weights: Array | None = None
    nearest: Array | None = None
    retest: Array | None = None
    laws: PairLaws | None = None
    samples: NDArray[np.intp] | None = None
    ordered: NDArray[np.bool_] | None = None

    def where(self, kept: Chosen) -> Pairs:
        """Select some pairs, by a mask or by their positions."""
        parts: dict[str, Any] = {part.name: getattr(self, part.name) for part in fields(self)}
        laws = parts.pop("laws")
        selected: dict[str, Any] = {
            name: None if value is None else value[kept] for name, value in parts.items()
        }
        return Pairs(**selected, laws=None if laws is None else laws.where(kept))


@dataclass(frozen=True)
class Metric:
    """Metric: a score for one target.

    Attributes
    ----------
    name : str
        Name on the command line.
    score : callable
        Function from pairs to a float; NaN where the score is undefined, never a made-up value.
    summary : str
        Description in one line.
    axes : tuple
        Kinds of target for which it is defined.
    kinds : tuple
        Kinds of scale for which it is defined. A target of another kind is not counted as zero.
    undefined_as : float, optional
        What an undefined score is worth when undefined scores are counted: 0 for a correlation. Absent for errors,
        of which none is worse than a large one.
    is_correlation : bool
        Whether Fisher's z transformation applies.
    is_fisher_z : bool
        Whether scores are Fisher's z of correlations, so that means are also given as correlations.
    needs : tuple
        What it needs beside predictions: "categories" (those next to the predictions), "laws", or a "retest".
    """

    name: str
    score: Callable[[Pairs], float]
    summary: str
    axes: tuple[Axis, ...] = ("item", "respondent")
    kinds: tuple[Kind, ...] = ("ordinal", "nominal", "numeric")
    undefined_as: float | None = None
    is_correlation: bool = False
    is_fisher_z: bool = False
    needs: tuple[Need, ...] = ()

    def of(self, pairs: Pairs) -> float:
        """Score the pairs of items of a kind for which it is defined; NaN if that leaves nothing."""
        if pairs.ordered is None or pairs.ordered.all() or "nominal" in self.kinds:
            return self.score(pairs)
        kept = pairs.where(pairs.ordered)
        return self.score(kept) if kept.truth.size else float("nan")


metrics: Registry[Metric] = Registry(
    "metric", hint="Known: {names}.", entry_point_group="truetwin.metrics", check=must_be(Metric)
)


def weighted_mean(values: Array, weights: Array | None) -> float:
    """Mean of values, weighted if there are weights; NaN of nothing."""
    if not values.size:
        return float("nan")
    return float(values.mean() if weights is None else weights @ values / weights.sum())


def weighted_variance(values: Array, weights: Array | None) -> float:
    """Variance (ddof 0), weighted if there are weights."""
    return weighted_mean((values - weighted_mean(values, weights)) ** 2, weights)


def correlation(x: Array, y: Array, weights: Array | None = None) -> float:
    """Pearson correlation, weighted if there are weights; NaN for fewer than three pairs or a constant side."""
    if x.size < MIN_PAIRS or is_constant(x) or is_constant(y):
        return float("nan")
    x, y = x - weighted_mean(x, weights), y - weighted_mean(y, weights)
    heavy = x if weights is None else weights * x
    return float(np.clip(heavy @ y / np.sqrt((heavy @ x) * _square(y, weights)), -1.0, 1.0))


def fisher_z(correlations: Array | float) -> Array:
    """Fisher's z transformation, arctanh; a correlation of 1 counts as .999999, which has a finite z."""
    return np.asarray(np.arctanh(np.clip(correlations, -LARGEST_CORRELATION, LARGEST_CORRELATION)))


def _square(y: Array, weights: Array | None) -> float:
    return float(y @ y if weights is None else (weights * y) @ y)


def is_constant(x: Array) -> bool:
    """Tell whether all values are the same, up to rounding errors."""
    return bool(np.ptp(x) <= 1e-9 * max(1.0, float(np.abs(x).max())))


def _pearson_paper(pairs: Pairs) -> float:
    both = (pairs.truth, pairs.prediction)
    if pairs.truth.size < 2 or min(weighted_variance(v, pairs.weights) for v in both) <= _PAPER_SD**2:
        return 0.0
    if pairs.weights is None:
        return float(np.corrcoef(*both)[0, 1])
    x, y = (v - weighted_mean(v, pairs.weights) for v in both)
    return float((pairs.weights * x) @ y / np.sqrt(_square(x, pairs.weights) * _square(y, pairs.weights)))


def _centred(pairs: Pairs) -> float:
    truth, prediction = ((v - pairs.centre) / pairs.spread for v in (pairs.truth, pairs.prediction))
    fine = np.isfinite(truth) & np.isfinite(prediction)
    return correlation(truth[fine], prediction[fine], None if pairs.weights is None else pairs.weights[fine])


def _spearman(pairs: Pairs) -> float:
    truth, prediction = (_midranks(v, pairs.weights) for v in (pairs.truth, pairs.prediction))
    return correlation(truth, prediction, pairs.weights)


def _midranks(values: Array, weights: Array | None) -> Array:
    """Return for each value the weight of all smaller ones, and half of that of equal ones."""
    position = np.unique(values, return_inverse=True)[1]
    weight = np.bincount(position, weights=weights)
    ranks: Array = (np.cumsum(weight) - weight / 2)[position]
    return ranks


def _variance_ratio(pairs: Pairs) -> float:
    if pairs.truth.size < MIN_PAIRS or is_constant(pairs.truth):
        return float("nan")
    return weighted_variance(pairs.prediction, pairs.weights) / weighted_variance(pairs.truth, pairs.weights)


def _rmse_in_sd(pairs: Pairs) -> float:
    if pairs.truth.size < MIN_PAIRS or is_constant(pairs.truth):
        return float("nan")
    square = weighted_mean((pairs.truth - pairs.prediction) ** 2, pairs.weights)
    return float((square / weighted_variance(pairs.truth, pairs.weights)) ** 0.5)


def _accuracy(pairs: Pairs) -> float:
    if pairs.nearest is None:
        return float("nan")
    kept = pairs.where(np.isfinite(pairs.nearest))
    assert kept.nearest is not None
    return weighted_mean(np.equal(kept.nearest, kept.truth).astype(float), kept.weights)


def _normalised_accuracy(pairs: Pairs) -> float:
    if pairs.retest is None or pairs.nearest is None:
        return float("nan")
    kept = pairs.where(np.isfinite(pairs.retest) & np.isfinite(pairs.nearest))
    assert kept.retest is not None
    agreement = weighted_mean(np.equal(kept.retest, kept.truth).astype(float), kept.weights)
    return _accuracy(kept) / agreement if agreement > 0 else float("nan")


def _normalised_pearson(pairs: Pairs) -> float:
    if pairs.retest is None:
        return float("nan")
    kept = pairs.where(np.isfinite(pairs.retest))
    assert kept.retest is not None
    reliability = correlation(kept.truth, kept.retest, kept.weights)
    found = correlation(kept.truth, kept.prediction, kept.weights)
    return found / reliability if reliability > 0 else float("nan")


_CATEGORIES: tuple[Kind, ...] = ("ordinal", "nominal")
_ORDERED: tuple[Kind, ...] = ("ordinal", "numeric")
_CORRELATION: dict[str, Any] = {"undefined_as": 0.0, "is_correlation": True, "kinds": _ORDERED}

for _metric in (
    Metric(
        "pearson",
        lambda p: correlation(p.truth, p.prediction, p.weights),
        "Pearson correlation",
        **_CORRELATION,
    ),
    Metric(
        "centred-pearson",
        _centred,
        "Pearson correlation after removing each item's mean and sd among the other people",
        axes=("respondent",),
        **_CORRELATION,
    ),
    Metric("spearman", _spearman, "rank correlation", **_CORRELATION),
    Metric(
        "fisher-z",
        lambda p: float(fisher_z(correlation(p.truth, p.prediction, p.weights))),
        "Fisher's z of the Pearson correlation; means are given as correlations too",
        kinds=_ORDERED,
        undefined_as=0.0,
        is_fisher_z=True,
    ),
    Metric(
        "mae",
        lambda p: weighted_mean(np.abs(p.truth - p.prediction), p.weights),
        "mean absolute error",
        kinds=_ORDERED,
    ),
    Metric(
        "rmse",
        lambda p: weighted_mean((p.truth - p.prediction) ** 2, p.weights) ** 0.5,
        "root mean squared error",
        kinds=_ORDERED,
    ),
    Metric(
        "rmse-sd",
        _rmse_in_sd,
        "root mean squared error in sds of the answers, so that items with different scales count alike",
        kinds=_ORDERED,
    ),
    Metric(
        "bias",
        lambda p: weighted_mean(p.prediction - p.truth, p.weights),
        "mean of prediction minus answer",
        kinds=_ORDERED,
    ),
    Metric(
        "variance-ratio",
        _variance_ratio,
        "variance of the predictions over the variance of the answers; 1 is right",
        kinds=_ORDERED,
    ),
    Metric(
        "sd-ratio",
        lambda p: _variance_ratio(p) ** 0.5,
        "sd of the predictions over the sd of the answers; 1 is right",
        kinds=_ORDERED,
    ),
    Metric(
        "pearson-paper",
        _pearson_paper,
        "Pearson correlation by paper A's rule: 0 where either sd is at most 0.01",
        **_CORRELATION,
    ),
    Metric(
        "accuracy",
        _accuracy,
        "share of the answers that the category next to the prediction hits",
        kinds=_CATEGORIES,
        undefined_as=0.0,
        needs=("categories",),
    ),
    Metric(
        "normalised-accuracy",
        _normalised_accuracy,
        "accuracy over the share of people who give the same answer when asked again (--retest)",
        kinds=_CATEGORIES,
        undefined_as=0.0,
        needs=("categories", "retest"),
    ),
    Metric(
        "normalised-pearson",
        _normalised_pearson,
        "Pearson correlation over that of people's answers when asked again (--retest)",
        kinds=_ORDERED,
        undefined_as=0.0,
        needs=("retest",),
    ),
):
    metrics.add(_metric.name, _metric)

"""Metrics: score a prediction of one target against the observed answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Axis
from truetwin.registry import Registry, must_be

Array = NDArray[np.float64]
MIN_PAIRS = 3
_PAPER_SD = 1e-2


@dataclass(frozen=True)
class Pairs:
    """Observed answers and predictions of one target, where both exist.

    Attributes
    ----------
    truth, prediction : ndarray of shape (n,)
        Human answers and their predictions, on the items' scales.
    centre, spread : ndarray of shape (n,)
        For a new respondent: mean and sd of each item among the *other* people. For a new item: unused.
    """

    truth: Array
    prediction: Array
    centre: Array
    spread: Array


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
    """

    name: str
    score: Callable[[Pairs], float]
    summary: str
    axes: tuple[Axis, ...] = ("item", "respondent")


metrics: Registry[Metric] = Registry(
    "metric", hint="Known: {names}.", entry_point_group="truetwin.metrics", check=must_be(Metric)
)


def _correlation(x: Array, y: Array) -> float:
    """Pearson correlation; NaN for fewer than three pairs or a constant side."""
    if x.size < MIN_PAIRS or _constant(x) or _constant(y):
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def _constant(x: Array) -> bool:
    return bool(np.ptp(x) <= 1e-9 * max(1.0, float(np.abs(x).max())))


def _pearson_paper(pairs: Pairs) -> float:
    if pairs.truth.size < 2 or min(pairs.truth.std(), pairs.prediction.std()) <= _PAPER_SD:
        return 0.0
    return float(np.corrcoef(pairs.truth, pairs.prediction)[0, 1])


def _centred(pairs: Pairs) -> float:
    truth, prediction = ((v - pairs.centre) / pairs.spread for v in (pairs.truth, pairs.prediction))
    fine = np.isfinite(truth) & np.isfinite(prediction)
    return _correlation(truth[fine], prediction[fine])


def _spearman(pairs: Pairs) -> float:
    from scipy.stats import rankdata

    return _correlation(rankdata(pairs.truth), rankdata(pairs.prediction))


def _mean_or_nan(values: Array) -> float:
    return float(values.mean()) if values.size else float("nan")


for _metric in (
    Metric("pearson", lambda p: _correlation(p.truth, p.prediction), "Pearson correlation"),
    Metric(
        "centred-pearson",
        _centred,
        "Pearson correlation after removing each item's mean and sd among the other people",
        axes=("respondent",),
    ),
    Metric("spearman", _spearman, "rank correlation"),
    Metric("mae", lambda p: _mean_or_nan(np.abs(p.truth - p.prediction)), "mean absolute error"),
    Metric(
        "rmse",
        lambda p: _mean_or_nan((p.truth - p.prediction) ** 2) ** 0.5,
        "root mean squared error",
    ),
    Metric("bias", lambda p: _mean_or_nan(p.prediction - p.truth), "mean of prediction minus answer"),
    Metric(
        "variance-ratio",
        lambda p: (
            float(p.prediction.var() / p.truth.var())
            if p.truth.size >= MIN_PAIRS and not _constant(p.truth)
            else float("nan")
        ),
        "variance of the predictions over the variance of the answers; 1 is right",
    ),
    Metric(
        "pearson-paper",
        _pearson_paper,
        "Pearson correlation by paper A's rule: 0 where either sd is at most 0.01",
    ),
):
    metrics.add(_metric.name, _metric)

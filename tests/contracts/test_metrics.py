"""What every registered metric of a target must do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from truetwin.evaluation import metrics, table_metrics
from truetwin.evaluation.table_metrics import Table
from truetwin.evaluation.target_metrics import PairLaws, Pairs

NAMES = list(metrics)
TABLE_NAMES = list(table_metrics)


def pairs(n: int = 40, seed: int = 0, *, weighted: bool = False) -> Pairs:
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, n).astype(float)
    prediction = truth + rng.normal(size=n)
    laws = PairLaws(
        np.tile(np.arange(1.0, 6.0), (n, 1)), rng.dirichlet(np.ones(5), n), prediction - 1, prediction + 1
    )
    return Pairs(
        truth,
        prediction,
        np.full(n, 3.0),
        np.ones(n),
        rng.integers(1, 4, n).astype(float) if weighted else None,
        np.clip(np.round(prediction), 1, 5),
        np.where(rng.random(n) < 0.8, truth, 3.0),
        laws,
    )


def shuffled(given: Pairs) -> Pairs:
    return given.where(np.random.default_rng(1).permutation(given.truth.size))


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_is_a_number_whatever_the_order_of_people(name: str) -> None:
    score = metrics[name].score(pairs())
    assert math.isfinite(score)
    assert metrics[name].score(shuffled(pairs())) == pytest.approx(score)


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_has_no_error_where_there_is_nothing_to_score(name: str) -> None:
    nothing = np.zeros(0)
    score = metrics[name].score(Pairs(nothing, nothing, nothing, nothing))
    assert math.isnan(score) or name == "pearson-paper"


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_says_what_it_measures(name: str) -> None:
    assert metrics[name].name == name
    assert metrics[name].summary
    assert set(metrics[name].axes) <= {"item", "respondent"}


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_of_two_counts_as_two_people(name: str) -> None:
    heavy = pairs(weighted=True)
    assert heavy.weights is not None
    copies = np.repeat(np.arange(heavy.truth.size), heavy.weights.astype(int))
    light = replace(heavy.where(copies), weights=None)
    assert metrics[name].score(heavy) == pytest.approx(metrics[name].score(light))


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_are_all_alike_change_nothing(name: str) -> None:
    given = pairs()
    alike = replace(given, weights=np.full(given.truth.size, 2.5))
    assert metrics[name].score(alike) == pytest.approx(metrics[name].score(given))


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_a_table_metric_does_not_depend_on_the_order_of_people(name: str) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 6, (90, 4)).astype(float)
    prediction = truth + rng.normal(size=truth.shape)
    prediction[:, 3] = 2.0
    groups = np.array([*"aab"] * 30, dtype=object)
    order = rng.permutation(90)
    metric = table_metrics[name]
    values = [
        metric.compare(Table(truth[o], prediction[o], np.ones(90), {"group": groups[o]}))
        for o in (np.arange(90), order)
    ]
    np.testing.assert_allclose(values[0].true, values[1].true)
    np.testing.assert_allclose(values[0].predicted, values[1].predicted)
    above, below = metric.ratio(values[0].true, values[0].predicted)
    assert np.isfinite(above + below).any()
    assert metric.name == name
    assert metric.summary

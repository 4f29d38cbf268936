"""What every registered metric of a target must do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from truetwin.evaluation.target_metrics import Pairs, metrics

NAMES = list(metrics)


def pairs(n: int = 40, seed: int = 0) -> Pairs:
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, n).astype(float)
    return Pairs(truth, truth + rng.normal(size=n), np.full(n, 3.0), np.ones(n))


def shuffled(given: Pairs) -> Pairs:
    order = np.random.default_rng(1).permutation(given.truth.size)
    return Pairs(*(v[order] for v in (given.truth, given.prediction, given.centre, given.spread)))


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

"""What the automatic calibrator reaches on the public data, strictly without the targets."""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest

from truetwin.datasets import movielens, twin_2k_500
from truetwin.evaluation import Evaluation, evaluate, interval_coverage

pytestmark = pytest.mark.skipif("TRUETWIN_DATA_MIRROR" not in os.environ, reason="needs the public data")


def scores(panel, protocol: str, *metrics: str) -> list[float]:
    """Score the calibrator alone: as its own baseline, nothing else is predicted beside it."""
    rows = evaluate(panel, ["auto"], protocol, metric=metrics, baseline="auto").summary()
    means = {row["metric"]: row["mean"] for row in rows if row["method"] == "auto"}
    return [means[metric] for metric in metrics]


def score(panel, protocol: str) -> float:
    (mean,) = scores(panel, protocol, "pearson-paper")
    return mean


@cache
def new_items_of_twin_2k() -> Evaluation:
    """Points and intervals of one sweep."""
    return evaluate(
        twin_2k_500.load(),
        ["auto"],
        "leave-one-item-out",
        metric=["pearson-paper", "coverage"],
        baseline="auto",
    )


def test_new_item_of_movielens() -> None:
    assert score(movielens.load(), "leave-one-item-out") >= 0.540


def test_new_item_of_twin_2k() -> None:
    assert np.nanmean(new_items_of_twin_2k().scores["auto", "pearson-paper"]) >= 0.330


def test_new_battery_of_twin_2k() -> None:
    assert score(twin_2k_500.load(), "leave-block-out") >= 0.203


def test_new_respondents() -> None:
    """Measured by benchmarks/new_people.py: MovieLens .4906 and centred .104, Twin-2K .9273 and centred .267."""
    plain, centred = scores(movielens.load(), "leave-one-respondent-out", "pearson", "centred-pearson")
    assert plain >= 0.490
    assert centred >= 0.10
    assert scores(twin_2k_500.load(), "leave-one-respondent-out", "pearson")[0] >= 0.927


def test_intervals_of_twin_2k() -> None:
    """Measured by benchmarks/levels.py: .906, sd over items .091, 8% of the items below .8."""
    covered = new_items_of_twin_2k().scores["auto", "coverage"]
    assert 0.87 <= np.nanmean(covered) <= 0.93
    assert np.nanstd(covered) <= 0.108
    assert np.nanmean(covered < 0.8) <= 0.10


def test_intervals_of_new_respondents() -> None:
    for panel in (movielens.load(), twin_2k_500.load()):
        assert 0.87 <= interval_coverage(panel, "leave-one-respondent-out").mean <= 0.93


def test_adaptive_transfer_does_no_harm_to_a_new_battery() -> None:
    table = evaluate(
        twin_2k_500.load(), ["adaptive:ridge"], "leave-block-out", metric="pearson-paper", baseline="twin"
    )
    means = {r["method"]: r["mean"] for r in table.summary()}
    assert means["adaptive:ridge"] >= means["twin"]

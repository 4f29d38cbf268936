"""Scores of laws: those of the laws that a method gives for the same item, before shares are reconciled."""

from __future__ import annotations

import numpy as np
import pytest

import truetwin as tt
from truetwin.calibration import calibrate
from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.datasets import generate_population
from truetwin.evaluation import interval_coverage
from truetwin.evaluation.law_metrics import LEAST_CHANCE

pytestmark = pytest.mark.slow

DRAWN = generate_population(80, 10, n_new_items=0, random_state=3, missing=0.05).panel
ITEMS = [
    Item(name, "", Scale.numeric(1, 7) if name == "Q02" else Scale.ordinal(1, 7)) for name in DRAWN.item_ids
]
PANEL = Panel(
    ResponseMatrix(DRAWN.human_values, DRAWN.respondent_ids, ITEMS),
    ResponseMatrix(DRAWN.twin_values, DRAWN.respondent_ids, ITEMS),
)
METRICS = ["log-score", "rps", "coverage", "interval-score"]


def without(item: str) -> Panel:
    """The panel as if nobody had answered an item."""
    kept = [k for k, name in enumerate(PANEL.item_ids) if name != item]
    human = ResponseMatrix(PANEL.human_values[:, kept], PANEL.respondent_ids, [ITEMS[k] for k in kept])
    return Panel(human, PANEL.twin)


@pytest.mark.parametrize("method", ["twin", "ridge", "auto"])
def test_the_laws_that_are_scored_are_those_of_a_new_item(method: str) -> None:
    item = "Q05"
    j = PANEL.item_ids.index(item)
    table = tt.evaluate(PANEL, [method], metric=METRICS, preset="twin-2k-500", baseline=method)
    k = table.target_ids.index(item)
    result = calibrate(without(item), method, preset="twin-2k-500")
    law = result.law(item)
    human = PANEL.human_values[:, j]
    both = np.isfinite(human) & np.isfinite(law.mean())
    chances = law.probabilities()[both, human[both].astype(int) - 1]
    expected = -np.log(np.maximum(chances, LEAST_CHANCE)).mean()
    assert table.scores[method, "log-score"][k] == pytest.approx(expected, abs=1e-9)
    low, high = (end[both] for end in law.interval(0.9))
    inside = np.mean((human[both] >= low) & (human[both] <= high))
    assert table.scores[method, "coverage"][k] == pytest.approx(inside)


@pytest.mark.parametrize("method", ["twin", "human-respondent-mean", "ridge", "auto"])
def test_every_method_has_scores_of_laws_where_they_fit_the_scale(method: str) -> None:
    table = tt.evaluate(
        PANEL, [method], "leave-block-out", metric=METRICS, preset="twin-2k-500", baseline=method,
        blocks={name: "AB"[k % 2] for k, name in enumerate(PANEL.item_ids)},
    )  # fmt: skip
    numeric = np.array(table.target_ids) == "Q02"
    for metric in METRICS:
        scores = table.scores[method, metric]
        assert np.isfinite(scores[~numeric]).all()
        assert np.isfinite(scores[numeric]).all() == (metric in ("coverage", "interval-score"))
    assert 0.75 < table.scores[method, "coverage"].mean() <= 1


@pytest.mark.parametrize("protocol", ["leave-one-item-out", "leave-one-respondent-out"])
def test_coverage_by_target_is_what_interval_coverage_finds(protocol: str) -> None:
    table = tt.evaluate(PANEL, ["auto"], protocol, metric="coverage", baseline="auto")
    found = interval_coverage(PANEL, protocol)
    expected = dict(zip(found.target_ids, found.covered.tolist(), strict=True))
    for target, score in zip(table.target_ids, table.scores["auto", "coverage"].tolist(), strict=True):
        assert score == pytest.approx(expected[target], abs=1e-12)


def test_laws_of_batches_do_not_depend_on_the_number_of_workers() -> None:
    one, two = (
        tt.evaluate(PANEL, ["ridge", "auto"], metric=METRICS, preset="twin-2k-500", n_jobs=n, max_folds=4)
        for n in (1, 2)
    )
    for key, scores in one.scores.items():
        np.testing.assert_array_equal(scores, two.scores[key])

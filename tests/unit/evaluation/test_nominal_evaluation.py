"""Evaluation of nominal items: accuracy is defined, correlations and errors are not."""

from __future__ import annotations

import numpy as np
import pytest

from recoding import recoded
from truetwin.calibration.calibrators import make_calibrator
from truetwin.calibration.decoding import Decoder
from truetwin.calibration.design import Preprocessing
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_world
from truetwin.evaluation import evaluate, interval_coverage
from truetwin.evaluation.hiding_protocols import protocols
from truetwin.evaluation.threshold_sweep import sweep_thresholds

pytestmark = pytest.mark.slow

PANEL = generate_world("base", 60, 10, n_new_items=0, kinds=("nominal", "five-point")).panel
NOMINAL = [i for i in PANEL.item_ids if PANEL.scales[i].kind == "nominal"]
METHODS = ["twin", "ridge", "auto"]


@pytest.mark.parametrize("protocol", ["leave-one-item-out", "leave-block-out", "leave-one-respondent-out"])
def test_other_codes_change_no_score(protocol: str) -> None:
    one, other = (
        evaluate(p, METHODS, protocol, metric=["accuracy", "pearson"], max_folds=6)
        for p in (PANEL, recoded(PANEL))
    )
    for key, scores in one.scores.items():
        assert np.allclose(scores, other.scores[key], atol=1e-9, equal_nan=True)


def test_correlations_of_nominal_items_are_undefined_and_explained() -> None:
    table = evaluate(PANEL, METHODS, metric=["pearson", "rmse", "accuracy"])
    nominal = np.isin(table.target_ids, NOMINAL)
    for method in METHODS:
        for metric in ("pearson", "rmse"):
            assert np.isnan(table.scores[method, metric][nominal]).all()
            assert np.isfinite(table.scores[method, metric][~nominal]).all()
        assert np.isfinite(table.scores[method, "accuracy"]).all()
    rows = [r for r in table.per_target() if r["target"] in NOMINAL and r["metric"] == "pearson"]
    assert rows
    assert {row["reason"] for row in rows} == {"pearson does not exist for items of its kind"}


def test_the_twin_scores_how_often_it_is_right() -> None:
    table = evaluate(PANEL, ["twin"], metric="accuracy")
    for target, score in zip(table.target_ids, table.scores["twin", "accuracy"], strict=True):
        j = PANEL.item_ids.index(target)
        there = np.isfinite(PANEL.human_values[:, j])
        assert score == pytest.approx(np.mean(PANEL.human_values[there, j] == PANEL.twin_values[there, j]))


def scrambled(panel: Panel, axis: str, k: int) -> Panel:
    """Replace the answers to one item, or of one person, by others on the scales."""
    rng = np.random.default_rng(1)
    values = panel.human.values.copy()
    for j, item in enumerate(panel.human.items):
        if axis == "item" and j != k:
            continue
        rows = slice(None) if axis == "item" else [k]
        assert item.scale is not None
        there = np.isfinite(values[rows, j])
        values[rows, j] = np.where(there, rng.choice(item.scale.categories, there.size), np.nan)
    return Panel(ResponseMatrix(values, panel.human.respondent_ids, panel.human.items), panel.twin)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("axis", ["item", "respondent"])
def test_hidden_answers_change_no_prediction(method: str, axis: str) -> None:
    how, k = protocols[f"leave-one-{axis}-out"], 2
    found = []
    for panel in (PANEL, scrambled(PANEL, axis, k)):
        encoding = Encoding.of(panel)
        fold = encoding.fold(how.folds(panel, None)[k])
        model = make_calibrator(method, encoding.encoded, how.axis, parameters=None)
        parts = model.predict_folds(encoding.encoded, [fold], Preprocessing())
        (decoded,) = Decoder(model, encoding, Preprocessing()).decoded([fold], parts)
        found.append(decoded.values)
    assert np.allclose(*found, atol=1e-9, equal_nan=True)


def test_nominal_items_have_no_coverage() -> None:
    assert set(interval_coverage(PANEL).target_ids) == set(PANEL.item_ids) - set(NOMINAL)
    assert np.isfinite(interval_coverage(PANEL, "leave-one-respondent-out").covered).all()


def test_a_sweep_of_thresholds_leaves_nominal_items_out() -> None:
    assert set(sweep_thresholds(PANEL).item_ids) == set(PANEL.item_ids) - set(NOMINAL)

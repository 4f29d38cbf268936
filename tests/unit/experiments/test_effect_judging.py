"""Scores of predicted effects, on numbers worked out by hand and on generated studies."""

from __future__ import annotations

import numpy as np
import pytest

from effect_examples import generated
from truetwin.errors import DataError
from truetwin.experiments.effect_calibration import EffectCalibration
from truetwin.experiments.effect_judging import (
    METHODS,
    LeftOutPredictions,
    cosine,
    cosine_ceiling,
    predict_left_out,
    score_effects,
)
from truetwin.experiments.paired_effects import PairedEffects


def hand_made() -> LeftOutPredictions:
    effects = PairedEffects.of(
        ["a", "b", "c"],
        ["s", "s", "t"],
        ["between"] * 3,
        human=[0.4, -0.2, 0.3],
        human_variance=[0.01, 0.04, 0.01],
        twin=[0.8, 0.2, 0.2],
        twin_variance=[0.01] * 3,
        own=[0.8, 0.2, 0.2],
        own_variance=[0.01] * 3,
    )
    calibrated = np.array([0.4, 0.1, 0.1])
    predictions = {
        "no effect": np.zeros(3),
        "twin": effects.twin,
        "shrunken twin": 0.5 * effects.twin,
        "calibrated": calibrated,
    }
    bounds = {"calibrated": np.array([calibrated - 0.25, calibrated + 0.25])}
    return LeftOutPredictions(effects, predictions, bounds, bounds["calibrated"], {}, 0.9)


def test_every_study_counts_the_same() -> None:
    rows = {row["method"]: row for row in score_effects(hand_made()).rows}
    assert rows["no effect"]["rmse"] == pytest.approx((0.5 * (0.5 * (0.16 + 0.04)) + 0.5 * 0.09) ** 0.5)
    twin = 0.5 * (0.5 * (0.16 + 0.16)) + 0.5 * 0.01
    assert rows["twin"]["rmse"] == pytest.approx(twin**0.5)
    calibrated = 0.5 * (0.5 * (0 + 0.09)) + 0.5 * 0.04
    assert rows["calibrated"]["gain_over_twin"] == pytest.approx(1 - (calibrated / twin) ** 0.5)
    assert rows["calibrated"]["coverage"] == pytest.approx(0.75)
    assert rows["calibrated"]["width"] == pytest.approx(0.5)


def test_signs_are_counted_among_all_and_among_significant_effects() -> None:
    scores = score_effects(hand_made())
    rows = {row["method"]: row for row in scores.rows}
    assert scores.n_significant == 2
    assert rows["twin"]["sign"] == pytest.approx(2 / 3)
    assert rows["twin"]["sign_significant"] == 1
    assert np.isnan(rows["no effect"]["sign"])
    assert np.isnan(rows["no effect"]["cosine"])


def test_paired_differences_have_t_intervals_over_studies() -> None:
    difference = next(row for row in score_effects(hand_made()).differences if row["other"] == "twin")
    by_study = np.array([0.045 - 0.16, 0.04 - 0.01])
    half = 6.3138 * by_study.std(ddof=1) / 2**0.5
    assert difference["difference"] == pytest.approx(by_study.mean())
    assert difference["high"] - difference["low"] == pytest.approx(2 * half, rel=1e-4)


def test_cosine_does_not_depend_on_orientation() -> None:
    human, twin, weights = np.array([0.5, -0.1, 0.3]), np.array([0.4, 0.2, 0.5]), np.full(3, 1 / 3)
    sign = np.array([1, -1, -1])
    assert cosine(sign * human, sign * twin, weights) == pytest.approx(cosine(human, twin, weights))


def test_ceiling_is_one_without_sampling_error_and_falls_with_it() -> None:
    effects, _ = generated(5, people=10**9)
    assert cosine_ceiling(effects) == pytest.approx(1)
    noisy, _ = generated(60, people=20, seed=2)
    assert 0.5 < cosine_ceiling(noisy) < 0.9


def test_left_out_predictions_equal_those_of_a_fit_without_the_study() -> None:
    effects, _ = generated(5, people=10**7)
    found = predict_left_out(effects)
    assert tuple(found.predictions) == METHODS
    rest = EffectCalibration.fit(effects.without_studies(["s2"]))
    here = effects.study_numbers == 2
    expected = rest.law(effects.of_study("s2")).mean()
    assert found.predictions["calibrated"][here] == pytest.approx(expected, abs=1e-4)


def test_predictions_of_a_study_ignore_its_human_effects() -> None:
    effects, _ = generated(5)
    at = effects.study_numbers == 1
    moved = PairedEffects.of(
        effects.contrasts,
        effects.studies,
        effects.kinds,
        human=np.where(at, 7 - effects.human, effects.human),
        human_variance=effects.human_variance,
        twin=effects.twin,
        twin_variance=effects.twin_variance,
        own=effects.own,
        own_variance=effects.own_variance,
    )
    before, after = predict_left_out(effects), predict_left_out(moved)
    for name in METHODS:
        assert np.array_equal(before.predictions[name][at], after.predictions[name][at])
    assert np.array_equal(before.law_bounds[:, at], after.law_bounds[:, at])


def test_calibration_beats_both_nulls_where_slopes_are_between_them() -> None:
    effects, _ = generated(12, between=0.5, within=0.2, seed=4)
    rows = {row["method"]: row for row in score_effects(predict_left_out(effects)).rows}
    assert rows["calibrated"]["rmse"] < min(rows["no effect"]["rmse"], rows["twin"]["rmse"])
    assert rows["calibrated"]["coverage"] > 0.85
    assert rows["calibrated"]["sign"] == rows["twin"]["sign"]


def test_three_studies_are_too_few_to_leave_one_out() -> None:
    effects, _ = generated(3)
    with pytest.raises(DataError, match="at least 4 studies"):
        predict_left_out(effects)


def test_records_have_a_row_a_contrast() -> None:
    effects, _ = generated(4)
    rows = predict_left_out(effects).records()
    assert [row["contrast"] for row in rows] == list(effects.contrasts)
    assert {"human", "human_se", "twin", "shrunken_twin", "calibrated", "low", "high"} <= set(rows[0])

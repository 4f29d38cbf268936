"""Calibration of effects on generated studies with known slopes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from effect_examples import generated, split
from truetwin.errors import DataError
from truetwin.experiments import past_likelihood
from truetwin.experiments.effect_calibration import EffectCalibration, averaging_weights
from truetwin.experiments.effect_candidates import CANDIDATES, NO_EFFECT
from truetwin.experiments.effect_grid import (
    ERROR_SPREADS,
    FACTOR_SHARES,
    SLOPE_SPREADS,
    SLOPES,
    SPREAD_SHARES,
    STUDY_FACTORS,
    Regressors,
    prior_of_slopes,
    regressors,
    study_likelihood,
    true_effect_variances,
)
from truetwin.experiments.paired_effects import PairedEffects
from truetwin.experiments.past_likelihood import PastLikelihood, study_powers


def test_shares_of_the_grid_sum_to_one() -> None:
    assert FACTOR_SHARES.sum() == pytest.approx(1)
    assert SPREAD_SHARES.sum() == pytest.approx(1)
    for centre in (0.0, 0.5):
        for by_group in (False, True):
            assert prior_of_slopes(centre, by_group).sum() == pytest.approx(1)


def test_likelihood_of_a_study_equals_that_of_full_covariance_matrices() -> None:
    random = np.random.default_rng(5)
    h, x, v = random.normal(size=5), random.normal(size=5), random.uniform(0.01, 0.1, 5)
    doubts, groups = random.uniform(0, 0.05, 5), np.array([0, 0, 1, 1, 0])
    found = study_likelihood(h, v, Regressors(x, doubts, groups))
    a, b, i, j = 12, 3, 2, 4
    slopes = SLOPES[[a, b]][groups]
    density = 0.0
    for share, factor in zip(FACTOR_SHARES, STUDY_FACTORS, strict=True):
        same = groups[:, None] == groups[None, :]
        covariance = factor * SLOPE_SPREADS[i] ** 2 * np.outer(x, x) * same
        covariance += np.diag(factor * ERROR_SPREADS[j] ** 2 + v + slopes**2 * doubts)
        density += share * multivariate_normal.pdf(h, slopes * x, covariance)
    assert found.shape == (len(SLOPES), len(SLOPES), len(SLOPE_SPREADS), len(ERROR_SPREADS))
    assert found[a, b, i, j] == pytest.approx(np.log(density))


def test_a_study_of_one_kind_does_not_depend_on_the_other_slope() -> None:
    twins = Regressors(np.array([0.2]), np.zeros(1), np.array([1]))
    found = study_likelihood(np.array([0.1]), np.array([0.01]), twins)
    assert found.shape[:2] == (1, len(SLOPES))


def test_twin_effects_move_towards_zero_as_their_sampling_error_asks() -> None:
    effects, _ = generated(150, people=20, seed=1)
    variances = true_effect_variances(effects, "twin")
    assert variances == pytest.approx([0.16, 0.16], rel=0.35)
    moved = regressors(effects, "twin", np.array([0.1, 0.1]))
    assert moved.effects == pytest.approx(effects.twin * 0.5)  # the sampling variance is .1, too
    assert moved.doubts == pytest.approx(np.full(len(effects), 0.05))


def test_slopes_are_found_by_kind() -> None:
    past, _new, _true = split(24, between=0.8, within=0.1, seed=2)
    rows = {(r["standardiser"], r["kind"]): r for r in EffectCalibration.fit(past).slopes()}
    assert rows["twin", "between conditions"]["slope"] == pytest.approx(0.8, abs=0.12)
    assert rows["twin", "within persons"]["slope"] == pytest.approx(0.1, abs=0.12)
    assert rows["own", "between conditions"]["slope"] == pytest.approx(0.8 / 1.5, abs=0.12)
    row = rows["twin", "between conditions"]
    assert row["low"] < 0.8 < row["high"]


def test_twins_as_good_as_people_are_left_nearly_as_they_are() -> None:
    past, new, _true = split(12, between=1.0, within=1.0, slope_spread=0.0, error_spread=0.0, seed=3)
    law = EffectCalibration.fit(past).law(new)
    assert law.mean() == pytest.approx(new.twin, abs=0.08)


def test_twins_that_know_nothing_are_shrunk_to_no_effect() -> None:
    past, new, _true = split(12, between=0.0, within=0.0, slope_spread=0.0, error_spread=0.2, seed=4)
    fitted = EffectCalibration.fit(past)
    assert max(fitted.weights, key=fitted.weights.__getitem__) == NO_EFFECT
    assert np.abs(fitted.law(new).mean()).max() < 0.15 * np.abs(new.twin).max()


@pytest.mark.parametrize("seed", [0, 1])
def test_orientation_of_contrasts_does_not_matter(seed: int) -> None:
    past, new, _ = split(6, seed=seed)
    random = np.random.default_rng(seed)
    flip_past, flip_new = random.random(len(past)) < 0.5, random.random(len(new)) < 0.5
    law, turned = (
        EffectCalibration.fit(past).law(new),
        EffectCalibration.fit(past.turned(flip_past)).law(new.turned(flip_new)),
    )
    sign = np.where(flip_new, -1.0, 1.0)
    assert turned.mean() == pytest.approx(sign * law.mean())
    low, high = law.quantiles([0.05, 0.95])
    turned_low, turned_high = turned.quantiles([0.05, 0.95])
    assert turned_low == pytest.approx(np.where(flip_new, -high, low))
    assert turned_high == pytest.approx(np.where(flip_new, -low, high))


def test_human_effects_of_the_new_study_are_not_looked_at() -> None:
    past, new, _ = split(6)
    fitted = EffectCalibration.fit(past)
    assert np.array_equal(fitted.law(new).mean(), fitted.law(new.without_human()).mean())


def test_calibrated_effects_have_the_sign_of_the_twins() -> None:
    past, new, _ = split(5, between=-0.5, within=-0.5, seed=6)
    assert (np.sign(EffectCalibration.fit(past).law(new).mean()) * np.sign(new.twin) >= 0).all()


def test_without_a_human_sd_only_the_twins_own_sd_is_used() -> None:
    past, new, _ = split(6)
    fitted = EffectCalibration.fit(past)
    unknown = new.without_human_sd()
    assert fitted.usable_standardisers(unknown) == ("own",)
    scaled = PairedEffects.of(
        new.contrasts, new.studies, new.kinds, twin=9 * new.twin, twin_variance=new.twin_variance
    )
    assert fitted.usable_standardisers(scaled) == ("twin",)
    assert np.isfinite(fitted.law(unknown).mean()).all()


def test_a_twin_effect_without_any_sd_is_refused_and_named() -> None:
    past, _, _ = split(4)
    new = PairedEffects.of(["flat"], ["w"], ["between"])
    with pytest.raises(DataError, match="'flat' has neither"):
        EffectCalibration.fit(past).law(new)


def test_a_kind_that_no_past_study_has_borrows_the_slope_with_more_doubt() -> None:
    past, _new, _ = split(9, seed=8)
    only = past.take(past.groups == 0)
    fitted = EffectCalibration.fit(only)
    assert fitted.n_by_group == (6, 0)
    between, within = (
        PairedEffects.of(["x"], ["w"], [kind], twin=[0.5], twin_variance=[0.001])
        for kind in ("between", "within")
    )
    assert 0 < fitted.law(within).mean()[0] < 1.2 * fitted.law(between).mean()[0]
    assert fitted.law(within).variance()[0] > fitted.law(between).variance()[0]


def test_fewer_than_three_past_studies_are_refused() -> None:
    effects, _ = generated(2)
    with pytest.raises(DataError, match="at least 3 past studies"):
        EffectCalibration.fit(effects)


def test_past_contrasts_without_effects_are_refused() -> None:
    effects, _ = generated(4)
    with pytest.raises(DataError, match="none has both"):
        EffectCalibration.fit(effects.without_human())


def test_a_study_with_many_contrasts_counts_as_one_of_usual_size() -> None:
    assert study_powers(np.array([2, 2, 2, 20])) == pytest.approx([1, 1, 1, 4 / 1.55 / 20])


def test_weights_follow_the_left_out_studies() -> None:
    better = np.array([[0.0, 1.0, -900.0]] * 6)
    weights = averaging_weights(better)
    assert weights.sum() == pytest.approx(1)
    assert weights[1] > 0.95
    assert weights[2] == 0
    one_study = np.array([[0.0, 3.0], [0.0, -1.0], [0.0, -1.0], [0.0, -1.0]])
    assert 0.2 < averaging_weights(one_study)[0] < 0.8


def test_candidates_are_those_of_the_decision_record() -> None:
    assert len(CANDIDATES) == 9
    assert CANDIDATES[0].label == "no effect"


@pytest.mark.parametrize("n_studies", [3, 8])
@pytest.mark.parametrize(("between", "within"), [(0.0, 0.0), (1.0, 1.0), (0.8, 0.2)])
def test_intervals_cover_the_effects_of_new_studies(n_studies: int, between: float, within: float) -> None:
    hit, count = 0, 0
    for seed in range(25):
        past, new, true = split(
            n_studies,
            between=between,
            within=within,
            slope_spread=0.2,
            error_spread=0.1,
            people=150,
            seed=seed,
        )
        low, high = EffectCalibration.fit(past).law(new).quantiles([0.05, 0.95])
        hit += int(((low <= true) & (true <= high)).sum())
        count += len(new)
    assert hit / count > 0.85


def test_dropping_unlikely_points_of_the_grid_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    effects, _ = generated(26, seed=11)
    new = effects.of_study("s25")
    pruned = PastLikelihood.of(effects)
    monkeypatch.setattr(past_likelihood, "MOST_UNPRUNED", 1000)
    every = PastLikelihood.of(effects)
    assert pruned.parts[-1][1].shape[1] < every.parts[-1][1].shape[1]
    rest = [name for name in effects.study_names if name != "s25"]
    before, after = (EffectCalibration.fit(likelihood, rest).law(new) for likelihood in (every, pruned))
    assert after.mean() == pytest.approx(before.mean(), rel=1e-9)
    assert after.variance() == pytest.approx(before.variance(), rel=1e-9)


def test_units_that_keep_more_past_studies_are_used() -> None:
    effects, _ = generated(6)
    first = effects.study_numbers < 3
    own, own_variance = (np.where(first, np.nan, v) for v in (effects.own, effects.own_variance))
    found = PastLikelihood.of(replace(effects, own=own, own_variance=own_variance))
    assert set(found.variances) == {"twin"}
    assert len(found.studies) == 6
    one = np.arange(len(effects)) == 0
    own, own_variance = (np.where(one, np.nan, v) for v in (effects.own, effects.own_variance))
    found = PastLikelihood.of(replace(effects, own=own, own_variance=own_variance))
    assert set(found.variances) == {"twin", "own"}
    assert len(found.past) == len(effects) - 1


def test_past_effects_in_the_human_sd_alone_need_that_of_new_contrasts() -> None:
    past, new, _ = split(5)
    unknown = np.full(len(past), np.nan)
    fitted = EffectCalibration.fit(replace(past, own=unknown, own_variance=unknown))
    assert np.isfinite(fitted.law(new).mean()).all()
    with pytest.raises(DataError, match="declare it"):
        fitted.law(new.without_human_sd())

"""Gaps of groups, on generated gaps with known coefficients and errors."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.estimation.gap_law import GapLaw, GapRecord, _fit, tilted
from truetwin.estimation.group_errors import TAUS, deviation_variances

N_ITEMS, N_GROUPS, BASE = 60, 4, 100.0


def record(slope_of_twins: float, tau: float, seed: int = 0) -> GapRecord:
    rng = np.random.default_rng(seed)
    calibrated = rng.normal(0, 0.2, (N_ITEMS, N_GROUPS))
    twin = calibrated + rng.normal(0, 0.2, (N_ITEMS, N_GROUPS))
    noise = np.sqrt(tau**2 + 1 / BASE)
    human = slope_of_twins * twin + 0.5 * calibrated + rng.normal(0, noise, (N_ITEMS, N_GROUPS))
    bases = np.full((N_ITEMS, N_GROUPS), BASE)
    return GapRecord(human, twin, calibrated, bases, [f"b{j // 4}" for j in range(N_ITEMS)])


def test_coefficients_are_those_of_the_answered_items() -> None:
    law = GapLaw.learn(record(0.4, 0.05))
    assert law.coefficients == pytest.approx([0.4, 0.5], abs=0.1)


def test_the_error_on_a_battery_has_no_say_in_how_it_is_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetwin.estimation.gap_law.PENALTIES", ())
    some = record(0.4, 0.05)
    features, precision = np.stack([some.twin, some.calibrated], axis=-1), np.ones(some.human.shape)
    units = np.arange(N_ITEMS) // 4
    other = some.human.copy()
    other[:4] = 50 * some.twin[:4]
    before, after = (_fit(human, features, precision, units) for human in (some.human, other))
    assert before[0] != after[0]
    assert after[2][:4] == pytest.approx(before[2][:4])


def test_tau_is_about_what_errors_are() -> None:
    small, large = (
        float(np.sqrt(GapLaw.learn(record(0.4, tau)).errors.tau_weights @ TAUS**2)) for tau in (0.03, 0.3)
    )
    assert small < 0.12
    assert large == pytest.approx(0.3, abs=0.06)


def test_gaps_without_relation_to_twins_are_predicted_as_none() -> None:
    found = record(0.4, 0.05)
    noise = np.random.default_rng(1).normal(0, 0.02, found.human.shape)
    law = GapLaw.learn(GapRecord(noise, found.twin, found.calibrated, found.bases, found.units))
    assert np.abs(law.coefficients).max() < 0.05


def test_twins_that_are_right_are_taken_as_they_are() -> None:
    found = record(0.0, 0.0)
    law = GapLaw.learn(
        GapRecord(found.twin, found.twin, found.calibrated, np.full(found.twin.shape, 1e6), found.units)
    )
    assert law.coefficients == pytest.approx([1.0, 0.0], abs=0.01)


def test_with_too_few_batteries_there_is_no_gap_and_a_wide_error() -> None:
    found = record(0.4, 0.05)
    few = GapRecord(found.human[:2], found.twin[:2], found.calibrated[:2], found.bases[:2], ["a", "b"])
    law = GapLaw.learn(few)
    assert law.coefficients.tolist() == [0.0, 0.0]
    assert law.chosen.startswith("no gap")


def test_the_error_of_a_difference_of_two_groups_has_no_shared_part() -> None:
    shares, bases = np.array([0.2, 0.3, 0.5]), np.array([50.0, 80.0, 100.0])
    own, pairs = deviation_variances(shares, bases, np.eye(3))
    rng = np.random.default_rng(0)
    errors = rng.normal(0, np.sqrt(TAUS[3] ** 2 + 1 / bases), (100_000, 3))
    deviations = errors - (errors @ shares)[:, None]
    assert own[:, 3] == pytest.approx(deviations.var(axis=0), rel=0.03)
    assert pairs[0, 1, 3] == pytest.approx((deviations[:, 0] - deviations[:, 1]).var(), rel=0.03)


def test_tilted_shares_have_the_mean_that_was_asked_for() -> None:
    shares, codes = np.array([0.1, 0.2, 0.3, 0.25, 0.15]), np.arange(1.0, 6.0)
    gaps = np.array([-0.8, 0.0, 0.4])
    found = tilted(shares, codes, gaps)
    assert found @ codes == pytest.approx(shares @ codes + gaps)
    assert found.sum(axis=1) == pytest.approx(1.0)


def test_a_gap_beyond_the_scale_ends_at_the_scale() -> None:
    assert tilted(np.array([0.5, 0.5]), np.array([0.0, 1.0]), np.array([3.0]))[0, 1] <= 1.0


def test_a_law_says_whether_it_predicts_no_gap() -> None:
    found = record(0.4, 0.05)
    assert not GapLaw.learn(found).none
    few = GapRecord(found.human[:4], found.twin[:4], found.calibrated[:4], found.bases[:4], found.units[:4])
    assert GapLaw.learn(few).none

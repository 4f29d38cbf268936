"""Answers that arrive one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.calibration import calibrate
from truetwin.calibration.online_items import OnlineItem
from truetwin.datasets import generate_population
from truetwin.errors import DataError, ParameterError


def item(n: int = 50, seed: int = 0) -> tuple[OnlineItem, np.ndarray]:
    rng = np.random.default_rng(seed)
    predictions = rng.normal(3, 1, n)
    truth = predictions + 0.8 + rng.normal(0, 0.5, n)
    return OnlineItem(predictions, [f"r{k}" for k in range(n)], spread=1.0), truth


def test_answers_improve_the_predictions_of_the_others() -> None:
    online, truth = item()
    before = np.abs(online.predictions[20:] - truth[20:]).mean()
    online.update({f"r{k}": truth[k] for k in range(20)})
    assert np.abs(online.predictions[20:] - truth[20:]).mean() < before
    assert (online.predictions[:20] == truth[:20]).all()


def test_order_and_grouping_of_updates_do_not_matter() -> None:
    together, truth = item()
    one_by_one, _ = item()
    answers = {f"r{k}": truth[k] for k in range(10)}
    together.update(answers)
    for who in reversed(answers):
        one_by_one.update({who: answers[who]})
    np.testing.assert_allclose(together.predictions, one_by_one.predictions, atol=1e-12)


def test_interval_of_the_mean_covers_it_whatever_the_predictions() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        truth = rng.normal(2, 1, 400)
        online = OnlineItem(rng.normal(size=400), [str(k) for k in range(400)], spread=1.0)
        drawn = rng.choice(400, 40, replace=False)
        found = online.update({str(k): truth[k] for k in drawn}).mean(0.9)
        hits += found.low <= truth.mean() <= found.high
    assert 0.84 < hits / 300 < 0.96


def test_good_predictions_shorten_the_interval() -> None:
    online, truth = item(400)
    plain = OnlineItem(np.zeros(400), online.respondent_ids, spread=1.0)
    answers = {f"r{k}": truth[k] for k in range(40)}
    assert online.update(answers).mean().standard_error < plain.update(answers).mean().standard_error


def test_share_lies_between_zero_and_one() -> None:
    online = OnlineItem(np.ones(10), [str(k) for k in range(10)], spread=1.0)
    online.update({"0": 1.0, "1": 1.0, "2": 2.0})
    found = online.share(1.0)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.value == pytest.approx(2 / 3)


def test_conflicting_answers_are_refused_and_nothing_is_added() -> None:
    online, _ = item()
    online.update({"r0": 1.0})
    with pytest.raises(DataError, match="answered 1 before and 2 now"):
        online.update({"r1": 3.0, "r0": 2.0})
    assert online.n_observed == 1
    assert online.withdraw("r0").update({"r0": 2.0}).n_observed == 1


def test_one_answer_moves_predictions_but_gives_no_confidence_interval() -> None:
    online, _ = item()
    before = online.predictions
    online.update({"r0": 9.0})
    assert (online.predictions[1:] > before[1:]).any()
    with pytest.raises(DataError, match="at least two"):
        online.mean()


@pytest.mark.parametrize("answers", [{"nobody": 1.0}, {"r0": float("nan")}])
def test_answers_that_make_no_sense_are_refused(answers: dict[str, float]) -> None:
    with pytest.raises(DataError):
        item()[0].update(answers)


@pytest.mark.parametrize("spread", [0.0, -1.0, float("nan")])
def test_a_spread_that_is_not_positive_is_refused(spread: float) -> None:
    with pytest.raises(ParameterError):
        OnlineItem([1.0], ["a"], spread=spread)


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=12))
def test_everybody_observed_leaves_nothing_uncertain(answers: list[float]) -> None:
    ids = [str(k) for k in range(len(answers))]
    online = OnlineItem(np.arange(len(answers), dtype=float), ids, spread=1.0)
    online.update(dict(zip(ids, answers, strict=True)))
    found = online.mean()
    assert found.value == pytest.approx(np.mean(answers), abs=1e-9)
    assert found.standard_error == 0


def test_a_calibration_hands_out_its_items() -> None:
    result = calibrate(generate_population(60, 10, n_new_items=1, random_state=2).panel)
    online = result.online(result.panel.new_items[0])
    assert online.update({result.panel.respondent_ids[0]: 5.0}).predictions[0] == 5.0
    assert online.error_sd > 0


def with_donors(n: int = 300, seed: int = 3) -> tuple[OnlineItem, np.ndarray]:
    rng = np.random.default_rng(seed)
    known = rng.normal(size=(n, 5)) / 5**0.5
    truth = 3 + 0.9 * 5**0.5 * known[:, 0] + 0.5 * rng.normal(size=n)
    return OnlineItem(np.full(n, 3.0), [str(k) for k in range(n)], spread=1.0, covariates=known), truth


def test_answers_tell_about_people_who_answered_the_donors_alike() -> None:
    online, truth = with_donors()
    online.update({str(k): truth[k] for k in range(60)})
    assert np.corrcoef(online.predictions[60:], truth[60:])[0, 1] > 0.7
    assert online.explained > 0.1
    low, high = online.intervals(0.9)
    assert 0.82 < np.mean((low <= truth) & (truth <= high)) <= 1.0
    assert online.error_sd < 1.0


def test_donors_that_tell_nothing_stay_out() -> None:
    online, truth = with_donors()
    shuffled = np.random.default_rng(0).permutation(truth)
    online.update({str(k): shuffled[k] for k in range(150)})
    assert online.explained < 0.03
    assert np.std(online.predictions[150:]) < 0.25


def test_before_any_answer_predictions_and_intervals_are_as_calibrated() -> None:
    online, _ = with_donors()
    assert (online.predictions == 3.0).all()
    assert (online.error_sds == 1.0).all()
    low, high = online.intervals(0.6827)
    assert high[0] - low[0] == pytest.approx(2.0, abs=1e-3)


def test_answers_taken_back_leave_no_trace() -> None:
    online, truth = with_donors()
    before = online.predictions
    online.update({"0": truth[0]})
    assert (online.predictions[1:] != before[1:]).any()
    np.testing.assert_array_equal(online.withdraw("0").predictions, before)


def test_somebody_without_a_prediction_stays_without_until_the_answer_comes() -> None:
    online = OnlineItem([2.0, float("nan"), 3.0], ["a", "b", "c"], spread=1.0)
    assert np.isnan(online.update({"a": 2.5}).predictions[1])
    assert online.update({"b": 5.0}).predictions[1] == 5.0


def test_answers_that_all_agree_promise_no_certainty() -> None:
    online = OnlineItem(np.zeros(50), [str(k) for k in range(50)], spread=1.0)
    online.update({"0": 1.0, "1": 1.0, "2": 1.0})
    assert online.mean().standard_error > 0.3
    never = online.share(2.0)
    assert never.value == 0.0
    assert never.high > 0.3


@pytest.mark.parametrize("covariates", [np.ones(4), np.ones((3, 2)), np.full((4, 1), np.nan)])
def test_covariates_that_do_not_fit_are_refused(covariates: np.ndarray) -> None:
    with pytest.raises(DataError, match="covariates"):
        OnlineItem([1.0, 2.0, 3.0, 4.0], list("abcd"), spread=1.0, covariates=covariates)


def test_hidden_answers_to_the_item_do_not_enter_its_covariates() -> None:
    from truetwin.calibration.error_conditioning import donor_covariates

    panel = generate_population(60, 8, n_new_items=0, random_state=4).panel
    noise = panel.human_values.copy()
    noise[:, 2] = np.random.default_rng(0).normal(size=60)
    first, second = (donor_covariates(h, panel.twin_values, 2) for h in (panel.human_values, noise))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second)
    alone = np.full((60, 8), np.nan)
    alone[:, 2] = 1.0
    assert donor_covariates(alone, panel.twin_values, 2) is None

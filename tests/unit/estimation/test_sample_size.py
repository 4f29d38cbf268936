"""How many people a new item needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import truetwin as tt
from truetwin.data import ResponseMatrix
from truetwin.datasets import generate_population
from truetwin.errors import AlignmentError, NotPredictableError, ParameterError
from truetwin.estimation.first_answers import FirstAnswers
from truetwin.estimation.sample_posterior import SharePrior, sample_posterior
from truetwin.estimation.sample_size import people_needed, people_without_twins, plan_sample, variance_left
from truetwin.instrument.batteries import infer_blocks
from truetwin.reweighting.share_law import ShareLaw


def prior_worth(kappa_number: int, share: float = 0.4) -> SharePrior:
    law = ShareLaw("Q1", np.array([0.0, 1.0]), np.array([1 - share, share]), weights=np.eye(6)[kappa_number])
    return SharePrior.of(law, [0.0, 1.0])


def test_without_twins_the_number_is_the_textbook_one() -> None:
    n = people_without_twins(prior_worth(5, 0.5), 0.03, population=np.inf, level=0.9)
    assert n == pytest.approx((1.645 * 0.5 / 0.03) ** 2, abs=10)
    small = people_without_twins(prior_worth(5, 0.5), 0.03, population=1000, level=0.9)
    assert small == pytest.approx(n / (1 + n / 1000), abs=3)


def test_a_better_prior_and_better_predictions_need_fewer_people() -> None:
    saved = []
    for kappa_number, ratio in ((0, 1.0), (3, 1.0), (4, 1.0), (4, 0.7)):
        prior = prior_worth(kappa_number)
        without = people_without_twins(prior, 0.05, population=5000, level=0.9)
        saved.append(without - people_needed(prior, 0.05, population=5000, level=0.9, ratio=ratio))
    assert saved == sorted(saved)
    assert abs(saved[0]) < 12  # a prior worth two people saves about as many
    assert saved[3] > 100
    assert people_needed(prior_worth(5), 0.08, population=5000, level=0.9) == 0


def test_the_planned_sample_has_the_precision_that_was_planned() -> None:
    rng = np.random.default_rng(0)
    prior = prior_worth(2)
    n = people_needed(prior, 0.06, population=2000, level=0.9)
    widths = []
    for _ in range(200):
        share = rng.beta(0.4 * 12, 0.6 * 12)
        answers = (rng.random((n, 1)) < share).astype(float)
        found = sample_posterior(prior, answers, population=2000)
        widths.append((found.high - found.low)[0] / 2)
    assert np.mean(widths) == pytest.approx(0.06, abs=0.003)


def test_the_interval_now_is_that_of_the_answers_so_far() -> None:
    prior = prior_worth(2)
    answers = np.repeat([1.0, 0.0], [21, 39])[:, None]
    first = FirstAnswers(60, 60.0, answers.mean(axis=0), answers.var(axis=0, ddof=1))
    found = sample_posterior(prior, answers, population=2000)
    now = float((found.high - found.low)[0] / 2)
    assert people_needed(prior, now * 1.01, population=2000, level=0.9, first=first) == 60
    assert people_needed(prior, now * 0.97, population=2000, level=0.9, first=first) in range(61, 68)
    in_all = people_needed(prior, 0.05, population=2000, level=0.9, first=first)
    assert in_all == pytest.approx(people_needed(prior, 0.05, population=2000, level=0.9), rel=0.1)


def test_people_with_unequal_weights_are_worth_fewer() -> None:
    unequal, n_people = FirstAnswers(effect=1.5), np.inf
    alike = people_without_twins(prior_worth(3), 0.03, population=n_people, level=0.9)
    weighted = people_without_twins(prior_worth(3), 0.03, population=n_people, level=0.9, first=unequal)
    assert weighted == pytest.approx(1.5 * alike, abs=2)
    helped = people_needed(prior_worth(3), 0.03, population=n_people, level=0.9, ratio=0.8, first=unequal)
    assert helped == pytest.approx(
        1.5 * people_needed(prior_worth(3), 0.03, population=n_people, level=0.9, ratio=0.8), abs=2
    )


def test_a_sample_and_weights_change_what_is_still_to_ask() -> None:
    population = generate_population(150, 8, n_new_items=2, random_state=0)
    panel, truth = population.panel, population.truth
    item = panel.new_items[0]
    column = truth.item_ids.index(item)
    sample = ResponseMatrix(truth.values[:40, [column]], panel.respondent_ids[:40], [truth.items[column]])
    before = plan_sample(panel, 0.1, items=[item]).rows[0]
    weights = np.where(np.arange(150) % 2, 0.4, 1.6)
    found = plan_sample(panel, 0.1, weights=weights, sample=sample)
    assert [row["item"] for row in found.rows] == list(panel.new_items)
    row, other = found.rows
    assert (row["asked"], other["asked"], before["asked"]) == (40, 0, 0)
    assert row["half_width_now"] < before["half_width_now"]
    shares = tt.estimate(panel, statistics="share", weights=weights, sample=sample).rows
    for planned in found.rows:
        widths = [r["upper"] - r["lower"] for r in shares if r["item"] == planned["item"]]
        assert planned["half_width_now"] == pytest.approx(max(widths) / 2)
    reached = plan_sample(panel, 1.001 * row["half_width_now"], weights=weights, sample=sample).rows[0]
    assert reached["more"] == 0
    assert (row["more"], row["more_without_twins"]) == (
        row["people"] - 40,
        row["people_without_twins"] - 40,
    )
    assert found.effect == pytest.approx(1.36)
    assert row["people_without_twins"] > before["people_without_twins"]
    strangers = ResponseMatrix(sample.values, [f"X{k}" for k in range(40)], sample.items)
    with pytest.raises(AlignmentError, match="every person of the sample"):
        plan_sample(panel, 0.1, sample=strangers)


def test_as_long_as_the_interval_is_too_wide_more_people_are_asked() -> None:
    population = generate_population(100, 8, n_new_items=2, random_state=0)
    panel, item = population.panel, population.panel.new_items[0]
    alike = ResponseMatrix(np.full((40, 1), 5.0), panel.respondent_ids[:40], [panel.items[item]])
    now = plan_sample(panel, 0.1, items=[item], sample=alike).rows[0]["half_width_now"]
    narrower = plan_sample(panel, 0.95 * now, items=[item], sample=alike).rows[0]
    assert narrower["people_without_twins"] == 40  # answers that are alike have no spread
    assert narrower["more"] > 1
    assert narrower["saved"] == 0


def test_each_new_item_gets_its_numbers() -> None:
    panel = generate_population(300, 20, n_new_items=3, random_state=0).panel
    found = plan_sample(panel, 0.08)
    assert [row["item"] for row in found.rows] == list(panel.new_items)
    for row in found.rows:
        assert 0 < row["people"] <= row["people_without_twins"] <= 300
        assert row["saved"] == row["people_without_twins"] - row["people"]
        assert 0.2 <= row["variance_left"] <= 1.0
    (mean,) = plan_sample(panel, 0.2, statistic="mean", items=[panel.new_items[0]]).rows
    assert (
        mean["variance_left"] < found.rows[0]["variance_left"]
    )  # twins tell more of the mean than of shares


def test_useless_twins_save_nothing_by_their_predictions() -> None:
    panel = generate_population(300, 20, n_new_items=2, random_state=0).panel
    shuffled = panel.twin.values[np.random.default_rng(1).permutation(300)]
    noise = replace(panel, twin=ResponseMatrix(shuffled, panel.twin.respondent_ids, panel.twin.item_ids))
    blocks = infer_blocks(panel.item_ids)
    useful, useless = (variance_left(p, blocks, "mean", new_battery=False) for p in (panel, noise))
    assert useful < 0.8
    assert useless > useful


def test_plans_that_cannot_be_made_are_named() -> None:
    panel = generate_population(60, 8, n_new_items=1, random_state=0).panel
    with pytest.raises(ParameterError, match="precision must be a number above 0"):
        plan_sample(panel, 0.0)
    with pytest.raises(ParameterError, match="'Q1' is none"):
        plan_sample(panel, 0.1, items=["Q1"])
    with pytest.raises(ParameterError, match="level"):
        plan_sample(panel, 0.1, level=2.0)
    answered = generate_population(60, 8, n_new_items=0, random_state=0).panel
    with pytest.raises(NotPredictableError, match="nothing to plan"):
        plan_sample(answered, 0.1)

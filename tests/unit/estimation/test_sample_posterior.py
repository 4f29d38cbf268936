"""Prior, sample and predictions together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from truetwin.errors import DataError, ParameterError
from truetwin.estimation.sample_posterior import (
    SharePrior,
    heavy_tail_note,
    jeffreys_interval,
    sample_posterior,
)
from truetwin.estimation.survey_variance import SurveyDesign
from truetwin.reweighting.share_law import ShareLaw

CODES = np.array([1.0, 2.0, 3.0, 4.0])
SHARES = np.array([0.1, 0.2, 0.3, 0.4])
VALUES = np.vstack([np.eye(4), CODES, [0, 0, 1, 1]])


def law_worth(kappa_number: int) -> ShareLaw:
    return ShareLaw("Q1", CODES, SHARES, weights=np.eye(6)[kappa_number])


def drawn(rng: np.random.Generator, shares: np.ndarray, n: int) -> np.ndarray:
    return rng.choice(len(shares), n, p=shares)


def test_without_answers_the_estimate_is_the_prior() -> None:
    law = law_worth(2)
    found = sample_posterior(SharePrior.of(law, VALUES), np.empty((0, 6)))
    assert_allclose(found.estimate, VALUES @ SHARES)
    low, high = law.interval(VALUES)
    assert_allclose(found.low, low, atol=1e-9)
    assert_allclose(found.high, high, atol=1e-9)
    assert_allclose(found.worth, 13, rtol=0.2)
    assert "nobody has answered" in found.notes[0]


def test_many_answers_outweigh_the_prior() -> None:
    true = np.array([0.4, 0.3, 0.2, 0.1])
    answers = drawn(np.random.default_rng(0), true, 4000)
    found = sample_posterior(SharePrior.of(law_worth(4), VALUES), VALUES.T[answers])
    assert_allclose(found.estimate, VALUES.T[answers].mean(axis=0), atol=0.03)
    assert (found.high - found.low < 0.15).all()


def test_a_good_prior_narrows_the_interval_and_it_still_holds() -> None:
    rng = np.random.default_rng(1)
    prior = SharePrior.of(ShareLaw("Q1", CODES, SHARES), VALUES)
    held, width = np.zeros(6), np.zeros((2, 6))
    for _ in range(300):
        true = rng.dirichlet(30 * SHARES)
        found = sample_posterior(prior, VALUES.T[drawn(rng, true, 40)])
        held += (found.low <= VALUES @ true) & (VALUES @ true <= found.high)
        width += np.array([found.high - found.low, found.classical_high - found.classical_low])
    assert (held / 300 > 0.87).all()
    assert (width[0] < width[1]).all()


def test_predictions_of_everybody_narrow_the_interval_of_the_mean() -> None:
    rng = np.random.default_rng(2)
    truth = drawn(rng, SHARES, 2000)
    everybody = VALUES.T[truth] + rng.normal(scale=0.5, size=(2000, 6))
    here = rng.permutation(2000)[:300]
    prior = SharePrior.of(law_worth(0), VALUES)
    plain = sample_posterior(prior, VALUES.T[truth[here]], population=2000)
    powered = sample_posterior(prior, VALUES.T[truth[here]], predicted=everybody[here], everybody=everybody)
    assert (powered.variance_ratio[4], plain.variance_ratio[4]) == (pytest.approx(0.2, abs=0.05), 1.0)
    assert powered.high[4] - powered.low[4] < 0.6 * (plain.high[4] - plain.low[4])
    assert powered.low[4] <= CODES[truth].mean() <= powered.high[4]


def test_unequal_weights_are_honoured() -> None:
    rng = np.random.default_rng(3)
    truth = drawn(rng, SHARES, 4000)
    chance = 1.0 + 3.0 * (truth == 3)  # those who answer 4 are drawn more often
    prior = SharePrior.of(law_worth(0), VALUES)
    held = []
    for _ in range(100):
        here = rng.choice(4000, 100, p=chance / chance.sum())
        design = SurveyDesign.of(100, 1 / chance[here])
        found = sample_posterior(prior, VALUES.T[truth[here]], design, population=4000)
        held.append(found.low[3] <= (truth == 3).mean() <= found.high[3])
    assert np.mean(held) >= 0.85
    assert found.effective_n[0] < 90


def test_clusters_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    answers = np.repeat(drawn(rng, SHARES, 20), 5)  # everybody of a cluster says the same
    prior = SharePrior.of(law_worth(0), VALUES)
    alone = sample_posterior(prior, VALUES.T[answers])
    clustered = sample_posterior(
        prior, VALUES.T[answers], SurveyDesign.of(100, clusters=np.repeat(np.arange(20), 5))
    )
    ratio = (clustered.high - clustered.low) / (alone.high - alone.low)
    assert (ratio > 1.5).all()
    assert any("20 clusters" in note for note in clustered.notes)


def test_once_everybody_has_answered_nothing_is_uncertain() -> None:
    truth = drawn(np.random.default_rng(5), SHARES, 50)
    found = sample_posterior(SharePrior.of(law_worth(2), VALUES), VALUES.T[truth], population=50)
    assert_allclose(found.estimate, VALUES.T[truth].mean(axis=0), atol=1e-6)
    assert (found.high - found.low < 2e-3).all()


def test_a_rare_answer_that_nobody_gave_keeps_a_width() -> None:
    values = np.array([[1.0, 0.0, 0.0, 0.0]])
    found = sample_posterior(SharePrior.of(law_worth(0), values), np.zeros((30, 1)))
    assert found.low[0] >= 0
    assert 0.02 < found.high[0] < 0.15
    assert found.classical_high[0] == pytest.approx(float(jeffreys_interval(0.0, 30)[1]))


def test_jeffreys_holds_for_rare_answers_on_average() -> None:
    shares = np.linspace(0.005, 0.08, 40)  # single shares waver, because counts are whole numbers
    seen = np.random.default_rng(6).binomial(100, shares, size=(2000, 40)) / 100
    low, high = jeffreys_interval(seen, 100)
    assert np.mean((low <= shares) & (shares <= high)) == pytest.approx(0.9, abs=0.02)


def test_one_answer_does_not_move_the_prior() -> None:
    prior = SharePrior.of(law_worth(2), VALUES)
    found = sample_posterior(prior, VALUES.T[[0]])
    assert_allclose(found.estimate, prior.means)


def test_statistics_are_computed_as_if_alone() -> None:
    answers = drawn(np.random.default_rng(7), SHARES, 30)
    law = ShareLaw("Q1", CODES, SHARES)
    together = sample_posterior(SharePrior.of(law, VALUES), VALUES.T[answers])
    for k in range(len(VALUES)):
        alone = sample_posterior(SharePrior.of(law, VALUES[k]), VALUES.T[answers][:, [k]])
        assert_allclose([alone.low[0], alone.high[0]], [together.low[k], together.high[k]])


def test_the_result_says_what_it_takes_for_granted() -> None:
    found = sample_posterior(SharePrior.of(law_worth(2), VALUES), VALUES.T[[0, 1, 2, 3]], population=40)
    assert "drawn by chance from the 40 people" in found.notes[0]
    assert "nothing here can repair that" in found.notes[0]


def test_a_heavy_tail_is_flagged_until_there_are_enough_answers() -> None:
    rng = np.random.default_rng(8)
    income = np.exp(rng.normal(scale=1.2, size=20_000))
    assert "the median" in (heavy_tail_note(income[:60]) or "")
    assert heavy_tail_note(rng.normal(size=60)) is None
    assert heavy_tail_note(income.clip(max=5)) is None


def test_bad_input_is_named() -> None:
    prior = SharePrior.of(law_worth(2), VALUES)
    with pytest.raises(DataError, match="one column for each of the 6 statistics"):
        sample_posterior(prior, np.zeros((5, 2)))
    with pytest.raises(ParameterError, match="level"):
        sample_posterior(prior, VALUES.T, level=1.0)
    with pytest.raises(ParameterError, match="both of those who answered and of everybody"):
        sample_posterior(prior, VALUES.T, predicted=VALUES.T)
    with pytest.raises(ParameterError, match="one finite value for each of its 4 categories"):
        SharePrior.of(law_worth(2), [1.0, 2.0])


def test_predictions_of_a_panel_do_not_make_it_the_population() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(100, 1))
    f = truth + 0.1 * rng.normal(size=(100, 1))
    law = ShareLaw("Q1", np.array([-4.0, 4.0]), np.array([0.5, 0.5]), weights=np.eye(6)[0])
    prior = SharePrior.of(law, [-4, 4])
    everybody = {"predicted": f, "everybody": f, "population": np.inf}
    plain, powered = sample_posterior(prior, truth), sample_posterior(prior, truth, **everybody)  # type: ignore[arg-type]
    assert powered.variance_ratio == pytest.approx(1)
    assert powered.standard_error == pytest.approx(plain.standard_error, rel=0.02)

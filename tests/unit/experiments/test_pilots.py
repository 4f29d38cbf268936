"""Sizes of pilots with and without twins, and rankings, against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from truetwin.errors import DataError, ParameterError
from truetwin.experiments.effect_law import EffectLaw
from truetwin.experiments.pilots import conclusive, people_for_power, people_per_arm, pilot_size
from truetwin.experiments.ranking import rank_options


def normal_law(means: list[float], variance: float) -> EffectLaw:
    k = len(means)
    return EffectLaw(np.ones(1), np.array([means]), np.zeros((1, k, 0)), np.full((1, k), variance))


def test_people_for_power_reach_the_power() -> None:
    n = people_for_power(0.3, power=0.8)
    shift = 0.3 / np.sqrt(2 / n)
    assert norm.sf(norm.ppf(0.975) - shift) == pytest.approx(0.8, abs=1e-6)


def test_twins_save_as_many_people_as_they_are_worth() -> None:
    found = pilot_size(0.3, 0.04)
    assert found.worth == people_per_arm(0.04) == 50
    assert found.without_twins - found.with_twins == 50
    assert pilot_size(1.0, 0.04).with_twins == 0


def test_probability_of_a_conclusive_interval_is_that_of_simulated_pilots() -> None:
    random, people, m, s = np.random.default_rng(0), 40, 0.3, 0.05
    v, z = 2 / people, norm.ppf(0.975)
    seen = m + np.sqrt(s) * random.standard_normal(200_000) + np.sqrt(v) * random.standard_normal(200_000)
    alone = (np.abs(seen) > z * np.sqrt(v)).mean()
    combined = (m * v + seen * s) / (s + v)
    both = (np.abs(combined) > z * np.sqrt(s * v / (s + v))).mean()
    assert conclusive(m, s, people, twins=False) == pytest.approx(alone, abs=0.005)
    assert conclusive(m, s, people, twins=True) == pytest.approx(both, abs=0.005)


@pytest.mark.parametrize(("effect", "power"), [(0.0, 0.8), (-0.1, 0.8), (0.2, 1.0)])
def test_impossible_plans_are_refused(effect: float, power: float) -> None:
    with pytest.raises(ParameterError, match="must"):
        pilot_size(effect, 0.05, power=power)


def test_two_options_rank_as_the_normal_distribution_says() -> None:
    m, s = 0.2, 0.09
    found = rank_options(normal_law([m], s), [0], ["B"], "A", [0.3])
    best, other = found.options
    assert best.option == "B"
    assert best.best == pytest.approx(norm.cdf(m / 0.3), abs=0.015)
    loss = 0.3 * norm.pdf(m / 0.3) - m * norm.sf(m / 0.3)
    assert best.loss == pytest.approx(loss, abs=0.006)
    assert other.loss == pytest.approx(loss + m, abs=0.006)
    assert found.by_twin == best.loss


def test_both_lose_least_and_a_larger_pilot_loses_less() -> None:
    law = normal_law([0.3, 0.1, -0.1], 0.05)
    small, large = (
        rank_options(law, [0, 1, 2], list("BCD"), "A", [0.3, 0.1, -0.1], people=n) for n in (10, 400)
    )
    assert small.by_both < min(small.by_twin, small.by_pilot)
    assert large.by_pilot < small.by_pilot
    assert small.by_twin < small.at_random
    assert large.by_both == pytest.approx(large.by_pilot, abs=0.01)


def test_lowest_answers_can_be_best() -> None:
    found = rank_options(normal_law([-0.5, 0.5], 0.01), [0, 1], ["B", "C"], "A", [-0.5, 0.5], lowest=True)
    assert [option.option for option in found.options] == ["B", "A", "C"]
    assert found.options[0].effect == pytest.approx(-0.5)


def test_probabilities_of_being_best_sum_to_one() -> None:
    found = rank_options(normal_law([0.1, 0.2, 0.3], 0.1), [0, 1, 2], list("BCD"), "A", [0.1, 0.2, 0.3])
    assert sum(option.best for option in found.options) == pytest.approx(1)


@pytest.mark.parametrize("names", [["B", "B"], ["A", "B"]])
def test_an_option_named_twice_is_refused(names: list[str]) -> None:
    with pytest.raises(DataError, match="different treatments"):
        rank_options(normal_law([0.1, 0.2], 0.1), [0, 1], names, "A", [0.1, 0.2])


def test_a_pilot_without_people_is_refused() -> None:
    with pytest.raises(ParameterError, match="at least 1 person"):
        rank_options(normal_law([0.1], 0.1), [0], ["B"], "A", [0.1], people=0)

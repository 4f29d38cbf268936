"""Toplines and estimates by group, from a law of shares alone and with answers of some people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from truetwin.data import Scale
from truetwin.estimation.gap_law import GapLaw
from truetwin.estimation.group_errors import TAUS, GroupErrors
from truetwin.estimation.group_estimates import group_estimates
from truetwin.estimation.group_shares import GroupLaw
from truetwin.estimation.grouping import Grouping
from truetwin.estimation.item_rows import publishing
from truetwin.estimation.statistics import named_statistics
from truetwin.estimation.survey_variance import SurveyDesign
from truetwin.estimation.topline import AskedPeople, Topline, fewer_parts, topline
from truetwin.reweighting.share_law import ShareLaw

SCALE = Scale.ordinal(1, 5)
CODES = np.arange(1.0, 6.0)
SHARES = np.array([0.1, 0.2, 0.3, 0.25, 0.15])
LAW = ShareLaw("Q1", CODES, SHARES)
N = 300


def statistics(*names: str):  # type: ignore[no-untyped-def]
    return named_statistics(names)


def functions(whole: Topline, name: str) -> list[int]:
    return [s for s, each in enumerate(whole.functions) if each.statistic == name]


def asked(n: int, rng: np.random.Generator, shift: float = 0.0) -> tuple[AskedPeople, np.ndarray]:
    truth = np.clip(rng.choice(CODES, N, p=SHARES) + shift, 1, 5)
    answers = np.full(N, np.nan)
    some = np.sort(rng.choice(N, n, replace=False))
    answers[some] = truth[some]
    points = 0.5 * truth + 0.5 * rng.choice(CODES, N, p=SHARES)
    return AskedPeople(answers, SurveyDesign.of(n), None, points, np.ones(N), False), truth


def test_a_topline_is_the_law_where_nobody_has_answered() -> None:
    whole = topline(LAW, SCALE, statistics("share", "mean", "top2"), level=0.9)
    low, high = LAW.interval(CODES, 0.9)
    (mean,) = functions(whole, "mean")
    assert whole.estimate[mean] == pytest.approx(LAW.mean_of(CODES))
    assert (whole.lower[mean], whole.upper[mean]) == pytest.approx((float(low), float(high)), abs=1e-6)
    assert whole.shares == pytest.approx(SHARES)


def test_the_sampling_error_of_people_widens_an_interval() -> None:
    narrow, wide = (topline(LAW, SCALE, statistics("mean"), level=0.9, sampling=s) for s in (0.0, 1 / 20))
    assert (wide.upper - wide.lower)[-1] > (narrow.upper - narrow.lower)[-1]


def test_a_median_lies_between_its_ends() -> None:
    value, low, high = topline(LAW, SCALE, statistics("median"), level=0.9).median()
    assert (low <= value <= high, value) == (True, 3.0)


def test_answers_of_some_people_narrow_the_interval_and_move_the_estimate() -> None:
    people, truth = asked(60, np.random.default_rng(0), shift=1.0)
    before = topline(LAW, SCALE, statistics("mean"), level=0.9)
    after = topline(LAW, SCALE, statistics("mean"), level=0.9, asked=people)
    (mean,) = functions(after, "mean")
    assert abs(after.estimate[mean] - truth.mean()) < abs(before.estimate[mean] - truth.mean())
    assert (after.upper - after.lower)[mean] < 0.5 * (before.upper - before.lower)[mean]
    assert after.n_answered == 60


def test_joined_parts_keep_weight_and_variance() -> None:
    rng = np.random.default_rng(0)
    variances, weights = rng.uniform(size=(3, 40)), rng.dirichlet(np.ones(40), 3)
    few, mixed = fewer_parts(variances, weights)
    assert mixed.sum(axis=1) == pytest.approx(1)
    assert (few * mixed).sum(axis=1) == pytest.approx((variances * weights).sum(axis=1))


GROUPING = Grouping.of("g", ["a", "b", "c"] * (N // 3), np.ones(N), 5)


def group_law(coefficients: tuple[float, float] = (1.0, 0.0), tau: int = 4) -> GroupLaw:
    weights = np.eye(TAUS.size)[tau]
    errors = GroupErrors(weights, np.eye(3))
    return GroupLaw(GROUPING, GapLaw(np.array(coefficients), "", errors, 40), errors)


def twins(gap: float) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.choice(CODES, N, p=SHARES) + gap * (np.arange(N) % 3 - 1)


def test_shares_of_groups_average_to_those_of_everybody() -> None:
    whole = topline(LAW, SCALE, statistics("share", "mean"), level=0.9)
    found = group_estimates(
        whole, group_law(), twin=twins(0.5), points=None, predicted=None, asked=None, level=0.9
    )
    assert GROUPING.shares @ found.shares == pytest.approx(SHARES, abs=1e-6)
    assert GROUPING.shares @ found.estimate == pytest.approx(whole.estimate, abs=1e-6)
    (mean,) = functions(whole, "mean")
    assert np.diff(found.estimate[:, mean]).min() > 0.1


def test_without_a_gap_of_twins_groups_are_like_everybody_and_less_sure() -> None:
    whole = topline(LAW, SCALE, statistics("mean"), level=0.9)
    found = group_estimates(
        whole, group_law((0, 0)), twin=twins(0.5), points=None, predicted=None, asked=None, level=0.9
    )
    assert found.estimate[0] == pytest.approx(whole.estimate)
    assert (found.upper - found.lower)[0, -1] > (whole.upper - whole.lower)[-1]


def test_a_gap_is_surer_than_the_two_groups_are() -> None:
    whole = topline(LAW, SCALE, statistics("mean"), level=0.9)
    found = group_estimates(
        whole, group_law(tau=2), twin=twins(0.3), points=None, predicted=None, asked=None, level=0.9
    )
    _, low, high = found.gap(0, 2, -1, 0.9)
    assert high - low < (found.upper - found.lower)[0, -1]
    p = found.p_values(-1)
    assert np.allclose(p, p.T)
    assert p[0, 0] == 1


def test_answers_in_groups_are_trusted_by_their_number() -> None:
    rng = np.random.default_rng(3)
    shift = np.array([-1.0, 0.0, 1.0])[np.arange(N) % 3]
    found = {}
    for n in (0, 30, 240):
        people, truth = asked(max(n, 1), rng)
        truth = np.clip(truth + shift, 1, 5)
        people.answers[np.isfinite(people.answers)] = truth[np.isfinite(people.answers)]
        known = people if n else None
        whole = topline(LAW, SCALE, statistics("mean"), level=0.9, asked=known)
        groups = group_estimates(
            whole, group_law((0, 0), 6), twin=twins(0), points=None, predicted=None, asked=known, level=0.9
        )
        true = np.array([truth[g::3].mean() for g in range(3)])
        found[n] = (np.abs(groups.estimate[:, -1] - true).max(), (groups.upper - groups.lower)[:, -1].max())
        assert groups.n_answered.sum() == n
    assert found[240][0] < found[30][0] < found[0][0]
    assert found[240][1] < found[30][1] < found[0][1]


def test_intervals_of_groups_hold_where_errors_are_as_learned() -> None:
    rng = np.random.default_rng(0)
    hits, tau = [], 4
    law = ShareLaw("Q1", CODES, SHARES, weights=np.eye(6)[4])  # level known like 80 people
    whole = topline(law, SCALE, statistics("mean"), level=0.9)
    sd = float(np.sqrt(SHARES @ (CODES - SHARES @ CODES) ** 2))
    found = group_estimates(
        whole, group_law((0, 0), tau), twin=twins(0), points=None, predicted=None, asked=None, level=0.9
    )
    for _ in range(2000):
        level = rng.normal(SHARES @ CODES, sd / np.sqrt(81))
        errors = rng.normal(0, sd * np.sqrt(TAUS[tau] ** 2 + 1 / 100), 3)
        true = level + errors - errors.mean()
        hits.append((true >= found.lower[:, -1]) & (true <= found.upper[:, -1]))
    assert np.mean(hits) == pytest.approx(0.9, abs=0.03)


def test_intervals_of_shares_are_those_of_the_law_of_shares() -> None:
    law = ShareLaw("Q1", CODES, SHARES, weights=np.eye(6)[0], share_weights=np.eye(6)[4])
    whole = topline(law, SCALE, statistics("share", "mean", "top2"), level=0.9)
    for s, function in enumerate(whole.functions):
        low, high = law.interval(function.values, 0.9)
        assert (whole.lower[s], whole.upper[s]) == pytest.approx((float(low), float(high)), abs=1e-6)


def test_intervals_hold_the_estimate_at_every_level() -> None:
    rare = ShareLaw("Q1", np.array([0.0, 1.0]), np.array([0.97, 0.03]), weights=np.eye(6)[0])
    low, high = rare.interval(rare.indicators(), 0.2)
    assert ((low <= rare.shares) & (rare.shares <= high)).all()


def by_group(people: AskedPeople, law: GroupLaw, **options: float):  # type: ignore[no-untyped-def]
    wanted = statistics("share", "mean", "top2", "median")
    whole = topline(LAW, SCALE, wanted, level=0.9, asked=people)
    found = group_estimates(
        whole, law, twin=twins(0.5), points=None, predicted=None, asked=people, level=0.9, **options
    )
    return whole, found


@pytest.mark.parametrize("n", [1, 2, 5, 60, N])
def test_with_answers_of_some_people_shares_still_add_up(n: int) -> None:
    whole, found = by_group(asked(n, np.random.default_rng(n))[0], group_law())
    rows, tops = functions(whole, "share"), functions(whole, "top2")
    assert whole.estimate[rows].sum() == pytest.approx(1)
    assert whole.estimate[tops] == pytest.approx(whole.estimate[rows][-2:].sum())
    assert found.estimate[:, rows].sum(axis=1) == pytest.approx(1)
    assert GROUPING.shares @ found.estimate == pytest.approx(whole.estimate, abs=1e-5)
    assert (whole.lower <= whole.estimate).all()
    assert (whole.estimate <= whole.upper).all()


def test_once_everybody_was_asked_weights_leave_no_error() -> None:
    people, truth = asked(N, np.random.default_rng(0))
    weights = np.random.default_rng(1).uniform(0.5, 2, N)
    people = replace(people, design=SurveyDesign.of(N, weights), weights=weights, by_chance=True)
    whole = topline(LAW, SCALE, statistics("mean"), level=0.9, asked=people)
    assert whole.estimate[-1] == pytest.approx(np.average(truth, weights=weights), abs=1e-3)
    assert whole.upper[-1] - whole.lower[-1] < 0.01


@pytest.mark.parametrize("n", [60, N - 5, N])
def test_an_estimate_is_worth_no_more_people_than_it_is_about(n: int) -> None:
    people, _ = asked(n, np.random.default_rng(0))
    whole = topline(LAW, SCALE, statistics("share", "mean"), level=0.9, asked=people)
    assert (whole.worth <= N).all()
    assert whole.worth.min() > 0.95 * n
    many = topline(
        LAW, SCALE, statistics("share", "mean"), level=0.9, asked=replace(people, to_population=True)
    )
    assert many.people == np.inf


def test_an_item_that_few_people_could_be_asked_is_published_once_all_were() -> None:
    people, _ = asked(N, np.random.default_rng(0))
    whole = replace(topline(LAW, SCALE, statistics("mean"), level=0.9, asked=people), people=40.0)
    told = publishing(replace(whole, worth=np.full(len(whole.worth), 40.0)), np.array([1.0]))
    assert (told.word, told.reason) == ("publish", "as good as asking everybody")


def test_weights_enter_the_error_of_a_group_once() -> None:
    weights = np.where(np.arange(N) % 2, 3.0, 1.0)
    grouping = Grouping.of("g", ["a", "b", "c"] * (N // 3), weights, 5)
    law = replace(group_law(), grouping=grouping)
    whole = topline(LAW, SCALE, statistics("mean"), level=0.9)
    known = {"twin": twins(0.5), "points": None, "predicted": None, "asked": None, "level": 0.9}
    panel, population = (group_estimates(whole, law, **known, factor=f) for f in (1.0, 1.25))  # type: ignore[arg-type]
    assert population.lower == pytest.approx(panel.lower, nan_ok=True)


def test_likeness_within_clusters_makes_groups_less_sure() -> None:
    rng = np.random.default_rng(0)
    people, truth = asked(90, rng)
    here = np.isfinite(people.answers)
    people.answers[here] = np.clip(truth[here] + np.repeat(rng.choice([-2, 2], 9), 10), 1, 5)
    clustered = replace(people, design=SurveyDesign.of(90, clusters=np.repeat(np.arange(9), 10)))
    plain, wide = (by_group(each, group_law(tau=6))[1] for each in (people, clustered))
    assert (wide.pair_variances[0, 1, -1] @ wide.pair_weights[-1]) > 1.2 * (
        plain.pair_variances[0, 1, -1] @ plain.pair_weights[-1]
    )


def test_numbers_beyond_those_of_twins_count_in_a_mean() -> None:
    codes = np.arange(1.0, 11.0)
    law = ShareLaw("Q1", codes, np.full(10, 0.1), edges=codes[:-1] + 0.5)
    answers = np.random.default_rng(0).uniform(0, 100, N)
    people = AskedPeople(answers, SurveyDesign.of(N), None, None, np.ones(N), False)
    whole = topline(law, Scale.numeric(0), statistics("mean"), level=0.9, asked=people)
    assert whole.estimate[-1] == pytest.approx(answers.mean(), abs=0.5)
    assert whole.lower[-1] <= answers.mean() <= whole.upper[-1] + 1e-6

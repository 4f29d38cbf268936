"""Design-based variance against svy, and against what must hold for any design."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from truetwin.errors import DataError, ParameterError
from truetwin.estimation.survey_variance import (
    SurveyDesign,
    design_effect,
    effective_n,
    hajek_mean,
    kish_n,
    linearised_covariance,
    linearised_variance,
    replicate_covariance,
    replicate_means,
    replicate_scale,
    woodruff_quantile,
)

# A generated sample: 3 strata, 12 clusters, unequal weights, answers from 1 to 5.
EXAMPLE = Path(__file__).parents[2] / "fixtures" / "survey_design" / "sample.csv"
# What svy 0.35 prints for it: standard error of the mean for each way to read the design.
OF_SVY = {
    ("weight",): 0.15326037497763312,
    ("cluster",): 0.2576992030703573,
    ("cluster", "weight"): 0.23066184662349937,
    ("stratum", "weight"): 0.15003691155535467,
    ("cluster", "stratum", "weight"): 0.22546958064166844,
}
SHARES_OF_SVY = (0.00870169151, 0.0352880978, 0.11010089083, 0.12783693131, 0.0899148245)


@pytest.fixture(scope="module")
def example() -> dict[str, np.ndarray]:
    with EXAMPLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers = {name: np.array([float(row[name]) for row in rows]) for name in ("weight", "answer")}
    return numbers | {name: np.array([row[name] for row in rows]) for name in ("stratum", "cluster")}


def design_of(example: dict[str, np.ndarray], columns: tuple[str, ...]) -> SurveyDesign:
    return SurveyDesign.of(
        len(example["answer"]),
        **{plural: example[name] for name, plural in PLURALS.items() if name in columns},
    )


PLURALS = {"weight": "weights", "cluster": "clusters", "stratum": "strata"}


@pytest.mark.parametrize("columns", OF_SVY, ids="-".join)
def test_the_standard_error_is_what_svy_printed(
    example: dict[str, np.ndarray], columns: tuple[str, ...]
) -> None:
    design = design_of(example, columns)
    error = np.sqrt(linearised_variance(example["answer"], design)[0])
    assert error == pytest.approx(OF_SVY[columns], rel=1e-10)


def test_all_shares_at_once_have_the_errors_that_svy_printed(example: dict[str, np.ndarray]) -> None:
    design = design_of(example, ("cluster", "stratum", "weight"))
    indicators = (example["answer"][:, None] == np.arange(1, 6)).astype(float)
    found = linearised_covariance(indicators, design)
    assert_allclose(np.sqrt(np.diag(found)), SHARES_OF_SVY, rtol=1e-7)
    assert_allclose(found.sum(axis=1), 0, atol=1e-15)  # shares sum to 1 in every sample
    assert_allclose(np.diag(found), linearised_variance(indicators, design), rtol=1e-12)


@pytest.mark.filterwarnings("default")
def test_svy_agrees_today(example: dict[str, np.ndarray]) -> None:
    svy = pytest.importorskip(
        "svy", reason="the oracle of survey errors, svy (of the dev extra), is not installed"
    )
    polars = pytest.importorskip("polars")
    sample = svy.Sample(polars.DataFrame(example), svy.Design(stratum="stratum", psu="cluster", wgt="weight"))
    estimates = sample.estimation.prop("answer")
    design = design_of(example, ("cluster", "stratum", "weight"))
    indicators = (example["answer"][:, None] == np.arange(1, 6)).astype(float)
    assert_allclose(hajek_mean(indicators, design.weights), [e.est for e in estimates.estimates], rtol=1e-10)
    assert_allclose(linearised_covariance(indicators, design), estimates.covariance, rtol=1e-8, atol=1e-14)
    mean = sample.estimation.mean("answer").estimates[0]
    assert mean.df == design.degrees_of_freedom


def test_the_jackknife_over_clusters_gives_the_error_that_svy_printed(example: dict[str, np.ndarray]) -> None:
    names = np.unique(example["cluster"])
    weights = np.array(
        [np.where(example["cluster"] == left_out, 0.0, example["weight"]) for left_out in names]
    ).T
    full = hajek_mean(example["answer"], example["weight"])
    found = replicate_covariance(
        replicate_means(example["answer"], weights), full, replicate_scale("jackknife", len(names))
    )
    assert np.sqrt(found[0, 0]) == pytest.approx(0.23690833907849962, rel=1e-10)


def test_the_constants_of_replicates() -> None:
    assert replicate_scale("jackknife", 10) == 0.9
    assert replicate_scale("brr", 10) == replicate_scale("bootstrap", 10) == 0.1
    assert replicate_scale("fay", 10, fay=0.5) == pytest.approx(0.4)
    with pytest.raises(ParameterError, match="kind of replicates"):
        replicate_scale("jk9", 10)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="at least two"):
        replicate_scale("brr", 1)


def test_a_simple_random_sample_has_the_textbook_error() -> None:
    y = np.random.default_rng(0).normal(size=30)
    design = SurveyDesign.of(30)
    assert linearised_variance(y, design)[0] == pytest.approx(y.var(ddof=1) / 30)
    assert linearised_variance(y, design, fraction=0.25)[0] == pytest.approx(0.75 * y.var(ddof=1) / 30)
    assert design.degrees_of_freedom == 29
    assert_allclose(effective_n(y, design, population=60), 60)
    assert_allclose(effective_n(y, design), 30)


def test_a_group_keeps_the_clusters_of_the_others(example: dict[str, np.ndarray]) -> None:
    inside = example["answer"] >= 3  # any function of the person
    weights = np.where(inside, example["weight"], 0.0)
    design = SurveyDesign.of(len(weights), weights, example["cluster"], example["stratum"])
    unanswered = np.where(inside, example["answer"], np.nan)
    assert np.isfinite(linearised_variance(unanswered, design)).all()
    assert design.n_clusters == 12


def test_kish_and_the_design_effect() -> None:
    assert kish_n([1, 1, 1, 1]) == 4
    assert kish_n([1, 0, 0, 0]) == 1
    clusters = np.repeat(np.arange(40), 5)
    alike = np.repeat(np.random.default_rng(1).normal(size=40), 5)
    design = SurveyDesign.of(200, clusters=clusters)
    assert 4.0 < design_effect(alike, design)[0] <= 5.0
    apart = np.random.default_rng(2).normal(size=200)
    assert design_effect(apart, design)[0] < 1.4
    assert design_effect(apart, SurveyDesign.of(200))[0] == 1.0


def test_the_intervals_of_a_weighted_median_hold() -> None:
    rng = np.random.default_rng(5)
    population = np.exp(rng.normal(scale=1.5, size=5000))
    chance = 1 / (1 + population) ** 0.5  # the rich are harder to reach
    held = 0
    for _ in range(300):
        drawn = rng.choice(5000, 60, p=chance / chance.sum())
        value, low, high = woodruff_quantile(
            population[drawn], SurveyDesign.of(60, 1 / chance[drawn]), level=0.9
        )
        assert low <= value <= high
        held += low <= np.median(population) <= high
    assert 0.86 <= held / 300 <= 0.97


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"weights": [1, -1, 1]}, "weights must be finite numbers of at least 0; weight 2 of 3 is -1"),
        ({"weights": [1, np.nan, 1]}, "weight 2 of 3 is nan"),
        ({"weights": [0, 0, 0]}, "at least one weight must be above 0"),
        ({"weights": [1, 1]}, "one weight a person; got 2 weights for 3 people"),
        ({"clusters": ["a", None, "b"]}, "every person needs a cluster; person 2 of 3 has none"),
        ({"strata": ["a", "a", "b"]}, "stratum b has one"),
        ({"strata": ["a", "a", "b", "b"]}, "one stratum a person; got 4 for 3 people"),
    ],
)
def test_a_design_that_cannot_be_is_named(columns: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        SurveyDesign.of(3, **columns)  # type: ignore[arg-type]

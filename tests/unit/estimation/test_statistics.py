"""Statistics: which there are, which scale admits which, and their functions of the category."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.data import Scale
from truetwin.errors import ParameterError, UnknownNameError
from truetwin.estimation.statistics import (
    category_functions,
    category_labels,
    check_admitted,
    median_of,
    named_statistics,
)

CODES = np.arange(1.0, 6.0)


def values(name: str, codes: np.ndarray = CODES) -> np.ndarray:
    (statistic,) = named_statistics([name])
    (found,) = category_functions(statistic, codes, [f"{code:g}" for code in codes])
    return found.values


def test_top_and_bottom_take_any_number_of_categories() -> None:
    assert values("top2").tolist() == [0, 0, 0, 1, 1]
    assert values("bottom3").tolist() == [1, 1, 1, 0, 0]


def test_a_share_is_listed_for_each_category() -> None:
    (share,) = named_statistics(["share"])
    found = category_functions(share, CODES, list("abcde"))
    assert [each.category for each in found] == list("abcde")
    assert np.sum([each.values for each in found], axis=0).tolist() == [1] * 5


def test_an_option_of_a_question_with_several_answers_has_the_share_of_those_who_chose_it() -> None:
    (share,) = named_statistics(["share"])
    (found,) = category_functions(share, np.array([0.0, 1.0]), ["no", "yes"], is_option=True)
    assert found.values.tolist() == [0, 1]


def test_a_net_promoter_score_counts_promoters_less_detractors() -> None:
    assert values("nps", np.arange(11.0)).tolist() == [-100] * 7 + [0, 0, 100, 100]


def test_an_unknown_statistic_is_named_with_the_closest_one() -> None:
    with pytest.raises(UnknownNameError, match=r"'maen'\. Did you mean 'mean'\?"):
        named_statistics(["maen"])


@pytest.mark.parametrize(
    ("name", "scale", "why"),
    [
        ("mean", Scale.nominal([1, 2, 3]), "names of categories"),
        ("median", Scale.nominal([1, 2, 3]), "names of categories"),
        ("top2", Scale.ordinal(1, 2), "more than 2"),
        ("top2", Scale.numeric(0, 100), "more than 2"),
        ("nps", Scale.ordinal(1, 10), "0..10"),
    ],
)
def test_a_statistic_that_a_scale_does_not_admit_is_refused_by_item(
    name: str, scale: Scale, why: str
) -> None:
    with pytest.raises(ParameterError, match="'Q7'") as error:
        check_admitted(named_statistics([name]), {"Q7": scale})
    assert why in str(error.value)


def test_a_median_of_bins_lies_inside_the_bin() -> None:
    found = median_of(np.array([0.25, 0.75, 1.0]), np.array([1.0, 5.0, 20.0]), np.array([2.0, 8.0]))
    assert found == 5.0


def test_categories_are_named_by_their_labels() -> None:
    scale = Scale.ordinal(1, 3, labels={1: "low", 3: "high"})
    assert category_labels(np.array([1.0, 2.0, 3.0]), scale) == ["low", "2", "high"]

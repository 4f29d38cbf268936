from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marginal_examples import made_up
from truetwin.errors import AlignmentError
from truetwin.evaluation.marginal_metrics import variance_ratio
from truetwin.report.figures.marginal_figures import example_item_figure, variance_ratio_figure
from truetwin.reproduction.marginal_examples import figure_data


def test_figures_are_made_from_data_and_returned(needs_data: None) -> None:
    found = figure_data("movielens")
    assert sum(row["human"] for row in found.example.rows()) == pytest.approx(1)
    assert np.median(found.ratios.predicted) == pytest.approx(1.0, abs=0.15)
    assert np.median(found.ratios.uncalibrated) < 0.5
    for figure in (example_item_figure(found.example), variance_ratio_figure(found.ratios)):
        assert figure.axes[0].get_legend() is not None


def test_a_variance_ratio_without_human_variance_is_undefined() -> None:
    ratio = variance_ratio(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]), np.array([0.0, 1.0]))
    assert np.isnan(ratio[0])


def test_a_prediction_with_less_variance_than_people_has_a_ratio_below_one() -> None:
    """On 0, 1, 2: people vary by 2/3, the prediction by 1/2."""
    ratio = variance_ratio(np.full((1, 3), 1 / 3), np.array([[0.25, 0.5, 0.25]]), np.arange(3.0))
    assert ratio.tolist() == [pytest.approx(0.75)]


def test_a_ratio_is_the_same_in_any_unit_of_the_scale() -> None:
    human, predicted = np.random.default_rng(0).dirichlet(np.ones(4), (2, 5))
    one, other = (
        variance_ratio(human, predicted, codes) for codes in (np.arange(4.0), np.arange(4.0) * 5 - 7)
    )
    np.testing.assert_allclose(one, other)


def test_the_example_is_a_hidden_item_with_shares_that_add_up(tmp_path: Path) -> None:
    data = made_up(tmp_path)
    first = figure_data("opinionqa", data)
    hidden = first.ratios.item_ids
    assert first.example.item_id == hidden[0]
    chosen = figure_data("opinionqa", data, item=hidden[1]).example
    assert [row["category"] for row in chosen.rows()] == ["Very", "Somewhat", "Not too", "Not at all"]
    for source in ("human", "predicted", "uncalibrated"):
        assert sum(row[source] for row in chosen.rows()) == pytest.approx(1.0)
    place = data.marginals.shares(hidden)[1]
    np.testing.assert_allclose([row["human"] for row in chosen.rows()], place)
    assert {row["item_id"] for row in first.ratios.rows()} == set(hidden)


def test_an_item_that_was_trained_on_is_no_example(tmp_path: Path) -> None:
    data = made_up(tmp_path)
    hidden = figure_data("opinionqa", data).ratios.item_ids
    trained = next(i for i in data.twins.item_ids if i not in hidden)
    with pytest.raises(AlignmentError, match=f"'{trained}' is not among them"):
        figure_data("opinionqa", data, item=trained)

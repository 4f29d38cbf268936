from __future__ import annotations

import numpy as np
import pytest

from truetwin.report.figures.marginal_figures import example_item_figure, variance_ratio_figure
from truetwin.reproduction.marginal_examples import figure_data, variance_ratio


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

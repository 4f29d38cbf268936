"""Figures 8 and 9 of paper A, drawn as the figures of a study's predictions are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truetwin.report.figures.calibration_figures import ratio_figure, shares_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from truetwin.reproduction.marginal_examples import ExampleItem, VarianceRatios


def example_item_figure(example: ExampleItem) -> Figure:
    """Human, predicted and uncalibrated shares of one hidden item side by side (figure 8 of paper A)."""
    rows = [
        {
            "item": row["item_id"],
            "category": row["category"],
            "human": row["human"],
            "calibrated": row["predicted"],
            "twin": row["uncalibrated"],
        }
        for row in example.rows()
    ]
    return shares_figure(rows, example.item_id)


def variance_ratio_figure(ratios: VarianceRatios) -> Figure:
    """Draw how much of the humans' variance predictions retain, over hidden items (figure 9 of paper A); 1 is right."""
    return ratio_figure(
        {
            "twins as they are": ratios.uncalibrated.tolist(),
            "twins, calibrated": ratios.predicted.tolist(),
        }
    )

"""Draw figures about predicted marginals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from truetwin.report.figures.theme import CALIBRATED, HUMAN, TWIN, new_figure, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from truetwin.reproduction.marginal_examples import ExampleItem, VarianceRatios


def example_item_figure(example: ExampleItem) -> Figure:
    """Draw human, predicted and uncalibrated shares of one hidden item side by side (figure 8 of paper A)."""
    figure, axes = new_figure()
    places = np.arange(len(example.categories))
    bars = (
        (example.human, "people", HUMAN),
        (example.predicted, "twins, calibrated", CALIBRATED),
        (example.uncalibrated, "twins, uncalibrated", TWIN),
    )
    for k, (shares, label, colour) in enumerate(bars):
        axes.bar(places + 0.27 * (k - 1), shares, width=0.25, label=label, color=colour)
    axes.set_xticks(places, [shorten(name, 18) for name in example.categories])
    axes.set_ylabel("share of answers")
    axes.set_title(shorten(example.item_id, 60), loc="left", fontsize=11)
    axes.legend(frameon=False)
    return figure


def variance_ratio_figure(ratios: VarianceRatios) -> Figure:
    """Draw predicted over human variance, for hidden items (paper A, figure 9); 1 is right."""
    figure, axes = new_figure()
    shown = [v[np.isfinite(v)] for v in (ratios.uncalibrated, ratios.predicted)]
    top = max(1.2, *(float(v.max()) for v in shown if v.size))
    edges = np.linspace(0.0, 1.05 * top, 36)
    for values, label, colour in zip(
        shown, ("twins, uncalibrated", "twins, calibrated"), (TWIN, CALIBRATED), strict=True
    ):
        median = f" (median {np.median(values):.2f})" if values.size else ""
        axes.hist(values, bins=list(edges), alpha=0.75, label=f"{label}{median}", color=colour)
    axes.axvline(1.0, color=HUMAN, linewidth=1.4, label="as people")
    axes.set_xlabel("variance of predicted answers / variance of people's answers")
    axes.set_ylabel("items")
    axes.legend(frameon=False, fontsize=9)
    return figure

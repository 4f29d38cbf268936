"""Figures about predicted marginals; every function returns a matplotlib figure and shows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from truetwin.reproduction.marginal_figures import ExampleItem, VarianceRatios

HUMAN, PREDICTED, UNCALIBRATED = "#1f4e79", "#e07b39", "#9aa5ad"


def example_item_figure(example: ExampleItem) -> Figure:
    """Human, predicted and uncalibrated shares of one hidden item side by side (figure 8 of paper A)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(example.categories))
    bars = (
        (example.human, "people", HUMAN),
        (example.predicted, "twins, calibrated", PREDICTED),
        (example.uncalibrated, "twins, uncalibrated", UNCALIBRATED),
    )
    for k, (shares, label, colour) in enumerate(bars):
        axes.bar(places + 0.27 * (k - 1), shares, width=0.25, label=label, color=colour)
    axes.set_xticks(places, [_short(name) for name in example.categories])
    axes.set_ylabel("share of answers")
    axes.set_title(_short(example.item_id, 80), loc="left", fontsize=11)
    _tidy(axes)
    axes.legend(frameon=False)
    return figure


def variance_ratio_figure(ratios: VarianceRatios) -> Figure:
    """How much of the humans' variance predictions retain, over hidden items (figure 9 of paper A); 1 is right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.8), layout="constrained")
    axes = figure.subplots()
    shown = [v[np.isfinite(v)] for v in (ratios.uncalibrated, ratios.predicted)]
    top = max(1.2, *(float(v.max()) for v in shown if v.size))
    edges = np.linspace(0.0, 1.05 * top, 36)
    for values, label, colour in zip(
        shown, ("twins, uncalibrated", "twins, calibrated"), (UNCALIBRATED, PREDICTED), strict=True
    ):
        median = f" (median {np.median(values):.2f})" if values.size else ""
        axes.hist(values, bins=list(edges), alpha=0.75, label=f"{label}{median}", color=colour)
    axes.axvline(1.0, color=HUMAN, linewidth=1.2)
    axes.annotate("as people", (1.0, 1.0), xycoords=("data", "axes fraction"), xytext=(4, -11),
                  textcoords="offset points", color=HUMAN, fontsize=9)  # fmt: skip
    axes.set_xlabel("variance of predicted answers / variance of people's answers")
    axes.set_ylabel("items")
    _tidy(axes)
    axes.legend(frameon=False)
    return figure


def _short(name: str, longest: int = 18) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def _tidy(axes: object) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)  # type: ignore[attr-defined]

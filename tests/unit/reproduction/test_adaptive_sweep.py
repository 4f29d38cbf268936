"""Figure 5 of paper A: adaptive transfer over all thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.datasets import generate_population
from truetwin.evaluation.threshold_sweep import ThresholdSweep
from truetwin.report.figures.threshold_figure import threshold_figure
from truetwin.reproduction.adaptive_sweep import figure_5_rows, reproduce_figure_5

PANEL = generate_population(80, 10, n_new_items=0, random_state=1).panel


def test_figure_5_has_a_row_a_choice_and_a_curve_a_method() -> None:
    seen: list[tuple[int, int]] = []
    sweeps = reproduce_figure_5(panel=PANEL, progress=lambda k, n: seen.append((k, n)))
    rows = figure_5_rows(sweeps)
    assert [row["choice"] for row in rows[:5]] == [
        "twin as it is",
        "always calibrated",
        "best in hindsight",
        "chosen on other items",
        "chosen on other blocks",
    ]
    assert seen[-1] == (20, 20)
    figure = threshold_figure(sweeps)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["ridge (10 items)", "elastic-net (10 items)"]
    assert sweeps[0].frame().num_rows == 11


def sweep_of(method: str) -> ThresholdSweep:
    return ThresholdSweep(
        method, ("a", "b"), ("x", "y"), np.array([0.1, 0.2]), np.array([0.6, 0.1]), np.array([0.2, 0.3])
    )


def test_only_what_the_paper_prints_stands_beside_ours() -> None:
    rows = {row["choice"]: row for row in figure_5_rows([sweep_of("ridge")])}
    best = rows.pop("best in hindsight")
    assert (best["mean"], best["paper"]) == (pytest.approx(0.45), 0.252)
    assert best["difference"] == pytest.approx(0.45 - 0.252)
    assert {(row["paper"], row["difference"]) for row in rows.values()} == {(None, None)}


def test_a_method_that_the_paper_does_not_show_has_no_figure_beside_it() -> None:
    assert {row["paper"] for row in figure_5_rows([sweep_of("lasso")])} == {None}


def test_only_the_methods_asked_for_are_swept() -> None:
    (sweep,) = reproduce_figure_5(panel=PANEL, chosen=["lasso"])
    assert sweep.method == "lasso"
    assert figure_5_rows([]) == []

"""Figures hold what is written on them, however long it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.figure import Figure

from truetwin.report.figures.calibration_figures import shares_grid
from truetwin.report.figures.effect_figures import forest_figure
from truetwin.report.figures.estimate_figures import estimates_figure
from truetwin.report.figures.evaluation_figures import method_figure, target_figure
from truetwin.report.figures.theme import finding, new_figure, to_svg

LONG = "An answer WITH a wording that goes on and on"
GROUPS = ("young", "old", LONG)


def estimates(groups: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"item": LONG, "by": "age" * (len(groups) > 1), "group": group, "statistic": "share", "category": f"{k} {LONG}",
         "estimate": 0.3 * k, "lower": 0.3 * k - 0.1, "upper": 0.3 * k + 0.1}
        for group in groups for k in range(3)
    ]  # fmt: skip


def gains() -> list[dict[str, Any]]:
    ends = {"": 0.1, "_low": 0.05, "_high": 0.2}
    return [
        {"method": f"{k} {LONG}", **{f"{n}_difference{e}": v for n in ("common", "zero") for e, v in ends.items()}}
        for k in range(3)
    ]  # fmt: skip


def shares() -> list[dict[str, Any]]:
    return [{"item": LONG, "category": f"{k} {LONG}", "human": 0.2, "twin": 0.1 * k} for k in range(4)]


def targets() -> list[dict[str, Any]]:
    return [{"target": f"{k} {LONG}", "twin": 0.1 * k, "calibrated": 0.9, "gain": 0.5} for k in range(8)]


def effects() -> list[dict[str, Any]]:
    return [{"contrast": f"{k} {LONG}", "human": 0.1, "twin": 0.2, "calibrated": 0.3} for k in range(20)]


DRAWN: dict[str, Callable[[], Figure]] = {
    "estimates": lambda: estimates_figure(estimates(("all",)), 0.9),
    "groups": lambda: estimates_figure(estimates(GROUPS), 0.9),
    "shares": lambda: shares_grid(shares()),
    "methods": lambda: method_figure(gains()),
    "targets": lambda: target_figure(targets()),
    "no targets": lambda: target_figure([]),
    "effects": lambda: forest_figure(effects()),
}


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_cut_off(name: str) -> None:
    figure = DRAWN[name]()
    figure.draw_without_rendering()
    inches = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert inches.x0 >= 0
    assert inches.y0 >= 0
    assert inches.x1 <= width
    assert inches.y1 <= height


def test_the_title_stands_clear_of_the_marks_of_groups() -> None:
    figure = estimates_figure(estimates(GROUPS), 0.9)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    title = next(
        text for text in axes.findobj() if getattr(text, "get_text", str)() == axes.get_title(loc="left")
    )
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= title.get_window_extent().y1 > axes.get_window_extent().y1


def test_many_groups_leave_the_plot_its_height() -> None:
    heights = []
    for groups in (("all",), tuple(f"{k} {LONG}" for k in range(9))):
        figure = estimates_figure(estimates(groups), 0.9)
        figure.draw_without_rendering()
        heights.append(figure.axes[0].bbox.height)
    assert heights[1] > 0.85 * heights[0]


def test_titles_in_wide_letters_are_broken_earlier_and_drawn_without_their_font() -> None:
    figure, axes = new_figure()
    finding(axes, "问" * 90)
    lines = axes.get_title(loc="left").split("\n")
    assert len(lines) == 2
    assert max(map(len, lines)) * 10 < 72 * figure.get_figwidth() - 40
    assert lines[0] in to_svg(figure, "a")
    finding(axes, "")
    assert axes.get_title(loc="left") == ""


def positions(svg: str) -> list[float]:
    without_ids = re.sub(r"-p[0-9a-f]{10}", "", svg)
    return [float(number) for number in re.findall(r"-?\d+\.\d+", without_ids)]


def test_a_figure_is_as_it_was_after_it_was_put_on_a_page() -> None:
    figure = estimates_figure(estimates(("all",)), 0.9)
    canvas, dpi, engine = figure.canvas, figure.dpi, figure.get_layout_engine()
    first, again = to_svg(figure, "a"), to_svg(figure, "a")
    assert first == to_svg(estimates_figure(estimates(("all",)), 0.9), "a")
    # Older versions of matplotlib fit margins to those of before, which moves them by rounding errors.
    assert positions(again) == pytest.approx(positions(first), abs=1e-4)
    assert (figure.canvas, figure.dpi, figure.get_layout_engine()) == (canvas, dpi, engine)
    assert figure.patch.get_visible()
    assert "var(--paper)" not in to_svg(figure, "a")

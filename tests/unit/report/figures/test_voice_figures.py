from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truetwin.errors import DataError
from truetwin.report.figures.voice_figures import (
    capability_bars,
    capability_figures,
    capability_radar,
    write_capability_figures,
)
from truetwin.voice.protocols.capability_annotation import CAPABILITIES


def rows(
    model: str = "m", dimension: str = "social", protocol: str = "choice", **change: Any
) -> list[dict[str, Any]]:
    return [
        {"model": model, "dimension": dimension, "capability": name, "protocol": protocol, "value": 10.0 * k,
         "ci_low": 5.0 * k, "ci_high": 15.0 * k, "n": 10 + k, **change}
        for k, name in enumerate(CAPABILITIES)
    ]  # fmt: skip


def test_a_radar_shows_percent_and_counts() -> None:
    axes = capability_radar(rows(), "social", "choice").axes[0]
    assert list(axes.lines[0].get_ydata()) == pytest.approx([0, 10, 20, 30, 40, 50, 0])
    assert axes.get_xticklabels()[0].get_text() == "Opinion consistency\nn = 10"


def test_a_capability_without_items_leaves_a_gap() -> None:
    found = rows()
    found[2] |= {"value": math.nan, "n": 0}
    assert math.isnan(capability_radar(found, "social", "choice").axes[0].lines[0].get_ydata()[2])  # type: ignore[index]


def test_two_rankings_are_not_drawn_as_one() -> None:
    both = rows(protocol="combined", ranking="a") + rows(protocol="combined", ranking="b")
    with pytest.raises(DataError, match="different estimands"):
        capability_radar(both, "social", "combined")
    assert set(capability_figures(both)) == {
        "radar-social-combined-a", "radar-social-combined-b", "capabilities-combined-a", "capabilities-combined-b",
    }  # fmt: skip


def test_the_mean_over_dimensions_needs_them_all() -> None:
    found = rows() + rows(dimension="narrative") + rows("other")
    figure = capability_bars(found, "choice")
    marks = np.ma.filled(figure.axes[1].collections[-1].get_offsets(), np.nan)
    assert marks[:, 1] == pytest.approx([10.0, np.nan], nan_ok=True)


def test_guessing_among_four_is_drawn_only_where_it_can_be() -> None:
    def dashed(protocol: str) -> int:
        lines = capability_bars(rows(protocol=protocol), protocol).axes[0].lines
        return sum(line.get_linestyle() == "--" for line in lines)

    assert [dashed(protocol) for protocol in ("choice", "scoring", "combined")] == [1, 0, 0]


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(DataError, match="'scoring'"):
        capability_bars(rows(), "scoring")


def test_names_are_drawn_as_written_and_files_written(tmp_path: Path) -> None:
    found = rows("_cost$5$ {x}^2")
    paths = write_capability_figures(found, tmp_path, ".svg")
    assert sorted(p.name for p in paths) == ["capabilities-choice.svg", "radar-social-choice.svg"]

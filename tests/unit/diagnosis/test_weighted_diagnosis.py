"""Faults of twins beside weighted people."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.data import Panel, People, ResponseMatrix
from truetwin.diagnosis import diagnose
from truetwin.diagnosis.faults import item_faults
from truetwin.errors import DataError

N = 60


@pytest.fixture
def panel() -> Panel:
    rng = np.random.default_rng(1)
    human = rng.integers(1, 6, (N, 6)).astype(float)
    twin = np.clip(human + rng.integers(-1, 2, human.shape), 1, 5)
    rows = [f"r{k:02d}" for k in range(N)]
    w = rng.integers(1, 4, N).astype(float)
    people = People(rows, {"w": w, "equal": np.full(N, 0.5)})
    items = [f"Q{j}" for j in range(6)]
    return Panel(ResponseMatrix(human, rows, items), ResponseMatrix(twin, rows, items), people=people)


def test_whole_number_weights_count_people_several_times(panel: Panel) -> None:
    w = panel.person_numbers("w")
    times = np.repeat(np.arange(N), w.astype(int))
    rows = [f"x{k}" for k in range(times.size)]
    repeated = Panel(
        ResponseMatrix(panel.human_values[times], rows, panel.item_ids),
        ResponseMatrix(panel.twin_values[times], rows, panel.item_ids),
    )
    for ours, theirs in zip(item_faults(panel, w), item_faults(repeated), strict=True):
        for name in ("sd_ratio", "level_bias", "level_bias_sd"):
            assert ours[name] == pytest.approx(theirs[name])
        assert ours["unused"] == theirs["unused"]


def test_equal_weights_change_nothing(panel: Panel) -> None:
    plain = diagnose(panel).faults
    for ours, theirs in zip(diagnose(panel, weights="equal").faults, plain, strict=True):
        assert ours["faults"] == theirs["faults"]
        for name in ("sd_ratio", "level_bias", "level_bias_standard_error", "level_bias_sd"):
            assert ours[name] == pytest.approx(theirs[name])


def test_bad_weights_are_refused(panel: Panel) -> None:
    with pytest.raises(DataError, match="one weight for each of 60 respondents"):
        diagnose(panel, weights=[1.0, 2.0])

"""What a calibration gains is measured with its own settings."""

from __future__ import annotations

import numpy as np
import pytest

import truetwin as tt
from truetwin.calibration import Preprocessing
from truetwin.data import Panel
from truetwin.datasets import generate_population
from truetwin.evaluation.calibration_gain import measure_gain


def test_hidden_answers_are_prepared_as_the_calibration_was() -> None:
    panel = generate_population(80, 12, n_new_items=2, random_state=3).panel
    values = panel.twin.values.copy()
    values[np.random.default_rng(0).random(values.shape) < 0.3] = np.nan
    panel = Panel(panel.human, panel.twin.with_values(values))
    means = []
    for rank in (1, 6):
        prepared = Preprocessing(imputation_rank=rank)
        result = tt.calibrate(panel, "ridge", preset="twin-2k-500", preprocessing=prepared)
        rows = measure_gain(result, 12).rows
        table = tt.evaluate(
            panel, {"ridge": result.calibrators["item"]}, preprocessing=prepared, max_folds=12
        )
        (expected,) = (row["mean"] for row in table.summary() if row["method"] == "ridge")
        means.append(next(row["mean"] for row in rows if row["method"] == "ridge"))
        assert means[-1] == pytest.approx(expected)
    assert means[0] != pytest.approx(means[1])

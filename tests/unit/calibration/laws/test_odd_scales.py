"""Laws of items on scales that are not as usual, or of which next to nothing is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from truetwin.calibration import calibrate
from truetwin.data import Panel, ResponseMatrix, Scale
from truetwin.datasets import generate_population, generate_world
from truetwin.estimation.item_forecast import forecast_item
from truetwin.io import read_table
from truetwin.report.files.prediction_files import write_predictions

#: One scale, declared in two ways.
SEVEN = (Scale.ordinal(1, 7), Scale("ordinal", tuple(range(7, 0, -1)), 1, 7))


def declared(panel: Panel, scale: Scale) -> Panel:
    """Return the panel with one scale for all items."""
    items = {i: replace(item, scale=scale) for i, item in panel.items.items()}
    return Panel(panel.human.with_items(items), panel.twin.with_items(items))


@pytest.mark.parametrize("method", ["auto", "ridge"])
def test_the_order_in_which_categories_are_declared_changes_nothing(tmp_path: Path, method: str) -> None:
    panel = generate_population(60, 12, n_new_items=1, n_new_respondents=3, random_state=4).panel
    results = [calibrate(declared(panel, scale), method) for scale in SEVEN]
    np.testing.assert_array_equal(results[0].grid, results[1].grid)
    tables = []
    for k, result in enumerate(results):
        for item, law in result.laws.items():
            np.testing.assert_allclose(law.mean(), results[0].law(item).mean(), rtol=1e-12)
            np.testing.assert_array_equal(law.interval()[0], results[0].law(item).interval()[0])
        output = tmp_path / f"{k}.csv"
        write_predictions(result, output, id_column="id", rounded=False, inputs={}, settings={}, interval=0.9)
        tables.append(read_table(tmp_path / f"{k}.intervals.csv").to_pylist())
    assert tables[0] == tables[1]


def test_a_forecast_does_not_depend_on_the_order_of_categories() -> None:
    panel = generate_population(60, 12, n_new_items=1, random_state=4).panel
    first, second = (forecast_item(declared(panel, scale), panel.item_ids[-1]) for scale in SEVEN)
    np.testing.assert_allclose(
        first.probabilities @ first.law.codes, second.probabilities @ second.law.codes, atol=1e-5
    )


@pytest.mark.parametrize("method", ["auto", "ridge"])
def test_numbers_of_which_no_error_is_known_have_intervals_and_draws(method: str) -> None:
    panel = generate_world(
        "base", 40, 12, n_new_items=0, n_new_respondents=5, kinds=("price", "slider"), random_state=3
    ).panel
    answers = panel.human.values.copy()
    answers[1:, 0], answers[1:, 1] = np.nan, np.nan  # one person has answered the first two items
    human = ResponseMatrix(answers, panel.human.respondent_ids, panel.human.items)
    result = calibrate(Panel(human, panel.twin), method)
    for item in panel.item_ids[:2]:
        law = result.law(item)
        low, high = law.interval(0.9)
        assert (low < law.mean()).all()
        assert (law.mean() < high).all()
        assert np.isfinite([law.sd(), law.mode()]).all()
    assert result.draws(2).drawn.shape[1] == np.isfinite(result.grid).sum()

"""Simple predictions, checked by hand."""

from __future__ import annotations

import numpy as np

from truetwin.calibration.base import Calibrator
from truetwin.calibration.paper.baselines import (
    HumanItemMean,
    HumanRespondentMean,
    InContextTwin,
    TwinAsIs,
    TwinItemMean,
)
from truetwin.data import Panel, ResponseMatrix

NAN = np.nan
ROWS, COLUMNS = ["a", "b", "c"], ["Q1", "Q2", "Q3"]
TWIN = np.array([[2.0, 2.0, 1.0], [4.0, 2.0, NAN], [6.0, 5.0, 5.0]])
NEW_ITEM = np.array([[1.0, 2.0, NAN], [3.0, NAN, NAN], [5.0, 6.0, NAN]])
NEW_PERSON = np.array([[1.0, 2.0, NAN], [3.0, 4.0, 5.0], [NAN, NAN, NAN]])


def predicted(model: Calibrator, human: np.ndarray, in_context: np.ndarray | None = None) -> np.ndarray:
    third = None if in_context is None else ResponseMatrix(in_context, ROWS, COLUMNS)
    panel = Panel(ResponseMatrix(human, ROWS, COLUMNS), ResponseMatrix(TWIN, ROWS, COLUMNS), third)
    return model.fit(panel).predict().values[:, 0]


def test_the_twin_as_it_is() -> None:
    np.testing.assert_array_equal(predicted(TwinAsIs(), NEW_ITEM), [1, NAN, 5])
    np.testing.assert_array_equal(predicted(TwinAsIs(), NEW_PERSON), [6, 5, 5])


def test_the_mean_of_all_twins_for_everybody() -> None:
    np.testing.assert_array_equal(predicted(TwinItemMean(), NEW_ITEM), [3, 3, 3])


def test_a_new_person_gets_the_mean_of_the_other_twins_or_people_item_by_item() -> None:
    np.testing.assert_array_equal(predicted(TwinItemMean(), NEW_PERSON), [3, 2, 1])
    np.testing.assert_array_equal(predicted(HumanItemMean(), NEW_PERSON), [2, 3, 5])


def test_a_persons_mean_standardised_answer_on_the_twins_scale() -> None:
    """Humans' Q1 is 1, 3, 5 and Q2 is 2, -, 6: in sds of 1.63 and 2; the twins' Q3 has mean 3 and sd 2."""
    of_a = (-2 / np.sqrt(8 / 3) - 1) / 2
    np.testing.assert_allclose(predicted(HumanRespondentMean(), NEW_ITEM), [3 + 2 * of_a, 3, 3 - 2 * of_a])


def test_in_context_twins_are_taken_as_they_are_or_missed() -> None:
    shown = np.array([[1.0, 1.0, 4.0], [1.0, 1.0, 2.0], [1.0, 1.0, NAN]])
    np.testing.assert_array_equal(predicted(InContextTwin(), NEW_ITEM, shown), [4, 2, NAN])
    panel = Panel(ResponseMatrix(NEW_ITEM, ROWS, COLUMNS), ResponseMatrix(TWIN, ROWS, COLUMNS))
    assert "there are no in-context twins" in InContextTwin().fit(panel).predict().unpredicted["Q3"]


def test_a_mean_of_people_knows_nothing_of_a_new_item() -> None:
    panel = Panel(ResponseMatrix(NEW_ITEM, ROWS, COLUMNS), ResponseMatrix(TWIN, ROWS, COLUMNS))
    assert HumanItemMean().fit(panel).predict().unpredicted == {
        "Q3": "this method does not predict a new item"
    }

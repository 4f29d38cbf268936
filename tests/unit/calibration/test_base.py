"""What every calibrator gets from its base class."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from truetwin.calibration.base import Calibrator, donors, make_fold, with_blocks
from truetwin.calibration.design import Design, Preprocessing
from truetwin.data import Panel, ResponseMatrix, Target
from truetwin.datasets import generate_population
from truetwin.errors import NotPredictableError, ParameterError

NAN = np.nan


class Average(Calibrator):
    """Everybody is predicted to be average."""

    def __init__(self, blocks: dict[str, str] | None = None) -> None:
        self.blocks = blocks

    def fit_design(self, design: Design) -> None:
        self.note_convergence(design.target_ids[:1], converged=False)

    def predict_design(self, design: Design) -> np.ndarray:
        return np.zeros((len(design.human_samples), design.n_targets))


class ForItems(Average):
    axes: ClassVar = ("item",)


def panel_of(human: list[list[float]], twin: list[list[float]]) -> Panel:
    """Respondents a, b, ... and items Q1, Q2, ..."""
    rows, columns = "abcdefgh"[: len(human)], [f"Q{j + 1}" for j in range(len(human[0]))]
    return Panel(
        ResponseMatrix(np.array(human), list(rows), columns),
        ResponseMatrix(np.array(twin), list(rows), columns),
    )


def four_people(target: list[float]) -> Panel:
    """Q1 is known of everybody; ``target`` is what the twins say to Q2."""
    return panel_of([[1, NAN], [2, NAN], [3, NAN], [4, NAN]], [[k, t] for k, t in enumerate(target, 1)])


def test_the_average_prediction_is_the_mean_of_the_twins() -> None:
    found = Average().fit(four_people([1, 2, 2, 5])).predict()
    np.testing.assert_allclose(found.values, [[2.5]] * 4)
    assert (found.axis, found.target_ids, found.sample_ids) == ("item", ("Q2",), ("a", "b", "c", "d"))
    assert found.unpredicted == {}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([NAN, NAN, NAN, NAN], "no twin has answered it"),
        ([NAN, 2, NAN, NAN], "only 1 twin answer; at least 3 needed"),
        ([NAN, 2, 3, NAN], "only 2 twin answers; at least 3 needed"),
        ([4, 4, NAN, 4], "all 3 twins gave the same answer (4): nothing to learn from"),
    ],
)
def test_what_cannot_be_predicted_is_nan_with_the_reason(answers: list[float], reason: str) -> None:
    found = Average().fit(four_people(answers), Target("item", "Q2")).predict()
    assert found.unpredicted == {"Q2": reason}
    assert np.isnan(found.values).all()


def test_constant_twins_are_predicted_where_that_is_asked_for() -> None:
    lenient = Preprocessing(constant_targets="predict")
    found = Average().fit(four_people([4, 4, 4, 4]), preprocessing=lenient).predict()
    assert found.unpredicted == {}
    np.testing.assert_allclose(found.values, 4.0)


def test_an_axis_that_the_method_does_not_serve_is_a_reason_and_no_error() -> None:
    panel = panel_of([[1, 2], [2, 4], [NAN, NAN]], [[1, 2], [2, 3], [3, 5]])
    found = ForItems().fit(panel).predict()
    assert found.unpredicted == {"c": "this method does not predict a new respondent"}
    assert np.isnan(found.values).all()


def test_targets_whose_solver_stopped_early_are_named() -> None:
    panel = panel_of([[1, NAN, NAN], [2, NAN, NAN], [3, NAN, NAN]], [[1, 2, 3], [2, 3, 3], [3, 5, 1]])
    assert Average().fit(panel).predict().unconverged == {"Q2"}


def test_predicting_before_fitting_is_refused() -> None:
    with pytest.raises(NotFittedError, match="Average"):
        Average().predict()


def test_new_items_come_before_new_respondents_and_targets_keep_their_order() -> None:
    panel = generate_population(10, 6, n_new_items=2, n_new_respondents=1, random_state=0).panel
    fold = make_fold(panel, None)
    assert (fold.axis, fold.targets, fold.donors) == ("item", (4, 5), (0, 1, 2, 3))
    asked = make_fold(panel, [Target("item", "Q6"), Target("item", "Q2")])
    assert (asked.targets, asked.donors) == ((5, 1), (0, 2, 3))
    assert make_fold(panel, Target("respondent", "R03")).donors == (0, 1, 3, 4, 5, 6, 7, 8)


def test_donors_have_answers_from_both_sources() -> None:
    panel = panel_of([[1, NAN, 2, 3], [2, NAN, 2, 3]], [[1, 2, NAN, 4], [1, 2, NAN, 3]])
    assert donors(panel, "item", set()) == (0, 3)
    with pytest.raises(NotPredictableError, match="no donor: to predict a new item"):
        donors(panel, "item", {0, 3})


def test_impossible_targets_are_refused() -> None:
    panel = generate_population(10, 6, n_new_items=0, random_state=0).panel
    with pytest.raises(ParameterError, match="got both"):
        make_fold(panel, [Target("item", "Q1"), Target("respondent", "R01")])
    with pytest.raises(ParameterError, match="no item 'Q9'"):
        make_fold(panel, Target("item", "Q9"))
    with pytest.raises(NotPredictableError, match="nothing to predict"):
        make_fold(panel, None)


def test_swapped_tables_are_suspected_when_nothing_is_to_be_predicted() -> None:
    panel = generate_population(10, 6, n_new_items=2, random_state=0).panel
    with pytest.raises(NotPredictableError, match="were the two files swapped"):
        make_fold(Panel(panel.twin, panel.human), None)


def test_blocks_are_handed_on_unless_the_method_has_its_own_or_takes_none() -> None:
    from truetwin.calibration.paper.fit_and_transfer import Ridge

    given = {"Q1": "mood"}
    bare = Average()
    assert with_blocks(bare, given).blocks == given
    assert bare.blocks is None  # the model itself stays as it was
    assert with_blocks(bare, None) is bare
    own = Average(blocks={"Q1": "trust"})
    assert with_blocks(own, given) is own
    ridge = Ridge()
    assert with_blocks(ridge, given) is ridge

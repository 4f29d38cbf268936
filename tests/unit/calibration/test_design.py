"""From a panel to the arrays that every method works on."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from truetwin.calibration.base import make_fold
from truetwin.calibration.design import (
    N_GROUPS,
    PAPER_PREPROCESSING,
    Design,
    Fold,
    Preprocessing,
    batches,
    make_designs,
)
from truetwin.data import Panel, ResponseMatrix, Target
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError

NAN = np.nan
ROOT = np.sqrt(8 / 3)  # sd of 1, 3, 5


def panel_of(human: list[list[float]], twin: list[list[float]], rows: str, columns: str) -> Panel:
    return Panel(
        ResponseMatrix(np.array(human), rows.split(), columns.split()),
        ResponseMatrix(np.array(twin), rows.split(), columns.split()),
    )


def design_of(panel: Panel, *targets: Target, preprocessing: Preprocessing | None = None) -> Design:
    fold = make_fold(panel, targets or None)
    return make_designs(panel, [fold], preprocessing or Preprocessing())[0]


def new_item() -> Panel:
    """Nobody human has answered Q3; all twins give the same answer to Q2."""
    return panel_of(
        [[1, 2, NAN], [3, 4, NAN], [5, 6, NAN]], [[2, 2, 1], [4, 2, 3], [6, 2, 5]], "a b c", "Q1 Q2 Q3"
    )


def new_respondent() -> Panel:
    """Nobody knows what c would answer."""
    return panel_of([[1, 2], [3, 6], [NAN, NAN]], [[2, 2], [4, 8], [3, 4]], "a b c", "Q1 Q2")


def test_each_source_is_standardised_by_its_own_items() -> None:
    complete = design_of(new_item()).complete
    np.testing.assert_allclose(complete.X_human, [[-2 / ROOT] * 2, [0, 0], [2 / ROOT] * 2])
    np.testing.assert_allclose(complete.X_twin, [[-2 / ROOT, 0], [0, 0], [2 / ROOT, 0]])
    np.testing.assert_allclose(complete.y_twin, [[-2 / ROOT], [0], [2 / ROOT]])


def test_a_small_spread_is_not_divided_out_unless_the_floor_allows_it() -> None:
    panel = panel_of([[1, NAN], [2, NAN], [1, NAN]], [[1, 1], [1, 2], [2, 3]], "a b c", "Q1 Q2")
    floored, free = (design_of(panel, preprocessing=Preprocessing(sd_floor=f)).complete for f in (1.0, 0.0))
    np.testing.assert_allclose(floored.X_human[:, 0], [-1 / 3, 2 / 3, -1 / 3])
    np.testing.assert_allclose(free.X_human.std(axis=0), [1.0])


def test_predictions_of_a_new_item_go_back_on_the_twins_scale() -> None:
    design = design_of(new_item())
    np.testing.assert_allclose(design.back_to_scale(design.complete.X_human[:, :1]), [[1], [3], [5]])


@pytest.mark.parametrize(("level", "expected"), [("human", [[2], [4]]), ("twin", [[3], [5]])])
def test_predictions_of_a_new_respondent_go_back_on_the_level_asked_for(
    level: str, expected: list[list[float]]
) -> None:
    design = design_of(new_respondent(), preprocessing=Preprocessing(level=level))
    np.testing.assert_allclose(design.back_to_scale(np.zeros((2, 1))), expected)


def test_a_new_respondents_twin_is_standardised_as_the_other_twins_are() -> None:
    complete = design_of(new_respondent()).complete  # twins' means 3 and 5, sds 1 and 3
    np.testing.assert_allclose(complete.y_twin, [[0], [-1 / 3]])


def test_whoever_has_answered_no_donor_has_no_row_and_gets_no_prediction() -> None:
    panel = panel_of(
        [[1, 2, NAN], [NAN, NAN, NAN], [5, 6, NAN], [3, 3, NAN]],
        [[2, 2, 1], [4, 3, 3], [6, 5, 5], [1, 1, 2]],
        "a b c d",
        "Q1 Q2 Q3",
    )
    design = design_of(panel)
    assert design.human_samples.tolist() == [0, 2, 3]
    assert design.complete.X_human.shape == (3, 2)
    assert np.isnan(design.back_to_scale(np.zeros((3, 1)))[:, 0]).tolist() == [False, True, False, False]


def test_gaps_stay_gaps_for_completion_and_are_filled_for_transfer() -> None:
    panel = generate_population(30, 8, n_new_items=1, missing=0.3, random_state=2).panel
    design = design_of(panel)
    assert np.isnan(design.observed.human).sum() == np.isnan(panel.human_values[:, :7]).sum() > 0
    assert np.isfinite(design.complete.X_human).all()
    there = np.isfinite(design.observed.human)
    raw = np.where(there, design.raw_human, 0.0)
    assert (raw[there] == panel.human_values[:, :7][np.isfinite(panel.human_values[:, :7])]).all()


def test_a_missing_twin_answer_to_the_target_stands_at_the_mean() -> None:
    panel = panel_of(
        [[1, NAN], [3, NAN], [5, NAN], [4, NAN]], [[2, 1], [4, NAN], [6, 5], [1, 3]], "a b c d", "Q1 Q2"
    )
    assert design_of(panel).complete.y_twin[1, 0] == 0.0


@pytest.mark.parametrize("axis", ["item", "respondent"])
def test_human_answers_to_the_targets_are_nowhere_in_a_design(axis: str) -> None:
    panel = generate_population(40, 9, n_new_items=0, missing=0.2, random_state=4).panel
    ids = panel.item_ids if axis == "item" else panel.respondent_ids
    targets = [Target(axis, ids[3]), Target(axis, ids[5])]
    values = panel.human_values.copy()
    where = (slice(None), [3, 5]) if axis == "item" else ([3, 5], slice(None))
    values[where] = np.where(np.isfinite(values[where]), 8 - values[where], NAN)
    turned = Panel(ResponseMatrix(values, panel.respondent_ids, panel.item_ids), panel.twin)
    ours, theirs = design_of(panel, *targets), design_of(turned, *targets)
    for part in ("complete", "observed"):
        for name, array in vars(getattr(ours, part)).items():
            np.testing.assert_array_equal(array, getattr(getattr(theirs, part), name))
    zeros = np.zeros((len(ours.human_samples), 2))
    np.testing.assert_array_equal(ours.back_to_scale(zeros), theirs.back_to_scale(zeros))


def test_donors_and_samples_stand_in_the_order_of_their_ids() -> None:
    panel = new_item()
    turned = Panel(
        ResponseMatrix(panel.human_values[::-1, ::-1], ["c", "b", "a"], ["Q3", "Q2", "Q1"]),
        ResponseMatrix(panel.twin_values[::-1, ::-1], ["c", "b", "a"], ["Q3", "Q2", "Q1"]),
    )
    ours, theirs = design_of(panel), design_of(turned)
    assert ours.donor_ids == theirs.donor_ids == ("Q1", "Q2")
    np.testing.assert_array_equal(ours.complete.X_human, theirs.complete.X_human)
    np.testing.assert_array_equal(ours.complete.y_twin, theirs.complete.y_twin)


@pytest.mark.parametrize(
    "wrong", [{"imputation_rank": 0}, {"sd_floor": -1.0}, {"level": "both"}, {"constant_targets": "guess"}]
)
def test_impossible_preparation_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        Preprocessing(**wrong)


def test_the_papers_preparation_differs_in_level_and_in_constant_targets_only() -> None:
    ours, paper = vars(Preprocessing()), vars(PAPER_PREPROCESSING)
    assert {k for k in ours if ours[k] != paper[k]} == {"level", "constant_targets"}


def test_singular_vectors_are_orthonormal_and_leave_out_what_is_only_rounding() -> None:
    panel = generate_population(25, 6, n_new_items=1, random_state=0).panel
    twin = panel.twin_values.copy()
    twin[:, 1] = twin[:, 0]
    doubled = Panel(panel.human, ResponseMatrix(twin, panel.respondent_ids, panel.item_ids))
    V = design_of(doubled).complete.right_singular_vectors
    assert V.shape == (5, 4)
    np.testing.assert_allclose(V.T @ V, np.eye(4), atol=1e-10)


def folds_of(panel: Panel, axis: str) -> list[Fold]:
    ids = panel.item_ids if axis == "item" else panel.respondent_ids
    return [make_fold(panel, Target(axis, i)) for i in ids]


@pytest.mark.parametrize(("axis", "n_respondents"), [("item", 40), ("respondent", 20), ("respondent", 70)])
def test_every_fold_is_worked_on_once(axis: str, n_respondents: int) -> None:
    panel = generate_population(n_respondents, 7, n_new_items=0, random_state=1).panel
    folds = folds_of(panel, axis)
    work = batches(panel, folds)
    assert sorted(chain(*(b.folds for b in work)), key=folds.index) == folds
    assert all(1 <= b.at_once <= 16 for b in work)
    designed = [d.fold for b in work for some in b.designs(panel, Preprocessing()) for d in some]
    assert sorted(designed, key=folds.index) == folds


def test_respondents_share_imputations_in_groups_that_depend_on_ids_alone() -> None:
    panel = generate_population(70, 7, n_new_items=0, random_state=1).panel
    turned = Panel(
        ResponseMatrix(panel.human_values[::-1], panel.respondent_ids[::-1], panel.item_ids),
        ResponseMatrix(panel.twin_values[::-1], panel.respondent_ids[::-1], panel.item_ids),
    )

    def groups(panel: Panel) -> list[set[str]]:
        work = batches(panel, folds_of(panel, "respondent"))
        return [{panel.respondent_ids[i] for i in b.group} for b in work]

    assert groups(panel) == groups(turned)
    assert len(groups(panel)) == N_GROUPS
    assert sum(map(len, groups(panel))) == 70


def test_little_memory_means_one_fold_at_a_time() -> None:
    panel = generate_population(30, 7, n_new_items=0, random_state=1).panel
    assert [b.at_once for b in batches(panel, folds_of(panel, "item"), budget_bytes=1)] == [1] * 7
    assert batches(panel, []) == []


@pytest.mark.parametrize("axis", ["item", "respondent"])
def test_a_design_has_the_answers_of_each_source_as_it_has_their_average(axis: str) -> None:
    rng = np.random.default_rng(3)
    rows, columns = [f"r{k}" for k in range(6)], [f"q{k}" for k in range(5)]
    human = rng.integers(1, 6, (6, 5)).astype(float)
    (human[:, 4:] if axis == "item" else human[5:])[:] = np.nan
    sources = {
        name: ResponseMatrix(rng.integers(1, 6, (6, 5)), rows, columns) for name in ("first", "second")
    }
    panel = Panel(ResponseMatrix(human, rows, columns), sources)
    (design,) = make_designs(panel, [make_fold(panel, None)], Preprocessing())
    alone = [
        make_designs(part, [design.fold], Preprocessing())[0]
        for part in (Panel(panel.human, source) for source in sources.values())
    ]
    assert design.n_sources == 2
    np.testing.assert_array_equal(design.raw_twin_sources, [each.raw_twin for each in alone])
    np.testing.assert_array_equal(design.raw_target_sources, [each.raw_target for each in alone])

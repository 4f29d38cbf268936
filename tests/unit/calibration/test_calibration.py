"""The calibrate job."""

from __future__ import annotations

import numpy as np
import pytest

import truetwin as tt
from truetwin.calibration.calibrators import make_calibrator, methods
from truetwin.data import Item, Panel, ResponseMatrix
from truetwin.datasets import generate_population
from truetwin.errors import NotPredictableError, ParameterError


def test_both_kinds_of_target_are_predicted_by_default() -> None:
    panel = generate_population(60, 14, n_new_items=2, n_new_respondents=3).panel
    result = tt.calibrate(panel, "ridge", preset="twin-2k-500")
    grid = dict(zip(panel.item_ids, result.grid.T, strict=True))
    assert np.isfinite(grid["Q13"][:57]).all()  # old respondents, new items
    assert np.isfinite(result.grid[57:, :12]).all()  # new respondents, old items
    assert np.isnan(result.grid[57:, 12:]).all()  # a new respondent's answer to a new item has no donor
    assert np.isnan(result.grid[:57, :12]).all()  # what was asked for only
    assert result.frame().num_rows == 60


def test_calibration_comes_closer_to_a_known_truth_than_the_twins() -> None:
    population = generate_population(300, 30, n_new_items=6, random_state=2)
    panel = population.panel
    result = tt.calibrate(panel, "ridge")
    truth = population.truth.values[:, 24:]

    def mean_correlation(values: np.ndarray) -> float:
        return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(values.T, truth.T, strict=True)]))

    assert mean_correlation(result.grid[:, 24:]) > mean_correlation(panel.twin_values[:, 24:]) + 0.1


@pytest.mark.extra("pandas")
def test_predictions_lie_on_the_scale_and_can_be_rounded() -> None:
    panel = generate_population(80, 14, n_new_items=3, bias=1.0).panel
    result = tt.calibrate(panel, "lasso", preset="twin-2k-500")
    values = result.grid[:, 11:]
    assert values.min() >= 1
    assert values.max() <= 7
    rounded = np.array(result.frame(rounded=True).drop_columns(["respondent_id"]).to_pandas())
    assert set(np.unique(rounded)) <= set(range(1, 8))


def test_everybody_asked_stays_in_the_table_also_without_a_prediction() -> None:
    panel = generate_population(60, 14, n_new_items=2).panel
    human = panel.human.values.copy()
    human[5, :] = np.nan
    twin = panel.twin_values
    lonely = Panel(ResponseMatrix(human, panel.human.respondent_ids, panel.human.items), panel.twin)
    result = tt.calibrate(lonely, "ridge", preset="twin-2k-500", items=["Q13", "Q14"])
    assert result.frame().num_rows == 60
    note = result.notes()[0]
    assert (note["n_predicted"], note["n_unpredicted"]) == (59, 1)
    assert "answered no donor" in note["reason"]
    assert twin.shape == (60, 14)


def test_a_human_without_a_twin_is_predicted_for_new_items() -> None:
    panel = generate_population(60, 14, n_new_items=2).panel
    twin = ResponseMatrix(panel.twin.values[10:], panel.twin.respondent_ids[10:], panel.twin.items)
    result = tt.calibrate(Panel(panel.human, twin), "ridge", preset="twin-2k-500")
    assert np.isfinite(result.grid[:, 12:]).all()


@pytest.mark.parametrize("axis", ["item", "respondent"])
@pytest.mark.parametrize("name", ["ridge", "soft-svd", "neural-net"])
def test_the_number_of_workers_changes_nothing(name: str, axis: str) -> None:
    new = {"n_new_items": 3} if axis == "item" else {"n_new_items": 0, "n_new_respondents": 3}
    panel = generate_population(60, 14, **new).panel
    one, two = (tt.calibrate(panel, name, preset="twin-2k-500", n_jobs=n).grid for n in (1, 2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", [n for n in methods if methods[n].candidates])
def test_chosen_hyperparameters_ignore_every_human_answer(name: str) -> None:
    panel = generate_population(90, 20, n_new_items=0, random_state=4).panel
    rng = np.random.default_rng(0)
    noise = ResponseMatrix(
        rng.integers(1, 8, panel.human.shape), panel.human.respondent_ids, panel.human.items
    )
    first, second = (make_calibrator(name, p, "item") for p in (panel, Panel(noise, panel.twin)))
    assert first.get_params() == second.get_params()


def test_cross_validation_chooses_among_the_candidates_not_blindly() -> None:
    chosen = {
        make_calibrator("ridge", generate_population(n, 20, noise=noise).panel, "item").get_params()["alpha"]
        for n, noise in ((40, 3.0), (400, 0.1))
    }
    assert len(chosen) == 2


def test_settings_by_hand_win() -> None:
    panel = generate_population(60, 14).panel
    assert make_calibrator("ridge", panel, "item", parameters={"alpha": 7}).get_params() == {"alpha": 7.0}
    network = make_calibrator("neural-net", panel, "item", preset="movielens", parameters={"hidden": [4, 2]})
    assert network.get_params()["hidden"] == (4, 2)
    assert network.get_params()["weight_decay"] == 0.1


def test_impossible_requests_are_refused() -> None:
    panel = generate_population(60, 14, n_new_items=2).panel
    with pytest.raises(ParameterError, match="has human answers"):
        tt.calibrate(panel, "ridge", items=["Q01"])
    with pytest.raises(ParameterError, match="no item 'Q99'"):
        tt.calibrate(panel, "ridge", items=["Q99"])
    with pytest.raises(ParameterError, match="at least one"):
        tt.calibrate(panel, "ridge", items=[])
    with pytest.raises(NotPredictableError, match="nothing to predict"):
        tt.calibrate(generate_population(60, 14, n_new_items=0).panel, "ridge")
    with pytest.raises(NotPredictableError, match="does not predict a new item"):
        tt.calibrate(panel, "human-item-mean")


def test_a_blind_item_is_predicted_as_an_evaluation_predicts_it_and_says_so() -> None:
    import numpy as np

    from truetwin.data import Panel, ResponseMatrix
    from truetwin.datasets import generate_population

    panel = generate_population(60, 8, n_new_items=1, random_state=2).panel
    values = panel.twin.values.copy()
    values[:, panel.twin.item_ids.index(panel.new_items[0])] = 4.0
    blind = Panel(panel.human, ResponseMatrix(values, panel.twin.respondent_ids, panel.twin.items))
    result = tt.calibrate(blind)
    assert result.unpredicted == {}
    assert np.isfinite(result.grid[:, panel.item_ids.index(panel.new_items[0])]).all()
    assert "says little of the item" in result.notes()[0]["reason"]
    assert result.law(result.notes()[0]["target"]).expected_correlation() is None


def with_declared_blocks(panel: Panel, size: int) -> Panel:
    """The panel with its items declared to be in batteries of ``size`` items."""
    declared = {i: Item(i, block=f"b{k // size}") for k, i in enumerate(panel.item_ids)}
    return Panel(panel.human.with_items(declared), panel.twin.with_items(declared))


def test_batteries_of_items_are_no_batteries_of_people() -> None:
    """Adaptive transfer divides donors by batteries; those of a new respondent are people."""
    panel = generate_population(60, 10, n_new_items=2, n_new_respondents=4, random_state=1).panel
    assert {part.axis for part in tt.calibrate(panel, "adaptive:ridge").parts} == {"item", "respondent"}


@pytest.mark.parametrize("method", ["auto", "adaptive:ridge"])
def test_declared_batteries_are_used_and_given_ones_win(method: str) -> None:
    plain = generate_population(60, 12, n_new_items=2).panel
    panel = with_declared_blocks(plain, 4)
    used = tt.calibrate(panel, method).calibrators["item"].get_params()["blocks"]
    assert (used["Q01"], used["Q12"]) == ("b0", "b2")
    given = {i: f"g{k // 3}" for k, i in enumerate(panel.item_ids)}
    assert tt.calibrate(panel, method, blocks=given).calibrators["item"].get_params()["blocks"] == given


@pytest.mark.parametrize("protocol", ["leave-one-item-out", "leave-block-out"])
def test_an_evaluation_uses_declared_batteries_and_given_ones_win(protocol: str) -> None:
    plain = generate_population(60, 12, n_new_items=0).panel
    panel = with_declared_blocks(plain, 4)
    used = tt.evaluate(panel, ["auto"], protocol).settings["parameters"]["auto"]["blocks"]
    assert used["Q01"] == "b0"
    given = {i: f"g{k // 3}" for k, i in enumerate(panel.item_ids)}
    table = tt.evaluate(panel, ["auto"], protocol, blocks=given)
    assert table.settings["parameters"]["auto"]["blocks"] == given


def test_batteries_that_ids_do_not_show_are_found_as_in_the_program() -> None:
    plain = generate_population(60, 12, n_new_items=2).panel
    values = plain.twin.values.copy()
    values[:, 11] = values[:, 0]  # the twins answer a new item exactly as an old one
    panel = Panel(plain.human, ResponseMatrix(values, plain.twin.respondent_ids, plain.twin.items))
    result = tt.calibrate(panel, "auto")
    assert "sibling" in result.notes()[1]["situation"]

"""Methods by name: settings by hand, from the paper, or chosen among the twins."""

from __future__ import annotations

import pytest

from truetwin.calibration.calibrators import (
    PAPER_METHODS,
    PRESETS,
    _candidates,
    check_preset,
    make_calibrator,
    methods,
    named_calibrators,
)
from truetwin.calibration.paper.fit_and_transfer import Ridge
from truetwin.data import Panel
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError, UnknownNameError


@pytest.fixture(scope="module")
def panel() -> Panel:
    return generate_population(40, 8, n_new_items=1, random_state=0).panel


def test_the_papers_ten_methods_are_the_ten_it_compares() -> None:
    assert set(PAPER_METHODS) == {
        "ridge",
        "lasso",
        "elastic-net",
        "neural-net",
        "synthetic-control",
        "synthetic-intervention",
        "hard-svd",
        "soft-svd",
        "als",
        "synthetic-prior",
    }


@pytest.mark.parametrize("name", PAPER_METHODS)
@pytest.mark.parametrize("axis", ["item", "respondent"])
def test_published_settings_are_settings_of_the_method(name: str, axis: str) -> None:
    for preset in PRESETS:
        published = methods[name].published[preset, axis]
        made = make_calibrator(name, None, axis, preset=preset)
        assert {k: made.get_params()[k] for k in published} == published


def test_an_alias_makes_the_same_method(panel: Panel) -> None:
    made = make_calibrator("en", panel, "item", preset="movielens")
    same = make_calibrator("elastic-net", panel, "item", preset="movielens")
    assert type(made) is type(same)
    assert made.get_params() == same.get_params()


def test_settings_by_hand_win_over_published_ones_and_leave_the_others(panel: Panel) -> None:
    published = methods["soft-svd"].published["movielens", "item"]
    made = make_calibrator("soft-svd", panel, "item", preset="movielens", parameters={"rank": 3})
    assert made.rank == 3 != published["rank"]
    assert made.shrinkage == published["shrinkage"]


def test_settings_take_the_type_that_the_method_needs(panel: Panel) -> None:
    made = make_calibrator("soft-svd", panel, "item", parameters={"rank": 4.0, "shrinkage": 3})
    assert (made.rank, type(made.rank)) == (4, int)
    assert (made.shrinkage, type(made.shrinkage)) == (3.0, float)
    assert make_calibrator("neural-net", panel, "item", parameters={"hidden": 5}).hidden == (5,)
    assert make_calibrator("neural-net", panel, "item", parameters={"hidden": [5, 4.0]}).hidden == (5, 4)


@pytest.mark.parametrize("preset", ["cv", "movielens"])
def test_a_list_is_a_grid_that_cross_validation_chooses_from(panel: Panel, preset: str) -> None:
    grids = {"alpha": [1, 1e9], "rank": [2, 4]}
    made = make_calibrator("synthetic-intervention", panel, "item", preset=preset, parameters=grids)
    assert made.alpha in (1.0, 1e9)
    assert made.rank in (2, 4)
    sizes = {"hidden": [[2], [3, 2]], "epochs": 2}
    network = make_calibrator("neural-net", panel, "item", preset=preset, parameters=sizes)
    assert network.hidden in ((2,), (3, 2))
    assert network.epochs == 2


def test_grids_are_combined_with_each_other_and_take_the_place_of_usual_values() -> None:
    usual = methods["synthetic-intervention"].candidates
    found = _candidates(usual, {}, {"alpha": (1.0, 10.0)})
    assert found == [{"rank": r, "alpha": a} for r in (3, 5, 10, 20, 50) for a in (1.0, 10.0)]
    assert _candidates(usual, {"rank": 4}, {"alpha": (1.0, 10.0)}) == [{"alpha": 1.0}, {"alpha": 10.0}]
    assert _candidates((), {}, {"rank": (1, 2), "alpha": (5.0,)}) == [
        {"rank": 1, "alpha": 5.0},
        {"rank": 2, "alpha": 5.0},
    ]


def test_a_grid_of_one_is_a_setting(panel: Panel) -> None:
    made = make_calibrator("synthetic-control", panel, "item", preset="movielens", parameters={"alpha": [3]})
    assert made.alpha == 3.0


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("ridge", {"alpha": []}, "at least one value"),
        ("ridge", {"alpha": [1, "much"]}, "must be a number; got 'much'"),
        ("neural-net", {"hidden": [[8], [2.5]]}, "must be a whole number; got 2.5"),
        ("ridge", {"rank": 2}, "has no setting 'rank'; its settings are alpha"),
        ("twin", {"alpha": 2.0}, "it has no settings"),
        ("soft-svd", {"rank": 2.5}, "must be a whole number; got 2.5"),
        ("soft-svd", {"rank": True}, "must be a whole number; got True"),
        ("ridge", {"alpha": "much"}, "must be a number; got 'much'"),
        ("ridge", {"alpha": float("nan")}, "must be a number; got nan"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    panel: Panel, name: str, parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        make_calibrator(name, panel, "item", parameters=parameters)


def test_a_misspelt_preset_is_refused_with_a_guess(panel: Panel) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'movielens'"):
        make_calibrator("ridge", panel, "item", preset="movielen")
    for preset in ("cv", *PRESETS):
        check_preset(preset)


def test_methods_keep_their_order_and_the_baseline_is_added_once(panel: Panel) -> None:
    assert list(named_calibrators(["lasso", "ridge"], panel, "item", add="twin")) == [
        "twin",
        "lasso",
        "ridge",
    ]
    assert list(named_calibrators(["ridge", "twin"], panel, "item", add="twin")) == ["ridge", "twin"]


def test_a_model_of_ones_own_stands_under_its_name(panel: Panel) -> None:
    class Mine(Ridge):
        pass

    ridge, mine = Ridge(alpha=3.0), Mine()
    found = named_calibrators([ridge, mine, "lasso"], panel, "item", preset="movielens")
    assert list(found) == ["ridge", "Mine", "lasso"]
    assert found["ridge"] is ridge
    assert named_calibrators({"weak": ridge}, panel, "item") == {"weak": ridge}


def test_settings_for_a_method_that_is_not_asked_for_are_refused(panel: Panel) -> None:
    assert named_calibrators(["en"], panel, "item", parameters={"elastic-net": {"alpha": 7.0}})[
        "elastic-net"
    ].alpha == pytest.approx(7.0)
    with pytest.raises(ParameterError, match="'lasso', which is not among the methods"):
        named_calibrators(["ridge"], panel, "item", parameters={"lasso": {"alpha": 1.0}})

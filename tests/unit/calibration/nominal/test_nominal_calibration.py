"""Calibration of nominal items: nothing depends on the codes of their categories."""

from __future__ import annotations

import numpy as np
import pytest

from recoding import NEW_CODES, recoded
from truetwin.calibration import Calibration, calibrate
from truetwin.calibration.paper.fit_and_transfer import Ridge
from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.datasets import World, generate_world
from truetwin.errors import NotPredictableError, ParameterError

KINDS = ("nominal", "five-point")


def world(twins: str = "base", **settings: object) -> World:
    return generate_world(twins, 120, 16, n_new_items=4, n_new_respondents=20, kinds=KINDS, **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def result() -> Calibration:
    return calibrate(world().panel)


@pytest.mark.parametrize("method", ["auto", "ridge", "soft-svd", "twin"])
def test_other_codes_change_nothing(method: str) -> None:
    panel = world().panel
    one, other = calibrate(panel, method), calibrate(recoded(panel), method)
    for j, item in enumerate(panel.item_ids):
        if panel.scales[item].kind == "nominal":
            renamed = [NEW_CODES.get(c, np.nan) for c in one.grid[:, j]]
            assert np.array_equal(renamed, other.grid[:, j], equal_nan=True)
            columns = [
                other.law(item).codes.tolist().index(NEW_CODES[c]) for c in panel.scales[item].categories
            ]
            assert np.allclose(
                one.probabilities(item), other.probabilities(item)[:, columns], atol=1e-14, equal_nan=True
            )
        else:
            assert np.array_equal(one.grid[:, j], other.grid[:, j], equal_nan=True)


def test_other_codes_give_the_same_draws() -> None:
    panel = world().panel
    one, other = (calibrate(p).draws(2, seed=3).values for p in (panel, recoded(panel)))
    nominal = [panel.scales[i].kind == "nominal" for i in panel.item_ids]
    renamed = np.vectorize(lambda c: NEW_CODES.get(c, np.nan))(one)
    assert np.array_equal(np.where(nominal, renamed, one), other, equal_nan=True)


@pytest.mark.parametrize("twins", ["good", "base", "noise"])
def test_categories_are_predicted_as_well_as_by_the_twin_or_better(twins: str) -> None:
    made = generate_world(twins, 300, 30, n_new_items=6, kinds=KINDS, random_state=71)
    found = calibrate(made.panel).grid
    new = [j for j, i in enumerate(made.panel.item_ids) if i in made.panel.new_items]
    nominal = [j for j in new if made.panel.scales[made.panel.item_ids[j]].kind == "nominal"]
    hit, by_twin = (
        np.mean(v[:, nominal] == made.truth.values[:, nominal]) for v in (found, made.panel.twin_values)
    )
    assert hit > by_twin - 0.01
    if twins != "good":
        assert hit > by_twin + 0.02


def test_the_prediction_is_the_likeliest_category(result: Calibration) -> None:
    for item in result.encoding.codes:
        law = result.law(item)
        rows = [result.panel.respondent_ids.index(r) for r in law.respondent_ids]
        table = law.probabilities()
        assert np.allclose(table.sum(axis=1), 1)
        likeliest = law.codes[table.argmax(axis=1)]
        assert np.array_equal(result.grid[rows, result.panel.item_ids.index(item)], likeliest)
        assert np.allclose(law.shares(), table.mean(axis=0))


def test_new_respondents_get_answers_to_known_and_new_nominal_items(result: Calibration) -> None:
    panel = result.panel
    rows = [panel.respondent_ids.index(r) for r in panel.new_respondents]
    for j, item in enumerate(panel.item_ids):
        assert panel.scales[item].kind != "nominal" or panel.scales[item].on_scale(result.grid[rows, j]).all()


def test_a_new_respondent_is_predicted_alike_whoever_else_is_new() -> None:
    panel = world().panel
    everybody = calibrate(panel, respondents=panel.new_respondents)
    alone = calibrate(panel, respondents=panel.new_respondents[:1])
    for item in panel.human.item_ids:  # not exactly: all twins in play standardise the twins' answers
        if panel.scales[item].kind == "nominal":
            assert np.allclose(everybody.probabilities(item)[0], alone.probabilities(item)[0], atol=0.01)


def test_the_twin_is_taken_as_it_is() -> None:
    panel = world().panel
    found = calibrate(panel, "twin")
    there = np.isfinite(found.grid)
    assert np.array_equal(found.grid[there], panel.twin_values[there])


def test_draws_have_the_frequencies_of_the_laws(result: Calibration) -> None:
    draws = result.draws(150, seed=1)
    values = draws.values
    for item in result.encoding.codes:
        law, j = result.law(item), draws.item_ids.index(item)
        rows = [draws.respondent_ids.index(r) for r in law.respondent_ids]
        found = np.stack([(values[:, rows, j] == c).mean(axis=0) for c in law.codes], axis=1)
        assert np.abs(found - law.probabilities()).mean() < 0.035
        assert np.abs(found.mean(axis=0) - law.shares()).max() < 0.03


def test_numeric_statistics_of_a_nominal_item_are_refused_by_name(result: Calibration) -> None:
    item = next(i for i in result.panel.new_items if i in result.encoding.codes)
    law = result.law(item)
    for ask in (
        law.mean,
        law.sd,
        law.median,
        law.interval,
        lambda: law.quantile(0.5),
        lambda: result.online(item),
    ):
        with pytest.raises(ParameterError, match=f"'{item}' is nominal"):
            ask()


def test_nominal_items_have_no_interval(result: Calibration) -> None:
    ends = result.intervals(0.9)
    for item, (low, high) in ends.items():
        assert np.isnan(low).all() == np.isnan(high).all() == (item in result.encoding.codes)


def _small(categories: list[float], human: list[float], twin: list[float]) -> Panel:
    rng = np.random.default_rng(0)
    ids = [f"r{k:02d}" for k in range(40)]
    items = [
        Item("party", scale=Scale.nominal(categories)),
        *(Item(f"v{k}", scale=Scale.ordinal(1, 5)) for k in "abcd"),
    ]
    answers = rng.integers(1, 6, (40, 4)).astype(float)
    people = np.column_stack([np.resize(human, 40), answers])
    twins = np.column_stack([np.resize(twin, 40), rng.integers(1, 6, (40, 4))])
    return Panel(ResponseMatrix(people, ids, items), ResponseMatrix(twins, ids, items))


@pytest.mark.parametrize("method", ["auto", "ridge"])
def test_a_single_category_is_certain(method: str) -> None:
    found = calibrate(_small([5], [np.nan], [5.0]), method)
    assert (found.grid[:, 0] == 5).all()
    assert (found.probabilities("party") == 1).all()


def test_two_categories_are_predicted_too() -> None:
    found = calibrate(_small([3, 8], [np.nan], [3.0, 8.0, 8.0]))
    assert set(np.unique(found.grid[:, 0])) <= {3.0, 8.0}
    assert np.allclose(found.probabilities("party").sum(axis=1), 1)


def test_a_category_that_all_twins_chose_is_named_by_its_code() -> None:
    with pytest.raises(NotPredictableError, match=r"'party': all 40 twins gave the same answer \(8\)"):
        calibrate(_small([3, 8], [np.nan], [8.0]), "ridge")


def test_a_nominal_item_can_be_given_other_shares(result: Calibration) -> None:
    item = next(i for i in result.panel.new_items if i in result.encoding.codes)
    wanted = np.array([0.1, 0.2, 0.3, 0.4])
    found = result.with_shares({item: wanted})
    assert found.shares(item) == pytest.approx(wanted, abs=1e-6)
    law, j = found.law(item), found.panel.item_ids.index(item)
    assert np.array_equal(found.grid[:, j], law.mode())


def test_a_point_that_needs_an_order_is_a_mode_all_the_same() -> None:
    panel = world().panel
    modes, medians = (calibrate(panel, point=point) for point in (None, "median"))
    for j, item in enumerate(panel.item_ids):
        if panel.scales[item].kind == "nominal":
            assert np.array_equal(modes.grid[:, j], medians.grid[:, j], equal_nan=True)


def test_declared_batteries_do_not_take_indicators_apart() -> None:
    panel = world().panel
    declared = {item: f"b{k // 4}" for k, item in enumerate(panel.item_ids)}
    one, other = (calibrate(p, blocks=declared).grid for p in (panel, recoded(panel)))
    for j, item in enumerate(panel.item_ids):
        if panel.scales[item].kind == "nominal":
            assert np.array_equal([NEW_CODES.get(c, np.nan) for c in one[:, j]], other[:, j], equal_nan=True)


def test_a_calibrator_by_itself_does_not_take_codes_for_numbers() -> None:
    panel = world().panel
    with pytest.raises(ParameterError, match="item 'Q01' is nominal"):
        Ridge().fit(panel)
    assert np.array_equal(calibrate(panel, Ridge()).grid, calibrate(panel, Ridge()).grid, equal_nan=True)

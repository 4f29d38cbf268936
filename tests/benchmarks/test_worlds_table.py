"""Tables of the study of worlds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import world_estimates
import worlds
from truetwin import estimate
from truetwin.datasets import generate_world

SMALL = partial(generate_world, n_respondents=150, n_items=14, n_new_items=3)


def test_every_measure_of_perfect_twins_is_perfect() -> None:
    small = {"perfect": partial(generate_world, "perfect", 60, 14, n_new_items=4)}
    (row,) = worlds.run(replace(worlds.ITEMS, worlds=small, methods=("twin",)), repeats=2)
    assert {name: row.figures[name][0] for name in ("r", "rmse")} == pytest.approx(
        {"r": 1.0, "rmse": 0.0}, abs=1e-9
    )
    assert row.figures["shares"][0] < 0.05  # the law of a twin leaves a little chance to every category


def test_tables_are_put_between_their_marks() -> None:
    page = "a\n<!-- table x -->\nold\n<!-- end x -->\nb"
    assert worlds.put_into_page(page, {"x": "new"}) == "a\n<!-- table x -->\nnew\n<!-- end x -->\nb"


def test_estimates_of_perfect_twins_are_near_the_truth() -> None:
    world = {"perfect": partial(world_estimates.of_world, partial(SMALL, "perfect"))}
    rows = worlds.run_estimates(world, repeats=2)
    nobody, at_random, *_ = (row.figures for row in rows)
    assert [row.method for row in rows] == [world_estimates.NOBODY, *world_estimates.DESIGNS.values()]
    assert nobody["twins"][0] == pytest.approx(0.0, abs=1e-9)
    assert nobody["estimate"][0] < nobody["mean of known"][0]
    assert at_random["estimate"][0] < at_random["alone"][0]


def test_scored_estimates_are_those_of_the_package() -> None:
    world = world_estimates.surveyed("base", "clusters", n_people=120)
    items = world_estimates.Estimated(world).items
    found = estimate(world.panel, statistics=["mean"], clusters="clusters", population=True)
    mean = np.array([each.statistic == "mean" for each in next(iter(items.values())).before.functions])
    assert [(row["estimate"], row["lower"], row["upper"]) for row in found.rows] == [
        pytest.approx((each.before.estimate[mean][0], each.before.lower[mean][0], each.before.upper[mean][0]))
        for each in items.values()
    ]


def test_weights_of_a_surveyed_world_lead_back_to_its_population() -> None:
    world = world_estimates.surveyed("perfect", "weights", n_people=1000)
    (item, *_) = world.everybody
    weights = world.panel.person_numbers("weights")
    assert weights.sum() == pytest.approx(world_estimates.WIDER, rel=0.1)
    assert np.average(world.answers[item], weights=weights) == pytest.approx(
        world.everybody[item].mean(), abs=0.15
    )


def test_tables_of_estimates_have_a_row_for_each_world_and_way_of_drawing() -> None:
    figures = {"estimate": (0.1, 0.01)}
    rows = [worlds.Row("base", who, figures) for who in (world_estimates.NOBODY, "at random", "in clusters")]
    tables = worlds.estimate_tables(rows, 5)
    assert {name: text.count("| base |") for name, text in tables.items()} == {
        "estimates": 1,
        "estimates-with-answers": 2,
    }

"""Tables of the study of worlds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

import worlds
from truetwin.datasets import generate_world


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

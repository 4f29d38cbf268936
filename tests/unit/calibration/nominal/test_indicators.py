"""Indicators in the place of nominal items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recoding import recoded
from truetwin.calibration.base import make_fold
from truetwin.calibration.nominal.indicators import Encoding, column_blocks, in_two, item_of
from truetwin.data import Panel, ResponseMatrix, Target
from truetwin.datasets import generate_world


@pytest.fixture
def panel() -> Panel:
    return generate_world("base", 60, 12, n_new_items=4, kinds=("nominal", "five-point")).panel


def test_a_panel_without_nominal_items_is_itself() -> None:
    panel = generate_world("base", 30, 6, n_new_items=2).panel
    encoding = Encoding.of(panel)
    assert encoding.encoded is panel
    assert encoding.codes == {}
    assert in_two(panel) == (panel, {})


def test_every_category_gets_an_indicator_of_people_and_twins(panel: Panel) -> None:
    encoding = Encoding.of(panel)
    columns = encoding.encoded.item_ids
    assert [item_of(c) for c in columns].count("Q01") == 4
    for k, code in zip(encoding.positions["Q01"], encoding.codes["Q01"], strict=True):
        for values, encoded in (
            (panel.human_values, encoding.encoded.human_values),
            (panel.twin_values, encoding.encoded.twin_values),
        ):
            answers = values[:, panel.item_ids.index("Q01")]
            assert np.array_equal(
                encoded[:, k], np.where(np.isnan(answers), np.nan, answers == code), equal_nan=True
            )


def test_other_codes_give_the_same_indicators(panel: Panel) -> None:
    one, other = Encoding.of(panel).encoded, Encoding.of(recoded(panel)).encoded
    assert one.item_ids == other.item_ids
    assert np.array_equal(one.human_values, other.human_values, equal_nan=True)
    assert np.array_equal(one.twin_values, other.twin_values, equal_nan=True)


def test_categories_come_back_in_the_order_of_the_scale(panel: Panel) -> None:
    encoding = Encoding.of(panel)
    order = encoding.in_order("Q01")
    assert tuple(encoding.codes["Q01"][order]) == panel.scales["Q01"].categories


def test_a_fold_hides_all_indicators_of_its_items_together(panel: Panel) -> None:
    encoding = Encoding.of(panel)
    fold = encoding.fold(make_fold(panel, [Target("item", "Q01"), Target("item", "Q02")]))
    ids = encoding.encoded.item_ids
    assert [item_of(ids[k]) for k in fold.targets] == ["Q01"] * 4 + ["Q02"]
    assert "Q01" not in {item_of(ids[k]) for k in fold.donors}
    assert fold == make_fold(
        encoding.encoded, encoding.targets([Target("item", "Q01"), Target("item", "Q02")])
    )


def test_indicators_are_a_block_of_their_own_whatever_is_declared(panel: Panel) -> None:
    columns = Encoding.of(panel).encoded.item_ids
    declared = dict.fromkeys(panel.item_ids, "all")
    for blocks in (declared, None):
        found = dict(zip(columns, column_blocks(blocks, columns), strict=True))
        own = {block for column, block in found.items() if item_of(column) == "Q01"}
        assert len(own) == 1
        assert own.isdisjoint(block for column, block in found.items() if item_of(column) != "Q01")
    assert dict(zip(columns, column_blocks(declared, columns), strict=True))["Q02"] == "all"


def test_an_item_is_split_at_the_category_that_divides_twins_most_evenly(panel: Panel) -> None:
    split, categories = in_two(panel)
    assert split.item_ids == panel.item_ids
    j = panel.item_ids.index("Q01")
    shares = {c: float(np.mean(panel.twin_values[:, j] == c)) for c in panel.scales["Q01"].categories}
    assert abs(shares[categories["Q01"]] - 0.5) == min(abs(s - 0.5) for s in shares.values())
    assert split.twin_values[:, j].mean() == pytest.approx(shares[categories["Q01"]])


def test_indicators_are_made_of_each_source_and_then_averaged(panel: Panel) -> None:
    other = recoded_source(panel.twin, "Q01", panel.scales["Q01"].categories)
    encoded = Encoding.of(replace(panel, sources={"x": panel.twin, "y": other})).encoded
    assert set(np.unique(encoded.source_values)) >= {0.0, 1.0}
    own = [k for k, column in enumerate(encoded.item_ids) if item_of(column) == "Q01"]
    np.testing.assert_array_equal(encoded.source_values[:, :, own].sum(axis=2), 1.0)
    assert ((encoded.twin_values[:, own] > 0) & (encoded.twin_values[:, own] < 1)).any()


def recoded_source(twin: ResponseMatrix, item: str, codes: tuple[float, ...]) -> ResponseMatrix:
    """Return answers in which each person has the next category of an item."""
    values, j = twin.values.copy(), twin.item_ids.index(item)
    values[:, j] = [codes[(codes.index(v) + 1) % len(codes)] for v in values[:, j]]
    return twin.with_values(values)

"""Shares of people's answers, with weights."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.data.human_marginals import category_shares, human_marginals
from truetwin.errors import DataError


@pytest.fixture
def panel() -> Panel:
    rng = np.random.default_rng(0)
    values = rng.integers(1, 4, (50, 3)).astype(float)
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 2] = np.nan
    items = [Item(f"Q{j}", scale=Scale.ordinal(1, 3)) for j in range(3)]
    rows = [f"r{i}" for i in range(50)]
    return Panel(ResponseMatrix(values, rows, items), ResponseMatrix(np.ones((50, 3)), rows, items))


def test_equal_weights_of_any_size_give_the_plain_counts(panel: Panel) -> None:
    plain = human_marginals(panel)
    assert plain.item_ids == ("Q0", "Q1")
    weighted = human_marginals(panel, weights=np.full(50, 7.5))
    for item in plain.item_ids:
        values = panel.human_values[:, panel.item_ids.index(item)]
        counts = np.array([(values == k).sum() for k in (1, 2, 3)])
        np.testing.assert_allclose(plain.shares([item])[0], counts / counts.sum())
        np.testing.assert_allclose(weighted.shares([item])[0], counts / counts.sum())
        assert plain.by_population["all"][item].base_size == counts.sum()
        assert weighted.by_population["all"][item].base_size == pytest.approx(counts.sum())


def test_whole_number_weights_count_people_several_times(panel: Panel) -> None:
    w = np.random.default_rng(1).integers(0, 4, 50).astype(float)
    values = panel.human_values[:, 0]
    shares, base = category_shares(values, (1, 2, 3), w)
    repeated = np.repeat(values, w.astype(int))
    expected, _ = category_shares(repeated, (1, 2, 3))
    np.testing.assert_allclose(shares, expected)
    assert base <= np.isfinite(values).sum()


def test_a_group_is_counted_alone(panel: Panel) -> None:
    some = np.arange(50) < 20
    found = human_marginals(panel, ["Q0"], people=some, population="young")
    expected, base = category_shares(panel.human_values[:20, 0], (1, 2, 3))
    np.testing.assert_allclose(found.shares(["Q0"])[0], expected)
    assert found.by_population["young"]["Q0"].base_size == base


def test_items_without_categories_and_people_without_weight_are_refused(panel: Panel) -> None:
    with pytest.raises(DataError, match="items with categories; item 'Q0'"):
        human_marginals(panel, ["Q0"], scales={"Q0": Scale.numeric(0, 10)})
    with pytest.raises(DataError, match="nobody has who has a positive weight"):
        human_marginals(panel, weights=np.zeros(50))

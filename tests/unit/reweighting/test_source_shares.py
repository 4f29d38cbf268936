"""Reweighting with several sources of twins."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from truetwin.data import Panel, ResponseMatrix
from truetwin.data.human_marginals import beside_twins, category_shares, twin_category_shares
from truetwin.datasets import generate_world
from truetwin.reweighting import reweight
from truetwin.reweighting.discrepancies import discrepancy
from truetwin.reweighting.helpful_sources import choose_sources
from truetwin.reweighting.marginal_inputs import align
from truetwin.reweighting.panel_shares import left_out_shares
from truetwin.reweighting.twin_table import TwinTable

pytestmark = pytest.mark.slow

CODES = np.array([[0, 1], [1, 1], [1, 0], [0, 0], [1, 1], [1, -1]])
SOURCES = ["x", "x", "x", "y", "y/1", "y/1"]


def table(sources: list[str] = SOURCES, codes: np.ndarray = CODES) -> TwinTable:
    return TwinTable.build(codes, [2, 2], sources=sources)


def test_shares_are_the_mean_over_families_of_each_ones_own() -> None:
    found = table()
    assert found.families == ("x", "y")
    own = found.family_histograms
    np.testing.assert_allclose(own["x"], [[1 / 3, 2 / 3], [1 / 3, 2 / 3]])
    np.testing.assert_allclose(own["y"], [[1 / 3, 2 / 3], [1 / 2, 1 / 2]])
    np.testing.assert_allclose(found.histogram, (own["x"] + own["y"]) / 2)
    np.testing.assert_allclose(found.take([1]).histogram, found.histogram[[1]])


def test_each_family_counts_alike_whatever_its_number_of_twins() -> None:
    assert table().prior[:3].sum() == pytest.approx(0.5)
    replicates = table(["x/0"] * 3 + ["x/1"] * 3)
    assert replicates.families == ()
    assert replicates.prior[:3].sum() == pytest.approx(0.5)


def test_a_selection_of_sources_keeps_items_that_only_others_have_answered() -> None:
    codes = CODES.copy()
    codes[:3, 1] = -1
    part = table(codes=codes).of_families(["x"])
    np.testing.assert_array_equal(part.codes[:3, 0], codes[:3, 0])
    np.testing.assert_array_equal(part.codes[3:, 0], -1)
    np.testing.assert_allclose(part.histogram, [[1 / 3, 2 / 3], [1 / 2, 1 / 2]])


def test_a_thinned_table_has_the_twins_of_one_source_and_the_shares_of_all() -> None:
    whole = table(["x"] * 3 + ["y"] * 3)
    thin = whole.take([1, 0]).thinned()
    assert thin.n_twins == 3
    assert thin.families == ()
    np.testing.assert_array_equal(thin.histogram, whole.histogram[[1, 0]])


def several(panel: Panel, seed: int = 0) -> dict[str, Panel]:
    """Panels with one good source, and with useless ones beside it."""
    twin = panel.twin
    low, high = np.nanmin(twin.values, axis=0), np.nanmax(twin.values, axis=0)
    rng = np.random.default_rng(seed)
    noise = [twin.with_values(rng.integers(low, high + 1, twin.shape).astype(float)) for _ in range(3)]
    inverted = twin.with_values(low + high - twin.values)
    further = {
        "noise": dict(zip("abc", noise, strict=True)),
        "copies of noise": dict.fromkeys("abc", noise[0]),
    }
    sources = {name: {"good": twin, **each} for name, each in further.items()}
    sources |= {"inverted": {"good": twin, "bad": inverted}, "copies": {"good": twin, "copy": twin}}
    return {name: replace(panel, sources=each) for name, each in sources.items()}


@cache
def losses(kind: str | None) -> np.ndarray:
    """How far the predicted shares of each left-out item are from the true ones."""
    panel = generate_world("base", 200, 50, n_new_items=0, random_state=1).panel
    kl, found = discrepancy("kl"), []
    for item, law in left_out_shares(several(panel)[kind] if kind else panel, "new", n_splits=4).items():
        human, _ = category_shares(panel.human_values[:, panel.item_ids.index(item)], law.codes)
        found.append(kl.value(human[None], law.shares[None])[0])
    return np.array(found)


@pytest.mark.parametrize("kind", ["noise", "copies of noise", "inverted", "copies"])
def test_useless_sources_do_not_pull_predicted_shares_down(kind: str) -> None:
    change = losses(kind) - losses(None)
    assert change.mean() <= 2 * change.std() / np.sqrt(change.size) + 1e-9


def test_useless_sources_are_left_out_and_named() -> None:
    panel = generate_world("base", 200, 50, n_new_items=4, random_state=1).panel
    human, twins = beside_twins(several(panel)["noise"])
    result = reweight(twins, human)
    assert any("left out: a, b, c" in note for note in result.notes)
    (fit,) = result.populations
    assert fit.describe()["sources"] == ["good", "a", "b", "c"]
    assert fit.describe()["fit"]["sources"] == ["good"]


def test_sources_that_help_each_other_are_all_used() -> None:
    worlds = [generate_world("good", 300, 60, n_new_items=0, random_state=0).panel]
    twin, rng = worlds[0].twin, np.random.default_rng(2)
    shifts = [rng.integers(-1, 2, twin.shape[1]) for _ in range(2)]
    sources = {str(k): twin.with_values(np.clip(twin.values + s, 1, 5)) for k, s in enumerate(shifts)}
    human, twins = beside_twins(replace(worlds[0], sources=sources))
    aligned = align(twins, human, predict=())
    shares = human.shares(aligned.table.item_ids, width=aligned.table.width)
    folds = [np.arange(k, aligned.table.n_items, 5) for k in range(5)]
    omega = np.ones(aligned.table.n_items)
    assert choose_sources(aligned.table, shares, folds, omega, discrepancy("kl")) == ("0", "1")


def test_further_items_are_predicted_from_the_same_sources() -> None:
    panel = generate_world("base", 100, 30, n_new_items=4, random_state=1).panel
    human, twins = beside_twins(replace(panel, sources={"x": panel.twin, "y": panel.twin}))
    result = reweight(twins, human, method="transition", level=None)
    again = result.predict(twins)
    (shares,) = again.by_population.values()
    for item in panel.new_items:
        expected = [row["share"] for row in result.predictions if row["item_id"] == item]
        np.testing.assert_allclose(shares[item].shares, expected, atol=1e-6)


def test_a_lone_source_by_name_is_the_table_itself() -> None:
    panel = generate_world("base", 100, 30, n_new_items=4, random_state=1).panel
    human, twins = beside_twins(panel)
    plain = reweight(panel.twin.with_items(human.items), human, level=None)
    assert reweight(twins, human, level=None).predictions == plain.predictions


def test_shares_of_twins_are_the_mean_over_sources() -> None:
    people = ["a", "b"]
    human = ResponseMatrix([[1], [2]], people, ["Q1"])
    sources = {"x": human, "y": ResponseMatrix([[2], [2]], people, ["Q1"])}
    assert twin_category_shares(Panel(human, sources), "Q1") == {1.0: 0.25, 2.0: 0.75}

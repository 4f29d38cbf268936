"""Shares of new items of a panel: what they learn from, what they must not see, and few training items."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.datasets import generate_population
from truetwin.datasets.worlds import generate_world
from truetwin.errors import AlignmentError, ParameterError
from truetwin.reweighting import panel_shares
from truetwin.reweighting.panel_shares import left_out_shares, pool_shares
from truetwin.reweighting.panel_table import Categories, twin_quantile_edges
from truetwin.reweighting.share_law import ShareLaw

FIVE = Scale.ordinal(1, 5)


def panel(m: int = 18, n: int = 80, seed: int = 0, *, nominal: int = 0, wide: int = 0) -> Panel:
    """Made-up people and twins who answer too high; batteries of three items, the last ones nominal or wide."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, 1)) + rng.normal(size=(1, m)) + rng.normal(size=(n, m))
    twin = latent + 0.6 + rng.normal(size=(n, m)) * 0.6
    scales = (
        [FIVE] * (m - nominal - wide)
        + [Scale.nominal(range(1, 6))] * nominal
        + [Scale.numeric(0, 100)] * wide
    )
    items = [Item(f"Q{j}", scale=scale, block=f"B{j // 3}") for j, scale in enumerate(scales)]

    def answers(values: np.ndarray) -> np.ndarray:
        five = np.clip(np.round(3 + values), 1, 5)
        hundred = np.clip(np.round(50 + 12 * values), 0, 100)
        return np.where([s.kind == "numeric" for s in scales], hundred, five)

    ids = [f"p{i}" for i in range(n)]
    human = answers(latent)
    human[rng.random(human.shape) < 0.1] = np.nan
    return Panel(ResponseMatrix(human, ids, items), ResponseMatrix(answers(twin), ids, items))


def hiding(full: Panel, items: list[str], *, drop: bool = True, values: np.ndarray | None = None) -> Panel:
    """The panel without people's answers to some items, or with others in their place."""
    human = full.human
    if drop:
        return replace(
            full, human=human.take_items([j for j, i in enumerate(human.item_ids) if i not in items])
        )
    changed = human.values.copy()
    changed[:, [human.item_ids.index(i) for i in items]] = values
    return replace(full, human=ResponseMatrix(changed, human.respondent_ids, human.items))


def truth(full: Panel, item: str) -> np.ndarray:
    answers = full.human_values[:, full.item_ids.index(item)]
    return np.array([(answers == k).sum() for k in FIVE.categories]) / np.isfinite(answers).sum()


@cache
def predicted() -> dict[str, ShareLaw]:
    return pool_shares(hiding(panel(), ["Q0", "Q5", "Q6", "Q7", "Q8"]))


def test_every_new_item_gets_shares_on_its_scale() -> None:
    laws = predicted()
    assert list(laws) == ["Q0", "Q5", "Q6", "Q7", "Q8"]
    for law in laws.values():
        assert law.codes.tolist() == [1, 2, 3, 4, 5]
        assert law.shares.sum() == pytest.approx(1.0)
        assert law.weights.sum() == pytest.approx(1.0)


def test_predictions_are_nearer_to_people_than_twins_are() -> None:
    full = panel()
    twins = full.twin_values
    off, usual = [], []
    for item, law in predicted().items():
        answers = twins[:, full.item_ids.index(item)]
        twin = np.array([(answers == k).mean() for k in FIVE.categories])
        off.append(np.abs(law.shares - truth(full, item)).sum())
        usual.append(np.abs(twin - truth(full, item)).sum())
    assert np.mean(off) < 0.7 * np.mean(usual)


def test_intervals_hold_the_mean_of_people() -> None:
    full = panel()
    for item, law in predicted().items():
        low, high = law.interval(law.codes, 0.95)
        assert low < truth(full, item) @ law.codes < high


def test_items_of_new_batteries_say_so() -> None:
    laws = predicted()
    assert not any("battery" in note for note in laws["Q0"].notes)
    assert any("no item of the battery is known" in note for note in laws["Q6"].notes)


@pytest.mark.parametrize("items", [["Q0", "Q4"], ["Q6", "Q7", "Q8"]], ids=["known", "new"])
def test_answers_to_predicted_items_change_nothing(items: list[str]) -> None:
    full = panel(nominal=2, wide=2)
    scrambled = np.random.default_rng(3).integers(1, 6, size=(80, len(items)))
    other = hiding(full, items, drop=False, values=scrambled)
    for first, second in zip(
        pool_shares(full, items=items).values(), pool_shares(other, items=items).values(), strict=True
    ):
        np.testing.assert_array_equal(first.shares, second.shares)
        np.testing.assert_array_equal(first.weights, second.weights)


@pytest.mark.parametrize("protocol", ["known", "new"])
def test_left_out_items_are_predicted_without_their_answers(protocol: str) -> None:
    full = panel()
    laws = left_out_shares(full, protocol, items=["Q0", "Q1", "Q2"], n_splits=2)  # type: ignore[arg-type]
    scrambled = np.random.default_rng(3).integers(1, 6, size=(80, 1))
    other = left_out_shares(
        hiding(full, ["Q1"], drop=False, values=scrambled),
        protocol,  # type: ignore[arg-type]
        items=["Q0", "Q1", "Q2"],
        n_splits=2,
    )
    np.testing.assert_array_equal(laws["Q1"].shares, other["Q1"].shares)


def test_hidden_batteries_are_hidden_whole() -> None:
    full = panel()
    laws = left_out_shares(full, "new", items=["Q0", "Q3"], n_splits=2)
    alone = pool_shares(hiding(full, ["Q0", "Q1", "Q2"]), items=["Q0"])
    np.testing.assert_allclose(laws["Q0"].shares, alone["Q0"].shares, atol=1e-9)


@pytest.mark.parametrize("n_known", [1, 2, 5, 10])
def test_few_training_items_do_not_fail(n_known: int) -> None:
    full = panel(m=n_known + 2)
    new = [f"Q{n_known}", f"Q{n_known + 1}"]
    laws = pool_shares(hiding(full, new))
    for law in laws.values():
        low, high = law.interval(law.codes)
        assert 1 <= low < high <= 5
        assert (law.shares > 0).all()
    said = " ".join(laws[new[0]].notes)
    assert ("nothing can be learned" in said) == (n_known < 5)


def test_nominal_items_get_shares_but_no_means() -> None:
    full = panel(nominal=9)
    laws = pool_shares(hiding(full, ["Q9", "Q17"]))
    assert not laws["Q17"].ordered
    low, high = laws["Q17"].interval(np.eye(5))
    assert (low <= laws["Q17"].shares).all()
    assert (laws["Q17"].shares <= high).all()


def test_wide_numeric_items_are_binned_by_their_twins() -> None:
    full = panel(wide=6)
    law = pool_shares(hiding(full, ["Q17"]))["Q17"]
    assert law.n_categories == 10
    assert law.edges is not None
    assert (np.diff(law.codes) > 0).all()
    answers = full.human_values[:, 17]
    low, high = law.interval(law.codes, 0.95)
    assert low < np.nanmean(answers) < high


def test_weights_of_people_count() -> None:
    full = panel()
    high = np.nan_to_num(full.human_values[:, :15], nan=3).mean(axis=1)
    weights = np.where(high > np.median(high), 5.0, 0.2)
    plain, weighted = (pool_shares(full, items=["Q16"], weights=w)["Q16"] for w in (None, weights))
    assert weighted.mean_of(weighted.codes) > plain.mean_of(plain.codes) + 0.2
    assert weighted.base < plain.base == 80.0


def test_unknown_items_and_protocols_are_refused() -> None:
    with pytest.raises(AlignmentError, match="'Q99' must be in the panel"):
        pool_shares(panel(), items=["Q99"])
    with pytest.raises(ParameterError, match="'known' or 'new'"):
        left_out_shares(panel(), "other")  # type: ignore[arg-type]


def test_bins_halve_the_widest_gap_where_twins_are_tied() -> None:
    assert twin_quantile_edges(np.full(20, 54.0), 0.0, 100.0, 5).tolist() == [13.5, 27.0, 54.0, 77.0]
    kind = Categories.of(Scale.numeric(0, 100), np.array([10.0, 20.0, np.nan, 30.0]))
    assert kind.size == 10
    assert kind.numbers(np.array([-5.0, np.nan, 200.0])).tolist() == [0, -1, 9]


def test_intervals_hold_where_all_twins_of_a_new_item_gave_one_answer_and_those_of_no_known_item_did() -> (
    None
):
    held, notes = [], []
    for seed in range(2):
        world = generate_world("base", 150, 30, n_new_items=10, random_state=seed)
        twin, values = world.panel.twin, world.panel.twin.values.copy()
        collapsed = list(range(20, 30, 2))
        for j in collapsed:
            codes, counts = np.unique(values[:, j], return_counts=True)
            values[:, j] = codes[counts.argmax()]
        panel = Panel(world.panel.human, ResponseMatrix(values, twin.respondent_ids, twin.items))
        laws = pool_shares(panel)
        for j in collapsed:
            law = laws[panel.item_ids[j]]
            truth = (world.truth.values[:, j][:, None] == law.codes).mean(axis=0)
            low, high = law.interval(law.indicators(), 0.9)
            held.append(((low <= truth) & (truth <= high)).mean())
            notes.append(law.notes)
    assert np.mean(held) >= 0.88
    assert all(any("gave one answer" in note for note in each) for each in notes)


def test_asking_a_panel_the_same_again_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = generate_population(150, 12, n_new_items=2, random_state=3).panel
    first = pool_shares(panel)
    monkeypatch.setattr(panel_shares, "_laws", lambda *_: pytest.fail("computed again"))
    assert pool_shares(panel) == first
    with pytest.raises(pytest.fail.Exception):
        pool_shares(panel, seed=1)

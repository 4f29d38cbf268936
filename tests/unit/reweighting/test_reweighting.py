"""The job as a library user sees it."""

from __future__ import annotations

import numpy as np
import pytest

import truetwin as tt
from truetwin.data import Item, ResponseMatrix, Scale
from truetwin.data.marginals import ItemMarginal, Marginals
from truetwin.errors import AlignmentError, DataError, ParameterError, ScaleError
from truetwin.reweighting import Ensemble, TwinTable, reweight
from truetwin.reweighting.blend import GeometricMean
from truetwin.reweighting.kernel import KernelSoftmax
from truetwin.reweighting.novelty import novelty
from truetwin.reweighting.paper_run import PaperRun
from truetwin.reweighting.transition import WeightsAndTransition

FIVE = Scale.ordinal(1, 5)


def world(
    m: int = 30, n: int = 60, known: int = 24, seed: int = 0
) -> tuple[ResponseMatrix, Marginals, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = np.clip(
        np.round(3 + rng.normal(size=(n, 1)) + rng.normal(size=(1, m)) + rng.normal(size=(n, m))), 1, 5
    )
    twins = ResponseMatrix(values, [f"t{i}" for i in range(n)], [f"Q{j}" for j in range(m)])
    truth = np.array([np.bincount(values[:, j].astype(int) - 1, minlength=5) for j in range(m)], float)
    truth = 0.8 * truth / n + 0.04
    marginals = Marginals.of(ItemMarginal(Item(f"Q{j}", scale=FIVE), truth[j]) for j in range(known))
    return twins, marginals, truth


def test_the_public_name_works() -> None:
    twins, marginals, truth = world()
    result = tt.reweight(twins, marginals, method="transition")
    found = np.array([row["share"] for row in result.predictions]).reshape(-1, 5)
    assert np.abs(found - truth[24:]).sum(axis=1).mean() < 0.1
    assert result.populations[0].describe()["n_training_items"] == 24


def test_every_population_gets_its_own_fit() -> None:
    twins, marginals, truth = world()
    flat = {i: ItemMarginal(m.item, np.full(5, 0.2)) for i, m in marginals.by_population["all"].items()}
    both = Marginals({"real": marginals.by_population["all"], "flat": flat})
    result = reweight(twins, both, method="ensemble", level=None)
    shares = {each.population: each.shares for each in result.populations}
    np.testing.assert_allclose(shares["flat"], 0.2, atol=0.06)
    assert np.abs(shares["real"] - truth[24:]).mean() < 0.03
    assert {row["population"] for row in result.weights} == {"real", "flat"}


def test_predicting_further_answers_equals_predicting_them_at_once() -> None:
    twins, marginals, _ = world()
    for method in ("ensemble", "transition", "ksoft"):
        result = reweight(twins, marginals, method=method)
        order = np.random.default_rng(1).permutation(60)
        later = ResponseMatrix(
            twins.values[order][:, 24:], [f"t{i}" for i in order], [f"Q{j}" for j in range(24, 30)]
        )
        found = result.predict(later).shares([f"Q{j}" for j in range(24, 30)])
        np.testing.assert_allclose(found, result.populations[0].shares, atol=1e-6)


def test_further_answers_need_every_twin() -> None:
    twins, marginals, _ = world()
    result = reweight(twins, marginals, method="mean")
    with pytest.raises(AlignmentError, match="51 twins"):
        result.predict(
            ResponseMatrix(twins.values[:9], [f"t{i}" for i in range(9)], [f"Q{j}" for j in range(30)])
        )


def test_only_the_named_items_are_predicted() -> None:
    twins, marginals, _ = world()
    result = reweight(twins, marginals, method="mean", items=["Q28"])
    assert {row["item_id"] for row in result.predictions} == {"Q28"}
    with pytest.raises(AlignmentError, match="'Q99'"):
        reweight(twins, marginals, method="mean", items=["Q99"])


def test_a_new_item_whose_answers_fit_no_known_scale_needs_a_declaration() -> None:
    twins, marginals, _ = world()
    values = twins.values.copy()
    values[0, 29] = 6
    with pytest.raises(ScaleError, match="'Q29'"):
        reweight(ResponseMatrix(values, twins.respondent_ids, twins.items), marginals, method="mean")


def test_a_new_item_gets_the_most_common_scale_that_fits_and_a_note() -> None:
    twins, marginals, _ = world()
    values = twins.values.copy()
    values[:, 28:] = np.clip(values[:, 28:], 2, 3)
    values[:, 0] = np.clip(values[:, 0], 1, 3)
    three = ItemMarginal(Item("Q0", scale=Scale.ordinal(1, 3)), np.full(3, 1 / 3))
    human = Marginals.of([three, *list(marginals.by_population["all"].values())[1:]])
    declared = [Item(f"Q{j}", scale=FIVE if 23 < j < 29 else None) for j in range(30)]
    result = reweight(ResponseMatrix(values, twins.respondent_ids, declared), human, method="mean")
    assert sum(row["item_id"] == "Q29" for row in result.predictions) == 5
    assert any(n.startswith("scale of new item 'Q29' is inferred") and "1..5" in n for n in result.notes)
    later = ResponseMatrix(values[:, 28:], twins.respondent_ids, ["new", "newer"])
    found = result.predict(later)
    assert found.shares(["new"]).shape == (1, 5)
    assert "scales of 2 new items" in found.notes[1]


def test_few_training_items_get_no_bands_for_all_shares_at_once_and_a_note() -> None:
    twins, marginals, _ = world(known=5)
    result = reweight(twins, marginals, method="mean")
    assert result.predictions[0]["simultaneous_lower"] is None
    assert 0 <= result.predictions[0]["lower"] < result.predictions[0]["share"]
    assert any("bands for all shares of an item" in note for note in result.notes)


def test_bands_of_shares_are_intervals_of_the_laws() -> None:
    twins, marginals, _ = world()
    result = reweight(twins, marginals, level=0.8)
    law = result.laws["all"]["Q24"]
    low, high = law.interval(law.indicators(), 0.8)
    rows = [row for row in result.predictions if row["item_id"] == "Q24"]
    np.testing.assert_allclose([row["lower"] for row in rows], low)
    np.testing.assert_allclose([row["upper"] for row in rows], high)
    assert law.codes.tolist() == [1, 2, 3, 4, 5]


def test_new_items_of_known_and_of_new_groups_are_fitted_apart() -> None:
    twins, marginals, _ = world()
    groups = {f"Q{j}": f"wave {j // 4}" for j in range(28)} | {"Q26": "wave 1", "Q27": "wave 2"}
    result = reweight(twins, marginals, groups=groups)
    assert [[item.id for item in each.new_items] for each in result.populations] == [
        ["Q26", "Q27"],
        ["Q24", "Q25", "Q28", "Q29"],
    ]
    assert len({row["item_id"] for row in result.predictions}) == 6
    plain = reweight(twins, marginals, method="mean", groups=groups)
    assert len(plain.populations) == 1


def test_doing_nothing_competes_and_is_said() -> None:
    twins, _, _ = world()
    exact = np.array([np.bincount(column.astype(int) - 1, minlength=5) for column in twins.values.T]) / 60
    same = Marginals.of(ItemMarginal(Item(f"Q{j}", scale=FIVE), exact[j]) for j in range(24))
    result = reweight(twins, same)
    assert result.populations[0].describe()["method"] == "twins"
    assert any("than the twins' own shares" in note for note in result.notes)
    found = np.array([row["share"] for row in result.predictions]).reshape(-1, 5)
    assert np.abs(found - exact[24:]).max() < 0.03


@pytest.mark.parametrize("known", [2, 4, 5, 10])
def test_few_known_items_are_no_failure(known: int) -> None:
    twins, marginals, _ = world(m=16, known=known)
    result = reweight(twins, marginals)
    found = np.array([row["share"] for row in result.predictions]).reshape(-1, 5)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert any("nothing can be learned" in note for note in result.notes) == (known < 5)


def test_new_items_unlike_the_training_items_are_reported() -> None:
    twins, marginals, _ = world(m=60, known=40)
    values = twins.values.copy()
    values[:, 40:] = 5
    assert not any("unlike" in note for note in reweight(twins, marginals, method="mean").notes)
    odd = ResponseMatrix(values, twins.respondent_ids, twins.items)
    assert any("unlike" in note for note in reweight(odd, marginals, method="mean").notes)


def test_novelty_is_calibrated_on_items_of_the_same_kind() -> None:
    twins, _, _ = world(m=200)
    table = TwinTable.build(twins.values.astype(int) - 1, [5] * 200)
    found = novelty(table.take(np.arange(100)), table.take(np.arange(100, 200)))
    assert 0.3 < found.p_values.mean() < 0.7


def test_prior_weights_are_where_a_fit_without_information_stays() -> None:
    """If every twin answers alike, nothing but the base categories can move."""
    weights = np.array([1.0, 2.0, 3.0, 4.0, 0.0])
    table = TwinTable.build(np.zeros((5, 3), int), [2] * 3, prior=weights)
    assert table.n_twins == 4
    fit = Ensemble(variant="personas-only").fit(table, np.array([[0.7, 0.3]] * 3), {})
    np.testing.assert_allclose(fit.weights, [0.1, 0.2, 0.3, 0.4], atol=1e-9)


def test_more_answerers_than_the_papers_floor_allows_still_learn() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, size=(23_000, 4))
    table = TwinTable.build(codes, [3] * 4)
    human = np.array([[0.6, 0.3, 0.1]] * 4)
    fit = Ensemble().fit(table, human, {})
    np.testing.assert_allclose(fit.predict(table), human, atol=0.02)
    floored = Ensemble(paper=PaperRun(coarser=1000)).fit(table, human, {})
    assert np.abs(floored.predict(table) - human).max() > 0.1


def test_masked_answerers_have_weight_zero_except_in_the_papers_run() -> None:
    twins, _, truth = world()
    table = TwinTable.build(twins.values.astype(int) - 1, [5] * 30)
    exact = Ensemble(variant="personas-only").fit(table, truth, {})
    assert not exact.base_weights.any()
    published = Ensemble(variant="personas-only", paper=PaperRun(coarser=50, revived=True)).fit(
        table, truth, {}
    )
    assert published.base_weights.min() > 1e-5


def test_a_blend_keeps_the_notes_of_its_parts() -> None:
    twins, marginals, _ = world(m=8, known=5)
    result = reweight(
        twins, marginals, method=GeometricMean(WeightsAndTransition(), KernelSoftmax()), level=None
    )
    assert sum("too few for the kernel method" in note for note in result.notes) == 1


def test_groups_must_cover_the_training_items() -> None:
    twins, marginals, _ = world()
    with pytest.raises(DataError, match="'Q1'"):
        reweight(twins, marginals, method="mix", groups={"Q0": "a"})


def test_a_variant_is_for_the_ensemble_only() -> None:
    twins, marginals, _ = world()
    with pytest.raises(ParameterError, match="'ensemble' only"):
        reweight(twins, marginals, method="ksoft", variant="personas-only")

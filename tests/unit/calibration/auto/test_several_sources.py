"""Auto with several sources of twin answers, in generated worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from truetwin.calibration import calibrate
from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.calibration.auto.pseudo_targets import Problem, features_of
from truetwin.calibration.auto.source_choice import SourceMoments, choose_sources, telling_sources
from truetwin.calibration.auto.source_tables import chosen_table, merge_copies
from truetwin.calibration.base import make_fold
from truetwin.calibration.design import Preprocessing
from truetwin.data import Panel, ResponseMatrix, Target
from truetwin.datasets import generate_world
from truetwin.evaluation import evaluate

pytestmark = pytest.mark.slow

PEOPLE, ITEMS = 200, 24
BLOCKS = {f"Q{k + 1:02d}": f"battery{k // 3}" for k in range(ITEMS)}
PROTOCOLS = ("leave-one-item-out", "leave-block-out", "leave-one-respondent-out")


def twins(kind: str, seed: int = 70) -> ResponseMatrix:
    return generate_world(kind, PEOPLE, ITEMS, n_new_items=0, random_state=seed).panel.twin


def with_values(matrix: ResponseMatrix, values: np.ndarray) -> ResponseMatrix:
    return ResponseMatrix(values, matrix.respondent_ids, matrix.items)


def useless(k: int) -> ResponseMatrix:
    """Twins of other people."""
    source = twins("base")
    return with_values(source, np.random.default_rng(k).permutation(source.values))


def inverted(source: ResponseMatrix) -> ResponseMatrix:
    return with_values(source, 6 - source.values)


def panel(sources: Mapping[str, ResponseMatrix]) -> Panel:
    human = generate_world("base", PEOPLE, ITEMS, n_new_items=0, random_state=70).panel.human
    return Panel(human, sources)


def mean(sources: Mapping[str, ResponseMatrix], protocol: str) -> float:
    metric = "centred-pearson" if protocol == "leave-one-respondent-out" else "pearson"
    table = evaluate(panel(sources), ["auto"], protocol, metric=metric, blocks=BLOCKS)
    return float(np.nanmean(table.scores["auto", metric]))


GOOD = twins("good")


@cache
def mean_of_the_good_one(protocol: str) -> float:
    return mean({"good": GOOD}, protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_useless_sources_do_not_pull_a_good_one_down(protocol: str) -> None:
    alone = mean_of_the_good_one(protocol)
    among = mean({"bad/1": useless(1), "good": GOOD, "bad/2": useless(2), "bad/3": useless(3)}, protocol)
    assert among > alone - 0.01


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_inverted_source_does_not_pull_a_good_one_down(protocol: str) -> None:
    alone = mean_of_the_good_one(protocol)
    assert mean({"good": GOOD, "inverted": inverted(twins("base"))}, protocol) > alone - 0.01


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_duplicates_change_nothing(protocol: str) -> None:
    base = twins("base")
    once = mean({"good": GOOD, "base": base}, protocol)
    assert mean({"good": GOOD, "base": base, "base/2": base, "base/3": base}, protocol) == pytest.approx(
        once, abs=1e-9
    )
    assert mean({"good": GOOD, "again": GOOD}, protocol) == pytest.approx(
        mean_of_the_good_one(protocol), abs=1e-9
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_different_good_sources_are_better_than_one(protocol: str) -> None:
    one, other = twins("base"), twins("misaligned")
    both = mean({"one": one, "other": other}, protocol)
    assert both > max(mean({"one": one}, protocol), mean({"other": other}, protocol)) - 0.005


def test_the_order_of_sources_does_not_matter() -> None:
    sources = {"good": GOOD, "base": twins("base"), "bad": useless(1)}
    targets = [Target("item", f"Q{k:02d}") for k in (1, 2, 3)]
    turned = dict(reversed(sources.items()))
    expected, actual = (
        Auto(blocks=BLOCKS).fit(panel(each), targets).predict().values for each in (sources, turned)
    )
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("axis", ["item", "respondent"])
def test_hidden_answers_change_nothing_with_sources(axis: str) -> None:
    """Neither predictions nor errors of a sweep look at the answers to its targets."""
    full = panel({"good": GOOD, "base": twins("base"), "bad": useless(1)})
    ids = full.item_ids[:4] if axis == "item" else full.respondent_ids[:4]
    rng = np.random.default_rng(0)
    for target in ids:
        human = full.human_values.copy()
        here = (
            (slice(None), full.item_ids.index(target))
            if axis == "item"
            else full.respondent_ids.index(target)
        )
        human[here] = np.where(np.isfinite(human[here]), rng.integers(1, 6, human[here].shape), np.nan)
        noisy = replace(full, human=ResponseMatrix(human, full.respondent_ids, full.human.items))
        folds = [[make_fold(each, Target(axis, name)) for name in ids] for each in (full, noisy)]
        model = Auto(blocks=BLOCKS)
        k = ids.index(target)
        expected, actual = (
            model.predict_folds(each, those, Preprocessing())[k].values
            for each, those in zip((full, noisy), folds, strict=True)
        )
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)
        alone = Auto(blocks=BLOCKS).fit(noisy, Target(axis, target)).predict().values
        np.testing.assert_allclose(alone, expected, rtol=0, atol=1e-9)


def test_a_source_may_lack_people_and_items() -> None:
    base = twins("base")
    part = ResponseMatrix(base.values[:150, :20], base.respondent_ids[:150], base.items[:20])
    for protocol in PROTOCOLS:
        assert mean({"good": GOOD, "part": part}, protocol) > mean_of_the_good_one(protocol) - 0.02
    found = Auto().fit(panel({"part": part, "good": GOOD}), Target("item", "Q24")).predict()
    assert np.isfinite(found.values).all()


def test_laws_draws_and_new_cells_work_with_sources() -> None:
    world = generate_world("base", 120, 18, n_new_items=2, n_new_respondents=10, random_state=1)
    other = world.panel.twin.values + np.random.default_rng(0).integers(-1, 2, (120, 18))
    sources = {"one": world.panel.twin, "two": with_values(world.panel.twin, np.clip(other, 1, 5))}
    result = calibrate(Panel(world.panel.human, sources))
    assert np.isfinite(result.grid[-10:]).all()  # new people: known items and new ones
    assert np.isfinite(result.grid[:, -2:]).all()
    for low, high in result.intervals(0.9).values():
        assert (low[np.isfinite(low)] <= high[np.isfinite(high)]).all()
    assert len(list(result.draws(3, seed=0))) == 3


def test_features_are_named_for_every_source() -> None:
    assert features_of("pool", 1)[-2:] == ("level", "own")
    assert features_of("known battery", 3)[-4:] == ("own", "own-1", "own-2", "own-3")
    several = problem_of(3)
    found = Auto(blocks=BLOCKS).fit(
        panel({"a": GOOD, "b": twins("base"), "c": twins("misaligned")}), Target("item", "Q01")
    )
    assert len(found.stack_weights_["Q01"]) == len(features_of("known battery", several.n_sources))


def problem_of(n_sources: int) -> Problem:
    sources = np.stack([twins(kind).values for kind in ("good", "base", "misaligned")[:n_sources]])
    full = panel({"good": GOOD})
    return Problem.of_sources(
        full.human_values, sources, tuple(BLOCKS.values()), full.respondent_ids, full.item_ids
    )


def test_gaps_of_chosen_sources_are_filled_on_their_scale() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (50, 4)), 100 + 10 * rng.normal(0, 1, (50, 4))
    first[:10, 0] = np.nan
    first[:, 3] = np.nan
    table = chosen_table(np.stack([first, second]), [0])
    assert np.isfinite(table).all()
    np.testing.assert_array_equal(table[10:, :3], first[10:, :3])
    assert np.abs(table[:10, 0]).max() < 5  # not a hundred
    np.testing.assert_allclose(table[:, 3], second[:, 3])


def test_copies_are_one_source() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, (2, 50, 4))
    assert len(merge_copies(np.stack([one, other, one]))) == 2
    assert len(merge_copies(np.stack([one, 2 * one + 1]))) == 1


def test_sources_are_dropped_only_if_that_is_clearly_better() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1, (400, 30))
    alike = np.stack([truth + rng.normal(0, 1, truth.shape) for _ in range(3)])
    mixed = np.concatenate([alike[:1], rng.normal(0, 1, (2, *truth.shape))])
    known, block = np.ones(30, dtype=bool), np.arange(30) // 3
    assert choose_sources(SourceMoments.of(alike, truth), known, block) == (0, 1, 2)
    assert choose_sources(SourceMoments.of(mixed, truth), known, block) == (0,)
    few = np.arange(30) < 6  # two batteries show nothing
    assert choose_sources(SourceMoments.of(mixed, truth), few, block) == (0, 1, 2)


def test_sources_that_tell_nothing_by_themselves_are_found() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 1, (400, 30))
    weak = truth + rng.normal(0, 3, truth.shape)
    sources = np.stack([rng.normal(0, 1, truth.shape), truth + rng.normal(0, 1, truth.shape), weak, -truth])
    known, block = np.ones(30, dtype=bool), np.arange(30) // 3
    assert telling_sources(SourceMoments.of(sources, truth), known, block) == (1, 2)
    useless = sources[[0, 3]]
    assert telling_sources(SourceMoments.of(useless, truth), known, block) == (
        0,
        1,
    )  # nothing better is there

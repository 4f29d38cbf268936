from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truetwin.errors import DataError
from truetwin.reweighting import DISCREPANCIES, TwinTable
from truetwin.reweighting.bands import ConformalBands, bands_around, conformal_quantile, fewest_items
from truetwin.reweighting.share_errors import Precision
from truetwin.reweighting.splits import group_folds, random_folds, train_test_splits


@given(st.lists(st.sampled_from("abcdefg"), min_size=4, max_size=60).filter(lambda g: len(set(g)) > 1))
@settings(max_examples=40, deadline=None)
def test_group_folds_cover_every_item_once_and_split_no_group(groups: list[str]) -> None:
    folds = group_folds(groups)
    assert sorted(int(j) for fold in folds for j in fold) == list(range(len(groups)))
    homes = {(groups[j], k) for k, fold in enumerate(folds) for j in fold}
    assert len(homes) == len(set(groups))


def test_random_folds_are_of_nearly_equal_size() -> None:
    assert {fold.size for fold in random_folds(23, 5)} == {4, 5}


def test_group_splits_hide_whole_groups() -> None:
    groups = [str(j // 7) for j in range(100)]
    for train, test in train_test_splits(100, 4, groups=groups):
        assert not {groups[j] for j in train} & {groups[j] for j in test}
        assert sorted([*train, *test]) == list(range(100))
        assert 20 <= test.size <= 27


def test_one_item_cannot_be_split() -> None:
    with pytest.raises(DataError, match="at least 2"):
        random_folds(1)


def test_bands_cover_at_their_level() -> None:
    rng = np.random.default_rng(0)
    kl = DISCREPANCIES["kl"]
    table = TwinTable.build(rng.integers(0, 4, size=(10, 100)), [4] * 100)
    whole, bounds = [], []
    for _ in range(60):
        predicted = rng.dirichlet(np.full(4, 3.0), size=100)
        human = np.array([rng.dirichlet(40 * p + 0.1) for p in predicted])
        bands = ConformalBands.learn(table.take(range(60)), human[:60], predicted[:60], kl, 0.9)
        lower, upper = bands.around(table.take(range(60, 100)), predicted[60:])
        target = human[60:]
        whole.append(((target >= lower) & (target <= upper)).all(axis=1).mean())
        bounds.append((kl.value(target, predicted[60:]) <= bands.discrepancy_bound).mean())
    for found in (whole, bounds):
        assert 0.87 <= np.mean(found) <= 0.93


@pytest.mark.parametrize("by_law", [True, False])
def test_pointwise_bands_cover_at_their_level_and_lie_within_those_for_all_shares(by_law: bool) -> None:
    rng = np.random.default_rng(0)
    table = TwinTable.build(rng.integers(0, 4, size=(10, 100)), [4] * 100)
    hits = []
    for _ in range(20):
        predicted = rng.dirichlet(np.full(4, 3.0), size=100)
        human = np.array([rng.dirichlet(40 * p + 0.1) for p in predicted])
        known, new = table.take(range(60)), table.take(range(60, 100))
        units = [str(j) for j in range(60)]
        precision = Precision.learn(known, human[:60], predicted[:60], units, np.full(60, np.inf))
        conformal = ConformalBands.learn(known, human[:60], predicted[:60], DISCREPANCIES["kl"], 0.9)
        laws = precision.laws(new, predicted[60:])
        ends = bands_around(new, predicted[60:], laws, conformal, 0.9, by_law=by_law)
        hits.append(((human[60:] >= ends.lower) & (human[60:] <= ends.upper)).mean())
        assert (ends.simultaneous_lower <= ends.lower).all()
        assert (ends.upper <= ends.simultaneous_upper).all()
    assert 0.88 <= np.mean(hits) <= 0.95


def test_pointwise_bands_of_any_method_cover_however_wrong_it_is() -> None:
    rng = np.random.default_rng(0)
    table = TwinTable.build(rng.integers(0, 4, size=(10, 100)), [4] * 100)
    hits = []
    for _ in range(20):
        human, predicted = (rng.dirichlet(np.full(4, a), size=100) for a in (3.0, 0.1))  # certain, and wrong
        known, new = table.take(range(60)), table.take(range(60, 100))
        conformal = ConformalBands.learn(known, human[:60], predicted[:60], DISCREPANCIES["kl"], 0.9)
        ends = bands_around(new, predicted[60:], (), conformal, 0.9, by_law=False)
        hits.append(((human[60:] >= ends.lower) & (human[60:] <= ends.upper)).mean())
    assert np.mean(hits) >= 0.88


def test_too_few_items_cannot_support_a_level() -> None:
    assert fewest_items(0.9) == 9
    assert conformal_quantile(np.arange(8.0), 0.9) == np.inf
    assert conformal_quantile(np.arange(9.0), 0.9) == 8.0


def test_with_many_batteries_the_law_is_no_wider_than_conformal_intervals() -> None:
    rng = np.random.default_rng(0)
    table = TwinTable.build(rng.integers(0, 4, size=(10, 120)), [4] * 120)
    predicted = rng.dirichlet(np.full(4, 6.0), size=120)
    human = np.array([rng.dirichlet(20 * p) for p in predicted])
    found = {
        n: Precision.learn(
            table.take(range(n)), human[:n], predicted[:n], [str(j) for j in range(n)], np.full(n, np.inf)
        )
        for n in (8, 120)
    }
    half = {}
    for n, precision in found.items():
        law = precision.laws(table, np.full((120, 4), 0.25))[0]
        low, high = law.interval(law.codes, 0.9)
        half[n] = float(high - low) / 2
    errors = np.abs((human - predicted) @ np.arange(4)) / 3
    assert half[120] < 1.2 * conformal_quantile(errors, 0.9)
    assert half[8] > half[120]

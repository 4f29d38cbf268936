"""What every registered method for marginals must do."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from truetwin.reweighting import MARGINAL_METHODS, TwinTable, marginal_method
from truetwin.reweighting.splits import random_folds

NAMES = list(MARGINAL_METHODS)
WORDS = ("red", "green", "blue", "police", "school", "money", "health", "war")


def world(seed: int = 0, *, missing: float = 0.0, mixed: bool = False) -> tuple[TwinTable, np.ndarray]:
    """Made-up twins and humans: humans answer one category lower than their twins about half of the time."""
    rng = np.random.default_rng(seed)
    n, m = 80, 36
    sizes = np.where(np.arange(m) % 3 == 0, 3, 4) if mixed else np.full(m, 4)
    taste, level = rng.normal(size=(n, 1)), rng.normal(size=(1, m))
    latent = np.floor(sizes / 2 + taste * 0.8 + level + rng.normal(size=(n, m)) * 0.5)
    answers = np.clip(latent, 0, sizes - 1).astype(int)
    human = np.zeros((m, 4))
    for j in range(m):
        shares = np.bincount(answers[:, j], minlength=4) / n
        human[j] = 0.5 * shares + 0.4 * np.append(shares[1:], 0.0)
        human[j, 0] += 0.4 * shares[0]
        human[j, : sizes[j]] += 0.1 / sizes[j]
    answers[rng.random((n, m)) < missing] = -1
    texts = [f"{WORDS[j % 8]} {WORDS[(j // 8) % 8]} item {j}" for j in range(m)]
    table = TwinTable.build(answers, sizes, prior=rng.uniform(0.5, 2, size=n), texts=texts)
    return table, human / human.sum(axis=1, keepdims=True)


def fit_predict(
    name: str, table: TwinTable, human: np.ndarray, train: np.ndarray, test: np.ndarray
) -> np.ndarray:
    model = marginal_method(name)
    known = table.take(train)
    chosen = model.cross_validate(known, human[train], random_folds(train.size, 3))
    return model.fit(known, human[train], chosen.setting).predict(table.take(test))


TRAIN, TEST = np.arange(26), np.arange(26, 36)


@cache
def usual(name: str) -> np.ndarray:
    """What a method predicts in the made-up world; several tests compare with it."""
    predicted = fit_predict(name, *world(), TRAIN, TEST)
    predicted.setflags(write=False)
    return predicted


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("missing", "mixed"), [(0.0, False), (0.2, True)])
def test_predictions_are_shares_on_each_items_scale(name: str, missing: float, mixed: bool) -> None:
    table, human = world(missing=missing, mixed=mixed)
    predicted = fit_predict(name, table, human, TRAIN, TEST)
    np.testing.assert_allclose(predicted.sum(axis=1), 1.0, atol=1e-9)
    assert (predicted >= 0).all()
    assert (predicted[~table.take(TEST).valid()] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_hidden_marginals_change_nothing(name: str) -> None:
    table, human = world()
    scrambled = human.copy()
    scrambled[TEST] = np.random.default_rng(1).dirichlet(np.ones(4), size=TEST.size)
    np.testing.assert_array_equal(usual(name), fit_predict(name, table, scrambled, TRAIN, TEST))


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_not_changed_and_the_result_repeats(name: str) -> None:
    table, human = world()
    codes, before = table.codes.copy(), human.copy()
    np.testing.assert_array_equal(fit_predict(name, table, human, TRAIN, TEST), usual(name))
    np.testing.assert_array_equal(table.codes, codes)
    np.testing.assert_array_equal(human, before)


@pytest.mark.parametrize("name", NAMES)
def test_out_of_fold_predictions_do_not_see_their_own_item(name: str) -> None:
    table, human = world()
    model = marginal_method(name)
    known = table.take(TRAIN)
    folds = random_folds(TRAIN.size, 3)
    setting = model.cross_validate(known, human[TRAIN], folds).setting
    fold = folds[0]
    rest = np.setdiff1d(np.arange(TRAIN.size), fold)
    scrambled = human[TRAIN].copy()
    scrambled[fold] = 0.25
    first, second = (
        model.fit(known.take(rest), each[rest], setting).predict(known.take(fold))
        for each in (human[TRAIN], scrambled)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("twins",)])
def test_learning_beats_uncalibrated_twins(name: str) -> None:
    table, human = world()
    kl = lambda q: float(np.sum(human[TEST] * np.log(human[TEST] / np.maximum(q, 1e-6))))  # noqa: E731
    assert kl(usual(name)) < kl(table.take(TEST).histogram)


@pytest.mark.parametrize("name", ["ensemble", "transition", "weights+transition", "ksoft", "auto"])
def test_the_order_of_twins_does_not_matter(name: str) -> None:
    table, human = world()
    order = np.random.default_rng(3).permutation(table.n_twins)
    turned = TwinTable.build(
        table.codes[order], table.n_categories, prior=table.prior[order], texts=table.texts
    )
    np.testing.assert_allclose(fit_predict(name, turned, human, TRAIN, TEST), usual(name), atol=2e-3)

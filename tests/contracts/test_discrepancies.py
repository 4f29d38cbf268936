"""What every registered discrepancy must do."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.errors import ScaleError, UnknownNameError
from truetwin.reweighting import DISCREPANCIES, Ensemble, TwinTable, discrepancy

NAMES = list(DISCREPANCIES)


def shares(seed: int, m: int = 6, k: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(k), size=m)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_equals_finite_differences(name: str) -> None:
    measure = DISCREPANCIES[name]
    human, predicted = shares(0), 0.97 * shares(1)  # away from the kink at F = G = 1
    for smoothing in (*measure.smoothings, 0.0):
        step = 1e-7
        _, slope = measure.fit_loss(human, predicted, smoothing)
        for k in range(human.shape[1]):
            nudge = np.zeros(human.shape[1])
            nudge[k] = step
            up = measure.fit_loss(human, predicted + nudge, smoothing)[0]
            down = measure.fit_loss(human, predicted - nudge, smoothing)[0]
            np.testing.assert_allclose(slope[:, k], (up - down) / (2 * step), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_fit_loss_without_smoothing_is_the_value_where_no_clip_acts(name: str) -> None:
    measure = DISCREPANCIES[name]
    human, predicted = shares(2), shares(3)
    np.testing.assert_allclose(
        measure.fit_loss(human, predicted, 0.0)[0], measure.value(human, predicted), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_smoothed_surrogate_lies_below_the_value(name: str) -> None:
    measure = DISCREPANCIES[name]
    human, predicted = shares(4), shares(5)
    for smoothing in measure.smoothings:
        loss = measure.fit_loss(human, predicted, smoothing)[0]
        assert (loss <= measure.value(human, predicted) + 1e-12).all()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_minimised_is_convex_even_where_the_clip_acts(name: str) -> None:
    measure = DISCREPANCIES[name]
    human = shares(6)
    rng = np.random.default_rng(7)
    for _ in range(20):
        ends = rng.dirichlet(np.full(5, 0.05), size=(2, 6))
        middle = measure.fit_loss(human, ends.mean(axis=0), measure.smoothings[-1])[0]
        mean = np.mean([measure.fit_loss(human, end, measure.smoothings[-1])[0] for end in ends], axis=0)
        assert (middle <= mean + 1e-9 * np.abs(mean) + 1e-12).all()


@pytest.mark.parametrize("name", NAMES)
def test_value_is_zero_for_equal_and_positive_for_unequal_shares(name: str) -> None:
    measure = DISCREPANCIES[name]
    human = shares(8)
    np.testing.assert_allclose(measure.value(human, human), 0.0, atol=1e-12)
    assert (measure.value(human, shares(9)) > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_cells_beyond_an_items_categories_change_nothing(name: str) -> None:
    measure = DISCREPANCIES[name]
    human, predicted = shares(10), shares(11)
    padding = np.zeros((6, 3))
    np.testing.assert_allclose(
        measure.value(np.hstack([human, padding]), np.hstack([predicted, padding])),
        measure.value(human, predicted),
        atol=1e-9,
    )


@pytest.mark.parametrize("name", NAMES)
def test_only_nominal_items_refuse_cumulative_shares(name: str) -> None:
    measure = DISCREPANCIES[name]
    codes = np.random.default_rng(0).integers(0, 3, size=(20, 2))
    table = TwinTable.build(codes, [3, 3], item_ids=["colour", "age"], ordered=[False, True])
    human = shares(0, m=2, k=3)
    if not measure.ordered:
        assert Ensemble(discrepancy=name).fit(table, human, {}).solution.converged
        return
    with pytest.raises(ScaleError, match="'colour' is nominal"):
        Ensemble(discrepancy=name).fit(table, human, {})


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'hellinger'"):
        discrepancy("helinger")

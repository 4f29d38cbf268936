"""Laws of items with categories, and their tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from truetwin.calibration.laws.category_law import CategoryLaw, limited, table_with_means
from truetwin.calibration.laws.category_tables import tilted
from truetwin.errors import ParameterError

CODES = np.arange(1.0, 6.0)


def table(n: int = 200, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(5, 0.7), n)


def law(rows: np.ndarray, ordered: bool = True) -> CategoryLaw:
    return CategoryLaw("Q1", tuple(map(str, range(len(rows)))), None, {}, CODES, rows, ordered)


def test_rows_are_tilted_to_their_means_and_stay_as_close_as_can_be() -> None:
    means = np.random.default_rng(1).uniform(1.1, 4.9, 200)
    found = table_with_means(table(), CODES, means)
    np.testing.assert_allclose(found @ CODES, means, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(tilted(found, CODES, found @ CODES)[0], found, atol=1e-9)
    ratio = np.log(found / table())
    second = ratio[:, 2:] - 2 * ratio[:, 1:-1] + ratio[:, :-2]
    np.testing.assert_allclose(second, 0.0, atol=1e-6)


def test_means_beyond_the_scale_keep_a_little_room() -> None:
    rows = table_with_means(table(3), CODES, np.array([-3.0, np.nan, 9.0]))
    np.testing.assert_allclose((rows @ CODES)[[0, 2]], limited(np.array([-3.0, 9.0]), CODES))
    assert np.isnan(rows[1]).all()
    assert (rows[[0, 2]] > 0).all()


def test_shares_are_reached_and_points_keep_their_order() -> None:
    old, wanted = law(table()), np.array([0.1, 0.15, 0.2, 0.3, 0.25])
    for weights in (None, np.random.default_rng(2).uniform(0.2, 3, 200)):
        new = old.with_shares(wanted, weights)
        np.testing.assert_allclose(new.shares(weights), wanted, atol=1e-8)
        shift = new.mean() - old.mean()
        inside = (new.mean() > 1.01) & (new.mean() < 4.99)
        np.testing.assert_allclose(shift[inside], shift[inside][0], atol=1e-6)
    again = new.with_shares(wanted, weights)
    np.testing.assert_allclose(again.table, new.table, atol=1e-6)


@pytest.mark.parametrize("wanted", [[1, 0, 0, 0, 0], [0.5, 0, 0, 0, 0.5], [0.2, 0.2, 0.2, 0.2, 0.2]])
def test_extreme_shares_are_reached_nearly(wanted: list[float]) -> None:
    np.testing.assert_allclose(law(table(400)).with_shares(wanted).shares(), wanted, atol=1e-3)


def test_shares_of_a_nominal_item_need_no_order() -> None:
    wanted = np.array([0.4, 0.3, 0.1, 0.1, 0.1])
    new = law(table(), ordered=False).with_shares(wanted)
    np.testing.assert_allclose(new.shares(), wanted, atol=1e-8)


@pytest.mark.parametrize("wrong", [[0.5, 0.5], [1, 1, 1, 1, -1], [0, 0, 0, 0, 0], [1, 1, 1, 1, np.nan]])
def test_wrong_shares_are_refused(wrong: list[float]) -> None:
    with pytest.raises(ParameterError, match="shares"):
        law(table()).with_shares(wrong)


def test_wrong_weights_are_refused() -> None:
    with pytest.raises(ParameterError, match="one weight a respondent"):
        law(table()).shares(np.ones(3))
    with pytest.raises(ParameterError, match="must be >= 0"):
        law(table()).shares(np.full(200, -1.0))


def test_quantiles_have_the_probabilities() -> None:
    some = law(table(5))
    u = np.linspace(0.0005, 0.9995, 1000)
    drawn = np.array([some.quantile(each) for each in u])
    for k, code in enumerate(CODES):
        np.testing.assert_allclose((drawn == code).mean(axis=0), some.probabilities()[:, k], atol=2e-3)


def test_intervals_hold_what_they_say_on_average_and_enclose_the_points() -> None:
    new = law(np.random.default_rng(3).dirichlet(np.full(5, 2.0), 4000))
    for some, most in ((replace(new, known=True), 0.801), (new, 0.87)):
        low, high = some.interval(0.8)
        inside = (low[:, None] <= CODES) & (high[:, None] >= CODES)
        assert 0.8 <= (some.table * inside).sum(axis=1).mean() <= most
    for point in (some.mean(), some.median()):
        assert ((low <= point) & (point <= high)).all()
    assert (some.interval(0.95)[1] >= high).all()


def test_a_nominal_item_has_no_mean_and_says_so() -> None:
    for ask in ("mean", "sd", "median", "interval"):
        with pytest.raises(ParameterError, match="its categories have no order"):
            getattr(law(table(), ordered=False), ask)()
    assert set(law(table(), ordered=False).mode()) <= set(CODES)


def test_one_category_is_certain() -> None:
    one = CategoryLaw("Q1", ("a",), None, {}, np.array([3.0]), np.ones((1, 1)), True)
    assert (one.mean()[0], one.mode()[0], one.interval()[0][0], one.sd()[0]) == (3.0, 3.0, 3.0, 0.0)
    assert one.with_shares([1.0]).mean()[0] == 3.0


def test_shifted_points_of_a_person_are_never_certain() -> None:
    rows = table_with_means(table(50), CODES, np.random.default_rng(1).uniform(1.0, 2.0, 50))
    found = law(rows).with_shares([0.9, 0.04, 0.03, 0.02, 0.01])
    assert found.probabilities().max() < 0.999
    assert found.probabilities().min() > 0

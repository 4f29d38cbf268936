"""Laws of shares: means, intervals, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.errors import ParameterError
from truetwin.reweighting.share_law import ShareLaw, interval_of

CODES = np.array([1.0, 2.0, 3.0, 4.0])
SHARES = np.array([0.1, 0.2, 0.3, 0.4])


def law(**changes: object) -> ShareLaw:
    return ShareLaw(**({"item": "Q1", "codes": CODES, "shares": SHARES} | changes))  # type: ignore[arg-type]


def test_the_interval_holds_the_expected_mean() -> None:
    low, high = law().interval(CODES, 0.9)
    assert 1.0 < low < law().mean_of(CODES) < high < 4.0


def test_intervals_move_with_the_function() -> None:
    low, high = law().interval(CODES)
    moved_low, moved_high = law().interval(10.0 - 2.0 * CODES)
    np.testing.assert_allclose([moved_low, moved_high], [10 - 2 * high, 10 - 2 * low], atol=1e-8)


def test_more_certain_weights_give_narrower_intervals() -> None:
    widths = []
    for place in range(6):
        low, high = law(weights=np.eye(6)[place]).interval([0, 0, 0, 1])
        widths.append(float(high - low))
    assert widths == sorted(widths, reverse=True)


def test_the_wider_population_adds_the_sampling_error_of_the_people() -> None:
    few = law(base=20.0)
    narrow, wide = (np.diff(few.interval(CODES, population=p))[0] for p in (False, True))
    assert wide > narrow
    everybody = law()
    assert np.diff(everybody.interval(CODES, population=True)) == pytest.approx(
        np.diff(everybody.interval(CODES))
    )


def test_a_constant_function_is_known() -> None:
    low, high = law().interval([2.0, 2.0, 2.0, 2.0])
    assert (float(low), float(high)) == (2.0, 2.0)


def test_many_intervals_at_once_equal_one_at_a_time() -> None:
    laws = [law(), law(shares=SHARES[::-1].copy(), weights=np.eye(6)[1])]
    together = interval_of(laws, [np.eye(4), CODES], 0.8)
    for one, values, expected in zip(laws, [np.eye(4), CODES], together, strict=True):
        np.testing.assert_allclose(one.interval(values, 0.8), expected)
    assert together[0][0].shape == (4,)
    assert together[1][0].shape == ()


def test_a_function_of_other_categories_is_refused() -> None:
    with pytest.raises(ParameterError, match="'Q1' needs one finite value for each of its 4 categories"):
        law().mean_of([1.0, 2.0])
    with pytest.raises(ParameterError, match="between 0 and 1"):
        law().interval(CODES, 1.0)


def test_a_single_share_is_known_better_than_a_top_box() -> None:
    known = law(weights=np.eye(6)[0], share_weights=np.eye(6)[5])
    single, all_but_one, top_two = known.weights_of([[0, 1, 0, 0], [1, 0, 1, 1], [0, 0, 1, 1]])
    np.testing.assert_allclose(top_two, known.weights)
    np.testing.assert_allclose(single, all_but_one)
    assert single[5] > 0.5

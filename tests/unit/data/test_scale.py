"""Scales."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truetwin.data import Scale
from truetwin.errors import ParameterError, ScaleError

SCALES = st.one_of(
    st.builds(lambda low, n: Scale.ordinal(low, low + n), st.integers(-5, 5), st.integers(0, 12)),
    st.builds(lambda n: Scale.ordinal(0.5, 0.5 + n / 2, 0.5), st.integers(0, 12)),
    st.builds(Scale.nominal, st.sets(st.integers(-20, 20), min_size=1, max_size=9)),
    st.builds(lambda low, n: Scale.numeric(low, low + n), st.integers(-5, 5), st.integers(0, 100)),
    st.builds(lambda n: Scale.numeric(0, 5 * n, 5), st.integers(1, 20)),
)
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


@given(SCALES, NUMBERS)
def test_snapping_lands_on_the_scale_and_stays_there(scale: Scale, values: list[float]) -> None:
    snapped = scale.snap(values)
    assert scale.on_scale(snapped).all()
    np.testing.assert_array_equal(scale.snap(snapped), snapped)


@given(SCALES, NUMBERS)
def test_snapping_takes_the_nearest_category(scale: Scale, values: list[float]) -> None:
    if scale.kind == "numeric":
        return
    codes = np.asarray(scale.categories)
    nearest = np.abs(np.asarray(values)[:, None] - codes).min(axis=1)
    np.testing.assert_allclose(np.abs(scale.snap(values) - values), nearest, atol=1e-9)


def test_missing_stays_missing() -> None:
    for scale in (Scale.ordinal(1, 5), Scale.nominal([1, 2]), Scale.numeric(0, 1)):
        assert np.isnan(scale.snap([np.nan])).all()
        assert np.isnan(scale.clip([np.nan])).all()
        assert not scale.on_scale([np.nan]).any()


def test_off_scale_codes_are_no_answers() -> None:
    scale = Scale.ordinal(1, 4, off_scale={99: "refused"})
    assert scale.on_scale([1, 99]).tolist() == [True, False]
    assert scale.is_off_scale_code([1, 99]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 5], "ordinal 1..5"),
        ([0.5, 3.0, 4.5], "ordinal 0.5..4.5 by 0.5"),
        ([0, 40, 100], "numeric 0..100"),
        ([0.1, 0.73], "numeric 0.1..0.73"),
        ([np.nan], "numeric"),
    ],
)
def test_scales_are_inferred_from_answers(values: list[float], expected: str) -> None:
    scale = Scale.infer(np.array(values, dtype=float))
    assert scale.describe() == expected
    assert scale.inferred


def test_an_answer_off_the_scale_is_named() -> None:
    with pytest.raises(
        ScaleError, match=r"answer 7 .* 'Q1' \(ordinal 1..5\); first at respondent 'b' \(1 more\)"
    ):
        Scale.ordinal(1, 5).check(np.array([1.0, 7.0, 8.0]), item_id="Q1", respondent_ids=["a", "b", "c"])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Scale.ordinal(5, 1),
        lambda: Scale.ordinal(1, 4, 2),
        lambda: Scale.ordinal(1, np.inf),
        lambda: Scale.nominal([]),
        lambda: Scale.nominal([1, 1]),
        lambda: Scale.nominal([1, 2], off_scale={2: "refused"}),
        lambda: Scale.numeric(0, 1, step=-1),
        lambda: Scale("rank", (1.0,)),  # type: ignore[arg-type]
    ],
)
def test_scales_that_contradict_themselves_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ParameterError):
        make()

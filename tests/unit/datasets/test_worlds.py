"""Worlds with known truth."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.datasets.worlds import KINDS, TWINS, generate_world
from truetwin.errors import ParameterError


@pytest.mark.parametrize("twins", TWINS)
def test_the_same_seed_has_the_same_people_whatever_the_twins(twins: str) -> None:
    base, other = (generate_world(t, 40, 12, n_new_items=3, random_state=7) for t in ("base", twins))
    if twins != "nostruct":
        assert np.array_equal(base.truth.values, other.truth.values)
        assert np.array_equal(base.panel.human.values, other.panel.human.values, equal_nan=True)
    assert other.panel.new_items == ("Q10", "Q11", "Q12")


def test_twins_are_as_good_as_their_kind_says() -> None:
    def agreement(twins: str) -> float:
        world = generate_world(twins, 400, 20, n_new_items=0)
        pairs = zip(world.truth.values.T, world.panel.twin_values.T, strict=True)
        return float(np.mean([np.corrcoef(y, t)[0, 1] for y, t in pairs]))

    found = {twins: agreement(twins) for twins in TWINS}
    assert found["perfect"] == pytest.approx(1.0)
    assert abs(found["noise"]) < 0.05
    assert found["noise"] < found["inverted"] < found["base"] < found["misaligned"] < found["good"] < 1


def test_answers_are_on_the_declared_scales() -> None:
    world = generate_world("base", 60, 12, n_new_items=6, kinds=KINDS)
    assert {scale.kind for scale in world.panel.scales.values()} == {"ordinal", "numeric", "nominal"}
    for j, scale in enumerate(world.panel.scales.values()):
        assert scale.on_scale(world.truth.values[:, j]).all()


def test_gaps_are_at_random_or_follow_opinions() -> None:
    some, informative = (
        generate_world("base", 400, 10, n_new_items=2, missing=m) for m in (0.3, "informative")
    )
    assert np.isnan(some.panel.human.values).mean() == pytest.approx(0.3, abs=0.03)
    answered = np.isfinite(informative.panel.human.values)
    opinions = informative.opinions[:, :8]
    assert opinions[answered].mean() > 0.3 > opinions[~answered].mean() + 0.3


def test_new_people_have_no_answers_in_the_panel() -> None:
    world = generate_world("good", 50, 8, n_new_items=0, n_new_respondents=20)
    assert world.panel.new_respondents == world.panel.respondent_ids[-20:]
    assert np.isfinite(world.truth.values).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"twins": "bad"}, "twins must be one of noise"),
        ({"kinds": ("likert",)}, "kinds must be some of five-point"),
        ({"missing": 1.0}, "missing must be a share"),
        ({"n_new_items": 40}, "a world needs"),
    ],
)
def test_settings_that_make_no_world_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        generate_world(**wrong)

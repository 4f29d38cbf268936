"""Declared scales of which nobody uses more than half."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.instrument.suspicious_answers import unused_scales


def panel(scale: Scale | None, n_items: int = 4) -> Panel:
    answers = np.random.default_rng(0).integers(1, 6, (30, n_items)).astype(float)
    people = [f"p{k}" for k in range(30)]
    items = [Item(f"Q{k}", scale=scale) if scale else Item(f"Q{k}") for k in range(n_items)]
    return Panel(ResponseMatrix(answers, people, items), ResponseMatrix(answers[::-1], people, items))


def test_a_scale_of_which_only_half_is_used_is_asked_about() -> None:
    (text,) = unused_scales(panel(Scale.ordinal(0, 10)))
    assert text.startswith("4 items are declared as 0..10, and all answers")
    assert "lie within 1..5" in text


@pytest.mark.parametrize("sound", [panel(Scale.ordinal(1, 5)), panel(None), panel(Scale.ordinal(0, 10), 3)])
def test_scales_that_are_used_or_not_declared_or_of_few_items_are_not(sound: Panel) -> None:
    assert unused_scales(sound) == []

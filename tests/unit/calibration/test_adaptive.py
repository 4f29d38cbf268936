"""Adaptive transfer."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.adaptive import AdaptiveRidge
from truetwin.calibration.transfer import Ridge
from truetwin.data import Target
from truetwin.datasets import generate_population
from truetwin.errors import ParameterError


def test_threshold_zero_is_the_twin_and_infinity_is_the_transfer() -> None:
    panel = generate_population(80, 10, n_new_items=2, random_state=1).panel
    never = AdaptiveRidge(threshold=0.0).fit(panel).predict().values
    always = AdaptiveRidge(threshold=float("inf")).fit(panel).predict().values
    position = [panel.item_ids.index(i) for i in panel.new_items]
    np.testing.assert_allclose(never, panel.twin_values[:, position], atol=1e-9)
    np.testing.assert_allclose(always, Ridge().fit(panel).predict().values, atol=1e-12)


def test_threshold_is_learned_without_the_targets_block() -> None:
    panel = generate_population(80, 12, n_new_items=0, random_state=1).panel
    blocks = {i: f"b{k // 3}" for k, i in enumerate(panel.item_ids)}
    model = AdaptiveRidge(blocks=blocks).fit(panel, Target("item", panel.item_ids[0]))
    assert model.thresholds_.shape == (1,)
    assert model.thresholds_[0] >= 0
    assert model.errors_[0] > 0


def test_negative_threshold_is_refused() -> None:
    with pytest.raises(ParameterError, match="threshold"):
        AdaptiveRidge(threshold=-1.0).fit(generate_population(30, 5, n_new_items=1).panel)

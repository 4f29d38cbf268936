"""Adaptive transfer."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.calibration.base import make_fold
from truetwin.calibration.design import Preprocessing, make_designs
from truetwin.calibration.paper.adaptive_transfer import AdaptiveRidge, _best_threshold, _Filling
from truetwin.calibration.paper.fit_and_transfer import Ridge
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


def test_threshold_falls_back_on_the_twin_where_gains_do_not_carry_over() -> None:
    error, group = np.arange(6.0), np.array(list("aabbcc"))
    assert _best_threshold(error, np.full(6, -0.1), group) == 0.0
    assert _best_threshold(error, np.array([0.3, 0.3, 0.0, 0.0, -0.2, -0.1]), group) == 0.0  # one block only
    assert (
        _best_threshold(error, np.array([0.3, 0.3, 0.3, 0.3, -0.2, -0.1]), group) == 1.5
    )  # the second adds too little
    assert _best_threshold(error, np.array([0.1, 0.0, 0.1, 0.1, 0.1, 0.1]), np.array(list("abcdef"))) == 4.5


def test_threshold_is_learned_without_answers_that_completion_has_spread() -> None:
    panel = generate_population(80, 12, n_new_items=1, missing=0.3, random_state=1).panel
    (design,) = make_designs(panel, [make_fold(panel, None)], Preprocessing())
    filling = _Filling(design)
    before = filling.without(np.array([2]))[:, 5]
    filling.answers = filling.answers.copy()
    filling.answers[:, 2] = 3.0
    np.testing.assert_array_equal(before, filling.without(np.array([2]))[:, 5])


def test_threshold_of_a_known_battery_is_learned_on_items_whose_siblings_stay() -> None:
    panel = generate_population(80, 12, n_new_items=0, random_state=1).panel
    blocks = {i: f"b{k // 3}" for k, i in enumerate(panel.item_ids)}
    known = AdaptiveRidge(blocks=blocks).fit(panel, Target("item", panel.item_ids[0]))
    alone = AdaptiveRidge(blocks={i: i for i in panel.item_ids}).fit(panel, Target("item", panel.item_ids[0]))
    assert known.thresholds_[0] == alone.thresholds_[0]

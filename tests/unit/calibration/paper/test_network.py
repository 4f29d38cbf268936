"""The paper's neural network, many targets side by side."""

from __future__ import annotations

import numpy as np

from truetwin.calibration.base import make_fold
from truetwin.calibration.design import Preprocessing, make_designs
from truetwin.calibration.paper.network import NeuralNet, _alike
from truetwin.data import Panel, ResponseMatrix, Target
from truetwin.datasets import generate_population


def test_a_bend_that_no_linear_model_has_is_learned_on_twins_and_applied_to_humans() -> None:
    rng = np.random.default_rng(0)
    human, twin = rng.standard_normal((2, 400, 3)) * 2
    twin[:, 2], truth = np.abs(twin[:, 0]), np.abs(human[:, 0])
    human[:, 2] = np.nan
    rows, columns = [f"r{i:03d}" for i in range(400)], ["Q1", "Q2", "Q3"]
    panel = Panel(ResponseMatrix(human, rows, columns), ResponseMatrix(twin, rows, columns))
    found = NeuralNet(hidden=(16,), weight_decay=0.0, epochs=200).fit(panel).predict().values[:, 0]
    assert np.corrcoef(found, truth)[0, 1] > 0.9


def test_the_seed_decides() -> None:
    panel = generate_population(40, 8, n_new_items=1, random_state=2).panel
    one, same, other = (
        NeuralNet(epochs=5, random_state=seed).fit(panel).predict().values for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_folds_of_equal_shape_are_trained_together_and_predicted_as_alone() -> None:
    panel = generate_population(40, 8, n_new_items=0, random_state=2).panel
    folds = [
        make_fold(panel, Target("item", "Q1")),
        make_fold(panel, [Target("item", "Q2"), Target("item", "Q3")]),
        make_fold(panel, Target("item", "Q4")),
    ]
    designs = make_designs(panel, folds, Preprocessing())
    assert _alike(designs) == [[(0, 0), (2, 0)], [(1, 0), (1, 1)]]
    together = NeuralNet(epochs=5).predict_designs(designs)
    for design, found in zip(designs, together, strict=True):
        (alone,) = NeuralNet(epochs=5).predict_designs([design])
        np.testing.assert_allclose(found.values, alone.values, atol=1e-5)

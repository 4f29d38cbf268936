"""Neural network of paper A, trained for many targets side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from truetwin.calibration.base import Calibrator
from truetwin.calibration.design import Design
from truetwin.calibration.orientation import Array
from truetwin.solvers.neural_net import NetworkOptions, train_networks

_VALUES_AT_ONCE = 2**26


class NeuralNet(Calibrator):
    """Feed-forward ReLU network fitted on the twins and applied to the humans.

    Source: paper A, appendix A.2 and A.4; training and objective: :func:`truetwin.solvers.neural_net.train_networks`.

    Parameters
    ----------
    hidden : tuple of int, default=(8,)
        Units of each hidden layer.
    weight_decay : float, default=0.05
        Added, times the weights, to the gradient.
    epochs : int, default=200
        Most passes over the twins.
    random_state : int, default=42
        Seed of the initial weights and of the order of batches.
    """

    uses_imputation: ClassVar[bool] = True
    works_per_target: ClassVar[bool] = True

    def __init__(
        self,
        hidden: tuple[int, ...] = (8,),
        weight_decay: float = 0.05,
        epochs: int = 200,
        random_state: int = 42,
    ) -> None:
        self.hidden = hidden
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.random_state = random_state

    def fit_design(self, design: Design) -> None:
        """See the base class."""
        (self.prediction_,) = self.fit_predict_designs([design])

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        return self.prediction_

    def fit_predict_designs(self, designs: Sequence[Design]) -> list[Array]:
        """See the base class."""
        options = NetworkOptions(
            hidden=tuple(self.hidden),
            weight_decay=self.weight_decay,
            epochs=self.epochs,
            seed=self.random_state,
        )
        results = [np.full((d.complete.X_human.shape[0], d.n_targets), np.nan) for d in designs]
        for jobs in _alike(designs):
            X = np.stack([designs[d].complete.X_twin for d, _ in jobs])
            y = np.stack([designs[d].complete.y_twin[:, k] for d, k in jobs])
            networks = train_networks(X, y, options)
            for position, (d, k) in enumerate(jobs):
                results[d][:, k] = networks.only(position).predict(designs[d].complete.X_human[None])[0]
        return results


def _alike(designs: Sequence[Design]) -> list[list[tuple[int, int]]]:
    """Group pairs (design, target) whose arrays have equal shapes; each group fits in memory."""
    shapes: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for d, design in enumerate(designs):
        shapes.setdefault(design.complete.X_twin.shape, []).extend((d, k) for k in range(design.n_targets))
    groups: list[list[tuple[int, int]]] = []
    for (n, p), jobs in shapes.items():
        size = max(1, _VALUES_AT_ONCE // (n * p))
        groups.extend(jobs[start : start + size] for start in range(0, len(jobs), size))
    return groups

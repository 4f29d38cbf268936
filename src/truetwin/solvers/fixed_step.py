"""Fixed-step entropic mirror descent as paper A ran it: only to reproduce its tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.solvers.mirror_descent import LinearMap

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FixedStepSettings:
    """Settings with which paper A's tables were made.

    Attributes
    ----------
    rate : float
        Step in log-weights per unit of gradient.
    steps : int
        Number of steps taken; no stopping rule ever ends them earlier.
    largest_gradient : float
        A gradient with a larger Euclidean norm is scaled down to it (it nearly always is).
    lowest_log_weight : float
        Log-weights below this are raised to it before normalising: a floor under every weight, which spreads
        about 9% of the mass evenly over two thousand twins and leaves only uniform weights beyond ``exp(10)`` of
        them.
    added_weight : float
        Added to every weight before its logarithm is taken, in every step: small next to any weight, but not next to
        a step, so it moves the point where the path comes to rest.
    """

    rate: float = 1e-2
    steps: int = 100_000
    largest_gradient: float = 10.0
    lowest_log_weight: float = -10.0
    added_weight: float = 1e-8

    def coarser(self, factor: int) -> FixedStepSettings:
        """Return settings for about the same path in fewer steps.

        Each step is as long as ``factor`` steps, and adds as much weight as they would.
        """
        return replace(
            self, rate=self.rate * factor, steps=self.steps // factor, added_weight=self.added_weight * factor
        )


def fixed_step_descent(
    operator: LinearMap,
    slope: Callable[[Floats], Floats],
    start: Floats,
    settings: FixedStepSettings | None = None,
    *,
    learns: NDArray[np.bool_] | None = None,
) -> Floats:
    r"""Take a fixed number of steps :math:`w \propto \max(w \exp(-\eta g), e^{-10})` and return the weights.

    This is not an optimiser to use: it does not reach the minimum of most objectives in the 100,000 steps of the
    paper, and the floor changes the problem. It exists to show where the published numbers come from.

    Parameters
    ----------
    operator : LinearMap
        Weights to shares and back.
    slope : callable
        The paper's search direction in the shares, ``(m, K)`` to ``(m, K)``.
    start : ndarray of shape (n,)
        Weights to start from.
    settings : FixedStepSettings, optional
        Step size, number of steps and floor; by default those of the paper.
    learns : ndarray of bool, shape (n,), optional
        Answerers whose gradient counts; the others move by the floor and the normalisation only.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from truetwin.solvers.categorical import CategoricalMap
    >>> operator = CategoricalMap.from_codes(np.array([[0], [1]]), [2])
    >>> towards = lambda shares: 2 * (shares - np.array([[0.3, 0.7]]))
    >>> fixed_step_descent(operator, towards, np.full(2, 0.5), FixedStepSettings(steps=2000)).round(3)
    array([0.3, 0.7])
    """
    settings = settings or FixedStepSettings()
    weights: Floats = start / start.sum()
    log_weights = np.log(weights + settings.added_weight)
    for _ in range(settings.steps):
        gradient = operator.pull_back(slope(operator.shares(weights)))
        if learns is not None:
            gradient[~learns] = 0.0
        norm = float(np.sqrt(gradient @ gradient))
        step = settings.rate * min(1.0, settings.largest_gradient / max(norm, 1e-300))
        log_weights -= step * gradient
        np.clip(log_weights, settings.lowest_log_weight, -settings.lowest_log_weight, out=log_weights)
        weights = np.exp(log_weights)
        weights /= weights.sum()
        np.log(weights + settings.added_weight, out=log_weights)
    return weights

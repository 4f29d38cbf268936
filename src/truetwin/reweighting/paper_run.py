"""Repeat the run behind paper A's published tables: its search directions and its weight floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from truetwin.errors import ParameterError
from truetwin.reweighting.discrepancies import Discrepancy
from truetwin.solvers.fixed_step import FixedStepSettings, fixed_step_descent
from truetwin.solvers.mirror_descent import LinearMap, SimplexSolution

Floats = NDArray[np.float64]


class _Objective(Protocol):
    human: Floats

    def evaluate(self, shares: Floats, smoothing: float) -> tuple[float, Floats]: ...


@dataclass(frozen=True)
class PaperRun:
    """Settings of the published run.

    Parameters
    ----------
    settings : FixedStepSettings
        Step, number of steps, floor.
    coarser : int, default=1
        Take this many steps at once: ``5`` agrees with ``1`` in the fourth digit and takes a fifth of the time.
    revived : bool, default=False
        For "personas-only" and "base-only": keep the answerers who should not take part, without a gradient, as the
        published run does. The floor then gives them weight again, so those published rows are not what their names
        say.

    Notes
    -----
    Known faults of that run, kept here and nowhere else: every weight is at least about ``exp(-10)``; the
    direction for tv is twice its gradient, for ks a soft average with a fixed sharpness of 10, and for
    cdf-l2 it is summed once too often; only tv and cdf-l1 have settled after 100,000 steps.
    """

    settings: FixedStepSettings = field(default_factory=FixedStepSettings)
    coarser: int = 1
    revived: bool = False

    def run(
        self,
        measure: Discrepancy,
        operator: LinearMap,
        objective: _Objective,
        n_answerers: int,
        learns: NDArray[np.bool_] | None = None,
    ) -> SimplexSolution:
        """Take the published number of steps from equal weights; the result has no proven gap."""
        if measure.name not in PAPER_DIRECTIONS:
            known = ", ".join(PAPER_DIRECTIONS)
            raise ParameterError(f"paper A has no run for the discrepancy {measure.name!r}; it has {known}")
        direction = PAPER_DIRECTIONS[measure.name]
        human, m = objective.human, objective.human.shape[0]
        settings = self.settings.coarser(self.coarser) if self.coarser > 1 else self.settings
        start = np.ones(n_answerers) if learns is None else learns.astype(float)
        weights = fixed_step_descent(
            operator, lambda q: direction(human, q) / m, start, settings, learns=learns
        )
        value = objective.evaluate(operator.shares(weights), 0.0)[0]
        return SimplexSolution(weights, value, float("inf"), settings.steps, False)


def _soft_sign(difference: Floats) -> Floats:
    return np.clip(difference / 1e-6, -1.0, 1.0)


def _tail_sums(slope: Floats) -> Floats:
    return np.cumsum(slope[:, ::-1], axis=1)[:, ::-1]


def _soft_maximum(human: Floats, predicted: Floats) -> Floats:
    gap = np.cumsum(predicted - human, axis=1)
    sharp = np.exp(10.0 * np.abs(gap))
    return _tail_sums(sharp / sharp.sum(axis=1, keepdims=True) * _soft_sign(gap))


PAPER_DIRECTIONS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "tv": lambda p, q: _soft_sign(q - p),
    "chi2": lambda p, q: -((p / np.maximum(q, 1e-6)) ** 2),
    "kl": lambda p, q: -np.maximum(p, 1e-6) / np.maximum(q, 1e-6),
    "hellinger": lambda p, q: -0.5 * np.sqrt(np.maximum(p, 1e-8) / np.maximum(q, 1e-8)),
    "ks": _soft_maximum,
    "cdf-l1": lambda p, q: _tail_sums(_soft_sign(np.cumsum(q - p, axis=1))),
    "cdf-l2": lambda p, q: 2.0 * _tail_sums(np.cumsum(np.cumsum(q - p, axis=1), axis=1)),
}

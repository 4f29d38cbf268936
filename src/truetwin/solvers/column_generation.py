"""Minimise over millions of answerers, of whom a solution needs few: by rounds with a few thousand (column generation).

The first round has a random sample. Its solution comes with a linear function that lies below the objective. At whom
that function is low could lower the objective, so they enter the next round; whose weight has vanished leaves. The
function's least value over *all* answerers bounds the minimum over all of them. So only this look at everybody, once
a round, grows with their number.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from truetwin.solvers.categorical import CategoricalMap
from truetwin.solvers.mirror_descent import (
    PERFECT,
    Objective,
    SimplexSolution,
    allowed_gap,
    minimise_on_simplex,
)

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

MANY = 20_000  # answerers up to whom all take part at once
SAMPLE = 5_000  # who take part in the first round
ENTERING = 2_000  # who enter each later round
MOST_ROUNDS = 30
MOST_STEPS = 4  # of all rounds together, as a multiple of those that one may take
FIRST_TOL = 1e-2  # relative gap of the first round
TIGHTENING = 0.1  # a later round's, as a share of the gap over everybody
VANISHED = 1e-7  # of the whole weight: who has less leaves
ENTRY_SHARE = 0.02  # of the whole weight, given to those who enter
SEED = 0


def minimise_over_many(
    operator: CategoricalMap,
    objective: Objective,
    start: Floats,
    *,
    smoothings: tuple[float, ...] = (0.0,),
    tol: float = 1e-3,
    max_steps: int = 20_000,
) -> SimplexSolution:
    r"""Minimise a convex function of the shares over weights on the simplex, for any number of answerers.

    Solves

    .. math:: \min_{w \in \Delta^{n-1}} f(A w)

    as :func:`~truetwin.solvers.mirror_descent.minimise_on_simplex` does, and with up to 20,000 answerers by it.
    With more, by column generation. Answerers with the same answers get weights in proportion to ``start``, as they do
    there. All take part at once, too, where a few answerers already fit perfectly: then weights are not unique, and
    those nearest to the start are wanted.

    Parameters
    ----------
    operator, objective, start, smoothings, tol, max_steps
        As in :func:`~truetwin.solvers.mirror_descent.minimise_on_simplex`; ``max_steps`` holds for each round.

    Returns
    -------
    SimplexSolution
        With a gap that holds over all answerers.

    Examples
    --------
    >>> import numpy as np
    >>> from truetwin.reweighting import discrepancy
    >>> from truetwin.reweighting.ensemble import MeanDiscrepancy
    >>> codes = np.random.default_rng(0).integers(0, 3, size=(25_000, 12))
    >>> operator = CategoricalMap.from_codes(codes, [3] * 12)
    >>> human = np.tile([0.9, 0.1, 0.0], (12, 1))
    >>> objective = MeanDiscrepancy(discrepancy("kl"), human, complete=True)
    >>> solution = minimise_over_many(operator, objective, np.full(25_000, 1 / 25_000))
    >>> solution.converged, solution.n_above() < 500
    (True, True)
    """
    if operator.n_answerers > MANY:
        rounds = _Rounds(operator, objective, start / start.sum(), smoothings, tol, max_steps)
        found = rounds.solve()
        if found is not None:
            return found
    return minimise_on_simplex(
        operator, objective, start, smoothings=smoothings, tol=tol, max_steps=max_steps
    )


class _Rounds:
    """State between rounds: who takes part, their weights, the best bound over everybody."""

    def __init__(
        self,
        operator: CategoricalMap,
        objective: Objective,
        start: Floats,
        smoothings: tuple[float, ...],
        tol: float,
        max_steps: int,
    ) -> None:
        self.operator, self.objective, self.start = operator, objective, start
        self.smoothings, self.tol, self.max_steps = smoothings, tol, max_steps
        able = np.flatnonzero(start > 0)
        rng = np.random.default_rng(SEED)
        self.members: Rows = np.sort(rng.choice(able, min(SAMPLE, able.size), replace=False))
        self.weights = start[self.members] / start[self.members].sum()
        self.lower, self.round_tol = -np.inf, max(FIRST_TOL, 0.5 * tol)
        self.n_steps = 0
        self.trace: list[tuple[int, float, float]] = []

    def solve(self) -> SimplexSolution | None:
        """Go through the rounds; None if all answerers should take part at once."""
        while len(self.trace) < MOST_ROUNDS and self.n_steps < MOST_STEPS * self.max_steps:
            found = self._round()
            if found.objective <= PERFECT or found.bound is None or not (found.converged or self.trace):
                return None
            costs = found.bound.costs(self.operator)
            costs[self.start == 0] = np.inf
            self.lower = max(self.lower, float(costs.min()))
            self.trace.append((self.n_steps, found.objective, self.lower))
            gap = found.objective - self.lower
            if gap <= allowed_gap(found.objective, self.tol):
                return self._over_everybody(found, gap)
            self._change_members(found, costs)
            if self.members.size > self.operator.n_answerers // 2:
                return None
            wanted = TIGHTENING * gap / abs(found.objective)
            self.round_tol = float(np.clip(wanted, 0.5 * self.tol, self.round_tol))
        return None

    def _round(self) -> SimplexSolution:
        found = minimise_on_simplex(
            self.operator.take(self.members),
            self.objective,
            self.weights,
            smoothings=self.smoothings,
            tol=self.round_tol,
            max_steps=self.max_steps,
        )
        self.n_steps += found.n_steps
        return found

    def _change_members(self, found: SimplexSolution, costs: Floats) -> None:
        """Let those of vanished weight leave, and those at whom the bound is lowest enter."""
        weights = np.zeros_like(self.start)
        weights[self.members] = np.where(found.weights > VANISHED, found.weights, 0.0)
        entering = costs <= np.partition(costs, ENTERING)[ENTERING]
        weights[entering] += ENTRY_SHARE * self.start[entering] / self.start[entering].sum()
        self.members = np.flatnonzero(weights)
        self.weights = weights[self.members] / weights[self.members].sum()

    def _over_everybody(self, found: SimplexSolution, gap: float) -> SimplexSolution:
        weights = np.zeros_like(self.start)
        weights[self.members] = found.weights
        return replace(
            found,
            weights=self._shared_among_alike(weights),
            gap=max(gap, 0.0),
            n_steps=self.n_steps,
            converged=True,
            trace=tuple(self.trace),
        )

    def _shared_among_alike(self, weights: Floats) -> Floats:
        """Share the weight of those with the same answers among all of them, in proportion to the start."""
        # A random number for each answer: the sums are the same for the same answers, and for no others.
        keys = self.operator.pull_back(np.random.default_rng(SEED).random(self.operator.shape))
        keys[self.start == 0] = np.inf
        distinct, group = np.unique(keys[self.members], return_inverse=True)
        place = np.minimum(np.searchsorted(distinct, keys), distinct.size - 1)
        alike = distinct[place] == keys
        among = np.bincount(place[alike], weights=self.start[alike], minlength=distinct.size)
        whole = np.bincount(group, weights=weights[self.members], minlength=distinct.size)
        shared = np.zeros_like(weights)
        shared[alike] = self.start[alike] * (whole / among)[place[alike]]
        return np.asarray(shared / shared.sum())

"""Accelerated entropic mirror descent on the probability simplex, with a proven optimality gap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

Floats = NDArray[np.float64]

PERFECT = 1e-7  # with a gap below this, the fit counts as exact


class Objective(Protocol):
    """Interface of a convex function of the shares."""

    def evaluate(self, shares: Floats, smoothing: float) -> tuple[float, Floats]:
        """Return value and gradient; ``smoothing=0`` is the function itself, a smoothed one lies below it."""

    def intercept(self, shares: Floats, value: float, slope: Floats) -> float:
        """Return the largest known ``c`` for which ``c + <slope, S>`` lies below the unsmoothed function everywhere."""


class LinearMap(Protocol):
    """Interface of a linear (or affine) map from simplex weights to shares, and of its adjoint."""

    n_answerers: int

    def shares(self, weights: Floats) -> Floats:
        """Compute the shares that belong to these weights."""

    def pull_back(self, gradient: Floats) -> Floats:
        """Apply the adjoint of the linear part of :meth:`shares`."""


@dataclass(frozen=True)
class LowerBound:
    """Linear function of the weights that lies below the objective everywhere on the simplex.

    Attributes
    ----------
    constant : float
    slope : ndarray of shape (m, K)
        The function is ``constant + pull_back(slope) @ w``.
    """

    constant: float
    slope: Floats

    def costs(self, operator: LinearMap) -> Floats:
        """Compute the function at each answerer alone, shape ``(n,)``; the least of them bounds the objective."""
        return self.constant + operator.pull_back(self.slope)


@dataclass(frozen=True)
class SimplexSolution:
    """Solution on the simplex, with its proven gap.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        Non-negative, summing to 1.
    objective : float
        True objective (no smoothing) at ``weights``.
    gap : float
        Proven upper bound on the distance of the fitted convex loss from its minimum.
    n_steps : int
        Number of gradients computed.
    converged : bool
        Whether the gap is at most ``tol`` times the objective, or 1e-7.
    trace : tuple of (int, float, float)
        Step, true objective and lower bound at every check.
    bound : LowerBound, optional
        What proves the gap.
    """

    weights: Floats
    objective: float
    gap: float
    n_steps: int
    converged: bool
    trace: tuple[tuple[int, float, float], ...] = field(default=(), repr=False)
    bound: LowerBound | None = field(default=None, repr=False)

    @property
    def effective_sample_size(self) -> float:
        """Kish's effective number of answerers: 1 over the sum of squared weights."""
        return float(1.0 / np.sum(self.weights**2))

    def n_above(self, share: float = 1e-6) -> int:
        """Count the weights that exceed ``share`` (the sparsity of the solution)."""
        return int((self.weights > share).sum())


def minimise_on_simplex(
    operator: LinearMap,
    objective: Objective,
    start: Floats,
    *,
    smoothings: tuple[float, ...] = (0.0,),
    tol: float = 1e-3,
    max_steps: int = 20_000,
    check_every: int = 10,
) -> SimplexSolution:
    r"""Minimise a convex function of the shares over weights on the simplex.

    Solves

    .. math:: \min_{w \in \Delta^{n-1}} f(A w)

    by accelerated mirror descent in the entropy geometry (the estimate-sequence form of Nesterov and Tseng): with
    :math:`A_{k+1} = A_k + a`, :math:`a^2 L = A_{k+1}`, gradients are taken at :math:`y = (A_k x + a z) / A_{k+1}` and
    :math:`z \propto w_0 \exp(-\sum_k a_k \nabla f(y_k))`. The constant ``L`` is backtracked in both
    directions, momentum restarts when the objective rises, and a non-smooth ``f`` is followed through
    ``smoothings`` from wide to narrow, each stage starting where the last one ended. The averaged linear
    models give a lower bound of the minimum, hence the reported gap.

    Parameters
    ----------
    operator : LinearMap
        Weights to shares and back.
    objective : Objective
        Convex in the shares.
    start : ndarray of shape (n,)
        Positive weights; an answerer with weight zero stays at zero.
    smoothings : tuple of float
        Widths, wide to narrow.
    tol : float, default=1e-3
        Stop when the gap is below ``tol`` times the objective, or below 1e-7.
    max_steps : int, default=20000
        Most gradients, over all stages.
    check_every : int, default=10
        Steps between two evaluations of the true objective and the gap.

    Returns
    -------
    SimplexSolution

    Examples
    --------
    >>> import numpy as np
    >>> from truetwin.solvers.categorical import CategoricalMap
    >>> operator = CategoricalMap.from_codes(np.array([[0], [1]]), [2])
    >>> class Squared:
    ...     def evaluate(self, shares, smoothing):
    ...         error = shares - np.array([[0.3, 0.7]])
    ...         return float((error**2).sum()), 2 * error
    ...
    ...     def intercept(self, shares, value, slope):
    ...         return value - float((slope * shares).sum())
    >>> minimise_on_simplex(operator, Squared(), np.array([0.5, 0.5]), tol=1e-9).weights.round(4)
    array([0.3, 0.7])
    """
    state = _State(operator, objective, start / start.sum())
    for stage, smoothing in enumerate(smoothings):
        last = stage == len(smoothings) - 1
        state.enter(smoothing)
        while state.n_steps < max_steps:
            state.step()
            if state.n_steps % check_every:
                continue
            gap = state.check()
            if gap <= allowed_gap(state.best_value, tol):
                return state.solution(tol)
            if not last and state.smooth_gap() <= 0.5 * gap:
                break  # the remaining gap is mostly due to the smoothing
    state.check()
    return state.solution(tol)


def allowed_gap(value: float, tol: float) -> float:
    """Return the gap at which to stop: ``tol`` of the objective, or 1e-7 where the fit is perfect."""
    return max(tol * abs(value), PERFECT)


class _State:
    """Iterates: ``x`` is the running answer, ``z`` the mirror point; names with ``S`` are their shares."""

    def __init__(self, operator: LinearMap, objective: Objective, start: Floats) -> None:
        self.operator, self.objective = operator, objective
        self.x, self.x_shares = start, operator.shares(start)
        self.z, self.z_shares = self.x, self.x_shares
        self.best_x, self.best_value = start, objective.evaluate(self.x_shares, 0.0)[0]
        self.fx, self.stage_lower = self.best_value, -np.inf
        self.n_steps, self.lipschitz = 0, 1.0
        self.smoothing = 0.0
        self.lower = -np.inf
        self.bound: LowerBound | None = None
        self.trace: list[tuple[int, float, float]] = []

    def enter(self, smoothing: float) -> None:
        """Start a stage: set the smoothing, and reset the momentum."""
        self.smoothing = smoothing
        self.fx = self.objective.evaluate(self.x_shares, smoothing)[0]
        self.stage_lower = -np.inf
        self.restart()

    def restart(self) -> None:
        self.z, self.z_shares = self.x, self.x_shares
        with np.errstate(divide="ignore"):
            self.log_z0 = np.log(self.x)
        self.total = 0.0
        self.gradients = np.zeros_like(self.x)
        self.slopes = np.zeros_like(self.x_shares)
        self.constant = self.true_constant = 0.0

    def step(self) -> None:
        self.lipschitz *= 0.7
        while not self._try_step():
            self.lipschitz *= 2.0

    def _try_step(self) -> bool:
        a = (1.0 + np.sqrt(1.0 + 4.0 * self.lipschitz * self.total)) / (2.0 * self.lipschitz)
        total = self.total + a
        theta = a / total
        y_shares = (1.0 - theta) * self.x_shares + theta * self.z_shares
        fy, slope = self.objective.evaluate(y_shares, self.smoothing)
        gradient = self.operator.pull_back(slope)
        self.n_steps += 1
        gradients = self.gradients + a * gradient
        log_z = self.log_z0 - gradients
        log_z -= log_z.max()
        z = np.exp(log_z)
        z /= z.sum()
        z_shares = self.operator.shares(z)
        x_shares = (1.0 - theta) * self.x_shares + theta * z_shares
        fx = self.objective.evaluate(x_shares, self.smoothing)[0]
        moved = theta * float(np.vdot(slope, z_shares - self.z_shares))
        bound = fy + moved + _divergence(z, self.z) / total
        if fx > bound + 1e-13 * max(1.0, abs(fy)) and self.lipschitz < 1e14:
            return False
        y_inner = (1.0 - theta) * float(gradient @ self.x) + theta * float(gradient @ self.z)
        self.constant += a * (fy - y_inner)
        offset = y_inner - float(np.vdot(slope, y_shares))  # the constant part of an affine map
        self.true_constant += a * (self.objective.intercept(y_shares, fy, slope) - offset)
        self.total, self.gradients = total, gradients
        self.slopes = self.slopes + a * slope
        self.x = (1.0 - theta) * self.x + theta * z
        self.x_shares, self.z, self.z_shares = x_shares, z, z_shares
        risen = fx > self.fx
        self.fx = fx
        least = float(gradients.min())
        self.stage_lower = max(self.stage_lower, (self.constant + least) / total)
        if (self.true_constant + least) / total > self.lower:
            self.lower = (self.true_constant + least) / total
            self.bound = LowerBound(self.true_constant / total, self.slopes / total)
        if risen:
            self.restart()
        return True

    def smooth_gap(self) -> float:
        return self.fx - self.stage_lower

    def check(self) -> float:
        """Evaluate the true objective at the running answer; return the gap to the best lower bound so far."""
        value = self.objective.evaluate(self.x_shares, 0.0)[0]
        if value <= self.best_value:
            self.best_value, self.best_x = value, self.x
        self.trace.append((self.n_steps, self.best_value, self.lower))
        return self.best_value - self.lower

    def solution(self, tol: float) -> SimplexSolution:
        gap = float(max(self.best_value - self.lower, 0.0))
        weights = self.best_x / self.best_x.sum()
        done = gap <= allowed_gap(self.best_value, tol)
        return SimplexSolution(
            weights, self.best_value, gap, self.n_steps, bool(done), tuple(self.trace), self.bound
        )


def _divergence(p: Floats, q: Floats) -> float:
    """Compute the Kullback-Leibler divergence of two weight vectors."""
    return float(rel_entr(p, np.maximum(q, 1e-300)).sum())

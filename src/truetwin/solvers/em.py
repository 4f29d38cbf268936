"""Expectation-maximisation (EM) for the Kullback-Leibler objective: weights, an answer-transition matrix, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.solvers.categorical import CategoricalMap
from truetwin.solvers.mirror_descent import SimplexSolution, allowed_gap

Floats = NDArray[np.float64]
TINY = 1e-300


def em_weights(
    operator: CategoricalMap,
    human: Floats,
    start: Floats,
    *,
    tol: float = 1e-3,
    max_steps: int = 20_000,
    check_every: int = 10,
) -> SimplexSolution:
    r"""Find the mixture weights that minimise the mean Kullback-Leibler divergence.

    Solves

    .. math:: \min_{w \in \Delta^{n-1}} \frac1m \sum_j \sum_k P_{jk} \log \frac{P_{jk}}{Q_{jk}(w)}

    by :math:`w_i \leftarrow w_i \, \frac1m \sum_j P_j(y_{ij}) / Q_j(y_{ij})`, which never increases the
    objective. Where answers are missing, ``Q`` is taken over those who answered and the divisor is theirs. Slower
    than :func:`~truetwin.solvers.mirror_descent.minimise_on_simplex`, but without any step size: an independent
    check.

    Parameters
    ----------
    operator : CategoricalMap
        Map from weights to shares.
    human : ndarray of shape (m, K)
        Human shares.
    start : ndarray of shape (n,)
        Positive weights.
    tol : float, default=1e-3
        Stop when the proven gap is below ``tol`` times the objective (only proven without missing answers).
    max_steps, check_every : int
        Largest number of steps, and number of steps between two checks of the gap.

    Returns
    -------
    SimplexSolution

    Examples
    --------
    >>> import numpy as np
    >>> operator = CategoricalMap.from_codes(np.array([[0], [1]]), [2])
    >>> em_weights(operator, np.array([[0.3, 0.7]]), np.array([0.5, 0.5])).weights.round(4)
    array([0.3, 0.7])
    """
    weights = start / start.sum()
    entropy = float(np.sum(human * np.log(np.maximum(human, TINY)))) / human.shape[0]
    value, gap, trace = np.inf, np.inf, []
    step = 0
    for step in range(1, max_steps + 1):
        counts = operator.shares(weights)
        base = counts.sum(axis=1, keepdims=True)
        ratio = human / np.maximum(counts, TINY)
        pull = operator.pull_back(ratio)
        per = (
            operator.pull_back(np.broadcast_to(1.0 / base, counts.shape))
            if not operator.complete
            else human.shape[0]
        )
        if step % check_every == 1:
            shares = np.maximum(counts / base, TINY)
            value = entropy - float(np.sum(human * np.log(shares))) / human.shape[0]
            gap = float(np.max(pull / per)) - 1.0
            trace.append((step, value, value - gap))
            if gap <= allowed_gap(value, tol):
                break
        weights = weights * pull / per
        weights /= weights.sum()
    return SimplexSolution(weights, value, gap, step, gap <= allowed_gap(value, tol), tuple(trace))


@dataclass(frozen=True)
class TransitionFit:
    """Weights of the twins and one row-stochastic answer-transition matrix per kind of item.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        Weights of the twins.
    transitions : tuple of ndarray of shape (K, K)
        One per kind; row ``a`` says how answer ``a`` of the twins spreads over the humans' categories.
    objective : float
        Mean cross-entropy at the end.
    n_steps : int
        Number of steps taken.
    """

    weights: Floats
    transitions: tuple[Floats, ...]
    objective: float
    n_steps: int


@dataclass(frozen=True, eq=False)
class GivenShares:
    """Shares (m, K) in the place of a map from weights: there are no weights to learn."""

    given: Floats

    def shares(self, weights: Floats) -> Floats:
        """Return the shares."""
        return self.given


def em_transition(
    operator: CategoricalMap | GivenShares,
    human: Floats,
    prior: Floats,
    kinds: Sequence[NDArray[np.int64]],
    *,
    pull_to_prior: float = 0.1,
    fixed_weights: bool = False,
    max_steps: int = 300,
    tol: float = 1e-6,
) -> TransitionFit:
    r"""Fit weights and answer transitions together, for the Kullback-Leibler objective.

    Minimises :math:`\frac1m \sum_j \mathrm{KL}(P_j \,\|\, M_j(w) T)` plus a pull of ``w`` to the prior
    weights and of every row of ``T`` to the mean marginal, where :math:`M_{ja}(w) = \sum_i w_i 1[y_{ij} =
    a]`. With ``Q = M T`` and ``R = P / Q`` one step is

    .. math:: w_i \leftarrow w_i \sum_{jk} T_{y_{ij} k} R_{jk} + \alpha m\, d_i, \qquad
              T_{ak} \leftarrow T_{ak} (M^\top R)_{ak} + 10^{-3} \bar P_k,

    followed by normalisation (``d``: prior weights).

    Parameters
    ----------
    operator : CategoricalMap or GivenShares
        Map from weights to shares; shares that are given go with ``fixed_weights``.
    human : ndarray of shape (m, K)
        Human shares.
    prior : ndarray of shape (n,)
        Positive, summing to 1.
    kinds : sequence of ndarray
        Row numbers of the items that share one matrix.
    pull_to_prior : float, default=0.1
        ``alpha``.
    fixed_weights : bool, default=False
        Keep the prior weights and learn ``T`` only.
    max_steps : int
        Largest number of steps.
    tol : float
        Stop when ten steps lower the cross-entropy by less than this.

    Returns
    -------
    TransitionFit
    """
    m, width = human.shape
    weights = prior.copy()
    known = [human[rows] for rows in kinds]
    means = [shares.mean(axis=0) for shares in known]
    transitions = [0.7 * np.eye(width) + 0.3 * mean for mean in means]
    counts = operator.shares(weights)
    learning = operator if isinstance(operator, CategoricalMap) and not fixed_weights else None
    last, loss, step = np.inf, np.inf, 0
    for step in range(1, max_steps + 1):
        if learning or step == 1:
            base = np.maximum(counts.sum(axis=1, keepdims=True), TINY)
            moved = [counts[rows] / base[rows] for rows in kinds]
        looks = step % 10 == 0 or step == max_steps
        loss = 0.0 if looks else loss
        pull = np.empty_like(human)
        for k, rows in enumerate(kinds):
            predicted = np.maximum(moved[k] @ transitions[k], TINY)
            if looks:
                loss -= float(np.sum(known[k] * np.log(predicted))) / m
            ratio = known[k] / predicted
            if learning:
                pull[rows] = ratio @ transitions[k].T
            new = transitions[k] * (moved[k].T @ ratio) + 1e-3 * means[k] + 1e-12
            transitions[k] = new / new.sum(axis=1, keepdims=True)
        if learning:
            weights = weights * learning.pull_back(pull / base) + pull_to_prior * m * prior
            if not learning.complete:
                weights /= learning.pull_back(np.broadcast_to(1.0 / base, pull.shape)) + pull_to_prior * m
            weights /= weights.sum()
            counts = learning.shares(weights)
        if step % 10 == 0:
            if last - loss < tol:
                break
            last = loss
    return TransitionFit(weights, tuple(transitions), loss, step)

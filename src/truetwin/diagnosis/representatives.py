r"""Choose which people to ask next, so that those asked stand for those to be predicted (kernel herding).

A new person is predicted from item means and from how the person's twin deviates. On public data nearly all of the
prediction comes from item means. The people asked should make these right, so their twins should be spread as the
targets' twins are. With :math:`\phi` a person's place on the leading directions in which twins differ, and a Gaussian
kernel k, greedy steps choose

.. math:: \arg\max_x \frac1{|T|} \sum_{t \in T} k(\phi_x, \phi_t) - \frac1{|S| + 1} \sum_{s \in S} k(\phi_x, \phi_s),

which lowers the maximum mean discrepancy between the people asked, S, and the targets, T. Source: kernel herding
(Chen, Welling and Smola, 2010).

The conditional variance that serves for items is of no use here. In measurements it preferred unusual people, and
their item means were up to twice as wrong as those of people drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truetwin.diagnosis.standardised_panel import Array, Positions

DIRECTIONS = 5
MAX_TARGETS = 2000


@dataclass(frozen=True, eq=False)
class Representatives:
    """People in the order in which to ask them.

    Attributes
    ----------
    chosen : ndarray of int of shape (k,)
        Positions of the people.
    reduction : ndarray of shape (k,)
        Share of the initial discrepancy that each person removes; a single step may also add some.
    start : float
        Initial squared discrepancy between the people already asked (or one drawn at random) and the targets.
    """

    chosen: Positions
    reduction: Array
    start: float


def places(factors: Array) -> Array:
    """Compute the people's coordinates on the leading directions, (n, 5), scaled to a mean squared length of 1."""
    left, length, _ = np.linalg.svd(factors, full_matrices=False)
    leading = left[:, :DIRECTIONS] * length[:DIRECTIONS]
    scale = float(np.sqrt(np.mean(np.sum(leading**2, axis=1))))
    return np.asarray(leading / scale) if scale > 0 else leading


def representatives(
    place: Array,
    known: Positions,
    pool: Positions,
    targets: Positions,
    budget: int,
    weights: Array | None = None,
) -> Representatives:
    """Choose ``budget`` people of the pool that, with those known, stand for the targets.

    Parameters
    ----------
    place : ndarray of shape (n, d)
        Coordinates of the people, from :func:`places`.
    known, pool, targets : ndarray of int
        Positions of who has been asked, who can be asked, and who is to be predicted. At most 2000 targets, evenly
        drawn, are used.
    budget : int
        Number of people to choose.
    weights : ndarray of shape (n_targets,), optional
        How much each target counts; by default all count alike.

    Examples
    --------
    >>> line = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    >>> representatives(line, np.array([], dtype=int), np.arange(5), np.arange(5), 1).chosen
    array([2])
    """
    step = -(-targets.size // MAX_TARGETS)
    goal = place[targets[::step]]
    part = np.ones(len(goal)) if weights is None else weights[::step]
    part = part / part.sum()
    near = _kernel(place[pool], goal) @ part
    spread = float(part @ _kernel(goal, goal) @ part)
    between = float((_kernel(place[known], goal) @ part).mean()) if known.size else 0.0
    inside = float(_kernel(place[known], place[known]).sum()) if known.size else 0.0
    crowd = _kernel(place[pool], place[known]).sum(axis=1) if known.size else np.zeros(pool.size)
    n = int(known.size)
    start = inside / n**2 - 2 * between + spread if n else 1.0 - spread
    total, free = between * n, np.ones(pool.size, dtype=bool)
    chosen, gaps = [], [start]
    for _ in range(budget):
        score = np.where(free, near - crowd / (n + 1), -np.inf)
        # rounding must not decide between equals: the first by id is taken
        best = int(np.flatnonzero(score >= score.max() - 1e-12)[0])
        inside += 2 * float(crowd[best]) + 1.0
        total += float(near[best])
        n += 1
        crowd = crowd + _kernel(place[pool], place[pool[[best]]])[:, 0]
        free[best] = False
        chosen.append(int(pool[best]))
        gaps.append(inside / n**2 - 2 * total / n + spread)
    reduction = -np.diff(gaps) / max(start, 1e-12)
    return Representatives(np.array(chosen, dtype=np.intp), reduction, float(start))


def _kernel(left: Array, right: Array) -> Array:
    squares = np.sum(left**2, axis=1)[:, None] + np.sum(right**2, axis=1) - 2 * left @ right.T
    return np.asarray(np.exp(-np.maximum(squares, 0.0) / 2))

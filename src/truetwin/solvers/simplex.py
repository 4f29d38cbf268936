r"""Synthetic control: least squares with weights on the probability simplex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from truetwin.errors import DataError, ParameterError

FloatArray = npt.NDArray[np.float64]

#: Added to the Gram diagonal, relative to its mean, so that dependent donors leave a unique answer.
_JITTER = 1e-12
_KKT_TOL = 1e-9
_ROUNDING = 1e-13
#: Steps of mirror descent that are taken together, as a share of the steps before them.
_BLOCK = 1 / 8


class WideGram:
    """Gram matrix X'X of a wide X (n, p), p > n, that is never formed; it can be used as an array in this module.

    The active-set method reads only the few rows of its support, and mirror descent only takes products.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0, 3.0]])
    >>> WideGram(X)[[2]], WideGram(X) @ np.ones(3)
    (array([[3., 6., 9.]]), array([ 6., 12., 18.]))
    """

    def __init__(self, X: FloatArray) -> None:
        self._X = X
        self._rows: dict[int, FloatArray] = {}
        self.shape: tuple[int, int] = (X.shape[1], X.shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def diagonal(self) -> FloatArray:
        """Squared norms of the columns of X."""
        return np.asarray(np.einsum("ij,ij->j", self._X, self._X))

    def __getitem__(self, support: list[int]) -> FloatArray:
        for j in support:
            if j not in self._rows:
                self._rows[j] = self._X[:, j] @ self._X
        return np.array([self._rows[j] for j in support])

    def __matmul__(self, w: FloatArray) -> FloatArray:
        return np.asarray(self._X.T @ (self._X @ w))


def gram_of(X: FloatArray) -> FloatArray | WideGram:
    """Return X'X, formed only where it is not larger than X."""
    return WideGram(X) if X.shape[1] > X.shape[0] else X.T @ X


@dataclass(frozen=True)
class SimplexResult:
    """Weights on the simplex, and how near they are to the optimum.

    Attributes
    ----------
    weights : ndarray of shape (p,) or (p, k)
        Non-negative; each column sums to 1.
    kkt_gap : float
        Largest violation of the optimality conditions, relative to the scale of the gradient; 0 at the
        optimum.
    n_iter : int
        Linear systems solved (mirror descent: steps), over all targets.
    """

    weights: FloatArray
    kkt_gap: float
    n_iter: int


def simplex_least_squares(
    gram: FloatArray | WideGram,
    xty: FloatArray,
    alpha: float = 0.0,
    *,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> SimplexResult:
    r"""Solve synthetic control exactly by a primal active-set method.

    .. math:: \min_{w \ge 0,\ \sum_j w_j = 1} \|y - Xw\|_2^2 + \alpha \|w\|_2^2

    needs X and y only through ``gram`` = X'X and ``xty`` = X'y. Source: paper A, section 3.2 (synthetic
    control); no intercept. The loss is a sum, so ``alpha`` weighs less with more rows.

    Parameters
    ----------
    gram : ndarray of shape (p, p), or WideGram
        Symmetric positive semi-definite.
    xty : ndarray of shape (p,) or (p, k)
        One or several targets.
    alpha : float, default=0
        Ridge penalty; >= 0.
    allowed : bool ndarray of shape (p,), optional
        Donors that may get weight; others stay at 0. Saves copying a Gram matrix to leave one donor out.

    Returns
    -------
    SimplexResult

    Raises
    ------
    DataError
        If shapes disagree, entries are not finite, or no donor is allowed.
    ParameterError
        If ``alpha`` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> simplex_least_squares(X.T @ X, X.T @ np.array([0.9, 0.3])).weights.round(6)
    array([0.8, 0.2])
    """
    usable = _checked(gram, xty, alpha, allowed)
    ridge = alpha + _JITTER * float(gram.diagonal().mean()) + 1e-100  # the last for an all-zero Gram
    targets = xty.reshape(len(gram), -1)
    weights = np.zeros_like(targets, dtype=np.float64)
    gap, n_iter = 0.0, 0
    for k in range(targets.shape[1]):
        weights[:, k], one_gap, solves = _active_set(gram, targets[:, k], ridge, usable)
        gap, n_iter = max(gap, one_gap), n_iter + solves
    return SimplexResult(weights.reshape(xty.shape), gap, n_iter)


def _checked(
    gram: FloatArray | WideGram, xty: FloatArray, alpha: float, allowed: npt.NDArray[np.bool_] | None
) -> npt.NDArray[np.bool_]:
    p = len(gram)
    if gram.shape != (p, p) or p == 0 or xty.ndim not in (1, 2) or xty.shape[0] != p:
        raise DataError(f"gram must be (p, p) and xty (p,) or (p, k). Got {gram.shape} and {xty.shape}.")
    if not np.isfinite(xty).all() or not np.isfinite(gram.diagonal()).all():
        raise DataError("gram and xty must be finite; impute missing entries first.")
    if not alpha >= 0:
        raise ParameterError(f"'alpha' must be >= 0. Got {alpha!r} instead.")
    usable = np.ones(p, dtype=bool) if allowed is None else np.asarray(allowed, dtype=bool)
    if usable.shape != (p,) or not usable.any():
        raise DataError(f"'allowed' must be a mask of {p} donors with at least one True.")
    return usable


def _active_set(
    gram: FloatArray | WideGram, q: FloatArray, ridge: float, usable: npt.NDArray[np.bool_]
) -> tuple[FloatArray, float, int]:
    p = len(q)
    w = np.zeros(p)
    # The best single donor is feasible and often in the support.
    single = np.where(usable, gram.diagonal() - 2 * q, np.inf)
    support = [int(np.argmin(single))]
    w[support[0]] = 1.0
    scale = float(np.abs(q).max()) + float(gram.diagonal().max()) + 1e-300
    # Donors that fit equally well (constant ones above all) are told apart by the penalty alone, which shares their
    # weight out; the stop must be fine enough to see it.
    tolerance = max(_ROUNDING, min(_KKT_TOL, 1e-3 * ridge / (p * scale)))
    n_iter, gap = 0, np.inf
    for _ in range(20 * p + 100):
        # Inner loop: the optimum on the support's affine hull; walk towards it, drop whom the walk hits at
        # zero.
        while True:
            target = _equality_optimum(gram, q, ridge, support)
            n_iter += 1
            here = w[support]
            shrinking = target <= 0
            if not shrinking.any():
                w[support] = target
                break
            steps = np.where(shrinking, here / np.maximum(here - target, 1e-300), np.inf)
            blocker = int(np.argmin(steps))
            moved = here + min(1.0, float(steps[blocker])) * (target - here)
            w[support] = np.maximum(moved, 0.0)
            w[support[blocker]] = 0.0
            del support[blocker]
        gradient = w[support] @ gram[support] + ridge * w - q
        level = float(gradient[support].mean())
        slack = np.where(usable, gradient - level, np.inf)
        slack[support] = np.inf
        entering = int(np.argmin(slack))
        gap = max(0.0, -float(slack[entering])) / scale
        if gap <= tolerance:
            break
        support.append(entering)
    w /= w.sum()
    return w, gap, n_iter


def _equality_optimum(
    gram: FloatArray | WideGram, q: FloatArray, ridge: float, support: list[int]
) -> FloatArray:
    # min w'Gw - 2 q'w with sum w = 1: two solves with one factor, then the multiplier that makes the sum 1.
    G = gram[support][:, support]
    G.flat[:: len(support) + 1] += ridge
    both = np.linalg.solve(G, np.column_stack([q[support], np.ones(len(support))]))
    free, ones = both[:, 0], both[:, 1]
    return np.asarray(free + ones * ((1.0 - free.sum()) / ones.sum()))


@dataclass(frozen=True)
class PublishedRate:
    """Steps with which paper A's tables 2, 4 and 5 were made.

    Attributes
    ----------
    steps : int
        Number of steps; no stopping rule ever ends them earlier.
    rate : float
        First value of the rate, which each weight divides by one plus the root of its summed squared gradients.
    patience : int
        Number of steps without a new best objective after which the rate is cut, and cut again after each further one.
    cut : float
        What the rate is multiplied by.
    lowest : float
        The rate is never cut below this share of its first value.
    floor : float
        Weights below this are raised to it before they are made to sum to 1.
    """

    steps: int = 3000
    rate: float = 0.01
    patience: int = 10
    cut: float = 0.9
    lowest: float = 0.01
    floor: float = 1e-18


def simplex_mirror_descent_paper(
    gram: FloatArray | WideGram,
    xty: FloatArray,
    alpha: float = 0.0,
    settings: PublishedRate | None = None,
) -> SimplexResult:
    r"""Take paper A's *unconverged* synthetic control: a parity mode, not a solver. Use `simplex_least_squares`.

    Entropic mirror descent on :math:`\|y - Xw\|_2^2 + \alpha \|w\|_2^2` from uniform weights,

    .. math:: w_j \leftarrow w_j \exp\Bigl(-\frac{\eta\, g_j}{1 + \sqrt{\textstyle\sum g_j^2}}\Bigr)

    with the sum over all gradients so far; then weights are floored and made to sum to 1. The loss is a sum, so that
    the root is large and 3000 steps leave the weights near uniform. While the objective at the start of a step has
    not been the best one for ``patience`` steps, each step cuts :math:`\eta`. Where the objective falls all the way,
    steps are taken in blocks, at a fifteenth of the cost; on the paper's data, predictions then differ from those of
    single steps by about 1e-3 of their standard deviation.

    Parameters
    ----------
    gram, xty, alpha
        As in `simplex_least_squares`.
    settings : PublishedRate, optional
        Rate and number of steps; by default those of the paper's tables.

    Returns
    -------
    SimplexResult
        ``kkt_gap`` is not computed (NaN): the point is not an optimum.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> simplex_mirror_descent_paper(X.T @ X, X.T @ np.array([0.9, 0.3])).weights.round(2)
    array([0.73, 0.27])
    """
    _checked(gram, xty, alpha, None)
    at = settings or PublishedRate()
    if at.steps < 1 or not at.rate > 0:
        raise ParameterError("'steps' and 'rate' must be positive.")
    q = xty.reshape(len(gram), -1)
    w, descended = _in_blocks(gram, q, alpha, at)
    if not descended.all():
        w[:, ~descended] = _step_by_step(gram, q[:, ~descended], alpha, at)
    return SimplexResult(w.reshape(xty.shape), float("nan"), at.steps)


def _step_by_step(gram: FloatArray | WideGram, q: FloatArray, alpha: float, at: PublishedRate) -> FloatArray:
    w = np.full(q.shape, 1.0 / len(q))
    squares = np.zeros(q.shape)
    best, since, rate = (np.full(q.shape[1], value) for value in (np.inf, 0, at.rate))
    for _ in range(at.steps):
        half = gram @ w + alpha * w - q
        objective = np.einsum("ij,ij->j", w, half - q)  # without |y|^2, which no comparison needs
        improved = objective < best
        best = np.where(improved, objective, best)
        since = np.where(improved, 0, since + 1)
        squares += 4.0 * half**2
        w = w * np.exp(-2.0 * rate * half / (1.0 + np.sqrt(squares)))
        w = np.maximum(w, at.floor)
        w /= w.sum(axis=0)
        rate = np.where(since >= at.patience, np.maximum(rate * at.cut, at.lowest * at.rate), rate)
    return w


def _in_blocks(
    gram: FloatArray | WideGram, q: FloatArray, alpha: float, at: PublishedRate
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Take the same steps in blocks, and say for which targets that is allowed.

    Steps shrink like one over the root of their number, so that the gradient hardly bends within a block that is a
    small part of all steps so far. It is taken as a straight line there, from its value before the block to its value
    where the block would end if it kept its slope. A target whose objective ever fails to fall, or a weight near the
    floor, would need the single steps.
    """
    w = np.full(q.shape, 1.0 / len(q))
    squares = np.zeros(q.shape)
    descended = np.ones(q.shape[1], dtype=bool)
    best = np.full(q.shape[1], np.inf)
    slope = np.zeros(q.shape)
    done, length = 0, 1
    half = gram @ w + alpha * w - q
    while done < at.steps:
        length = min(max(1, int(done * _BLOCK)), at.steps - done)
        block = _Block(half, slope, squares, length)
        if length > 1:
            ahead = w * np.exp(-2.0 * at.rate * block.moves())
            ahead /= ahead.sum(axis=0)
            slope = (gram @ ahead + alpha * ahead - q - half) / length
            block = _Block(half, slope, squares, length)
        objective = np.einsum("ij,ij->j", w, half - q)
        descended &= objective < best
        best = objective
        w = w * np.exp(-2.0 * at.rate * block.moves())
        w /= w.sum(axis=0)
        descended &= w.min(axis=0) > 10 * at.floor
        if not descended.any():
            break
        squares = block.squares(length)
        done += length
        before, half = half, gram @ w + alpha * w - q
        slope = (half - before) / length
    return w, descended


@dataclass(frozen=True, eq=False)
class _Block:
    """Steps during which half the gradient goes along a line: ``half`` before the first, then ``half + slope``, ...

    ``before`` is the sum of squared gradients before the block.
    """

    half: FloatArray
    slope: FloatArray
    before: FloatArray
    length: int

    def squares(self, steps: float) -> FloatArray:
        """Return the sum of squared gradients after the first steps, of which there may be a broken number."""
        h, d, last = self.half, self.slope, steps - 1
        cross, own = steps * last, steps * last * (2 * steps - 1) / 6
        return np.asarray(self.before + 4.0 * (steps * h**2 + cross * h * d + own * d**2))

    def moves(self) -> FloatArray:
        """Sum half the gradient of each step over one plus the root of the squares up to it.

        The sum over steps is the integral from half a step before the first to half a step after the last, by Gauss's
        rule with two nodes; of a single step it is exact.
        """
        if self.length == 1:
            return np.asarray(self.half / (1.0 + np.sqrt(self.squares(1))))
        middle, reach = (1 + self.length) / 2, self.length / (2 * np.sqrt(3))
        total = sum(
            (self.half + (step - 1) * self.slope) / (1.0 + np.sqrt(self.squares(step)))
            for step in (middle - reach, middle + reach)
        )
        return np.asarray(total * (self.length / 2))

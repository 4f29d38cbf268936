r"""Complete matrices with missing entries at low rank: hard-impute, soft-impute and ridge-penalised factors.

Missing is ``NaN`` throughout; observed entries never change; nothing is centred. All three are
deterministic, and the order of rows and columns matters only through rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from truetwin.errors import DataError, ParameterError
from truetwin.solvers._spectral_flow import Course, SplitMatrix, follow

_LARGEST_SINGLE = 1e15  # its square, summed over many cells, is still a number of single precision

FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class LowRankResult:
    """Completed matrix, and how the iteration ended.

    Attributes
    ----------
    completed : ndarray of shape (n, p)
        The input with its missing entries filled in (for `als`: the low-rank fit in *every* cell).
    n_iter : int
        Rank-r projections computed; 0 if nothing was missing.
    converged : bool
        Whether the stop rule was met within ``max_iter``.
    course : Course, optional
        How far the iteration has come, for functions that go on from here.
    """

    completed: npt.NDArray[np.float64]
    n_iter: int
    converged: bool
    course: Course | None = None


def hard_impute(
    X: FloatArray,
    rank: int,
    *,
    start: FloatArray | None = None,
    max_iter: int = 1000,
    tol: float = 1e-4,
    accelerate: bool = True,
    dtype: npt.DTypeLike = np.float64,
) -> LowRankResult:
    r"""Hard-impute: fill missing entries by repeated truncated SVD.

    Follows :math:`Z \leftarrow P_{observed}(X) + P_{missing}(\mathrm{SVD}_r(Z))`, a descent on

    .. math:: \min_{Z,\ \mathrm{rank}(L) \le r} \|Z - L\|_F^2 \quad \text{with } Z = X \text{ where observed},

    until one such step moves Z by less than ``tol`` relative to its Frobenius norm. Source: paper A,
    appendix A.2; Mazumder, Hastie and Tibshirani (2010). The early stop is part of the method: the limit
    overfits.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Answers, NaN where missing. Not modified.
    rank : int
        Rank r, at least 1. If it is ``min(n, p)`` or more, the start is returned: every matrix is its own
        rank-r approximation.
    start : ndarray of shape (n, p), optional
        Values at which missing entries start; only those cells are read. Default: column means of the
        observed entries; the mean of all observed entries in a column that has none.
    max_iter : int, default=1000
        Most plain iterations, or the distance that many would travel.
    tol : float, default=1e-4
        Stop rule, relative to the Frobenius norm.
    accelerate : bool, default=True
        Follow the same path in longer steps (see `truetwin.solvers._spectral_flow`); the result differs from
        the plain iteration by far less than ``tol`` leaves open.
    dtype : dtype, default=float64
        Working precision; the result is float64 either way, and observed entries are copied from ``X``.
        ``numpy.float32`` halves time and memory and moves no published number by more than 1e-4, but the order of
        rows and columns then shows at up to about 2e-4 of an item's sd (float64: 1e-11).

    Returns
    -------
    LowRankResult

    Raises
    ------
    DataError
        If X is not two-dimensional, is empty, holds infinities, or has no observed entry.
    ParameterError
        If ``rank``, ``tol`` or ``max_iter`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.outer([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0])
    >>> X[3, 2] = np.nan
    >>> round(float(hard_impute(X, 1, tol=1e-9).completed[3, 2]), 4)
    12.0
    """
    return _spectral(X, rank, 0.0, start, max_iter, tol, accelerate, dtype)


def hard_impute_rows_apart(
    X: FloatArray,
    apart: npt.NDArray[np.bool_],
    rank: int,
    *,
    max_iter: int = 1000,
    tol: float = 1e-4,
    dtype: npt.DTypeLike = np.float64,
) -> LowRankResult:
    r"""Hard-impute with a group of rows set apart: each of them influences only itself.

    Rows outside ``apart`` are completed as if the others did not exist. A row inside starts at their column means
    and repeats :math:`z \leftarrow P_{observed}(x) + P_{missing}(V V^\top z)`, with V the right singular vectors
    of the completed rows outside. So one call serves *every* leave-one-respondent-out fold of the group: dropping,
    hiding or scrambling one row of the group changes no other row at all.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Answers, NaN where missing. Not modified.
    apart : bool ndarray of shape (n,)
        The group; about a sixteenth of the rows is a good size.
    rank, max_iter, tol, dtype
        As in `hard_impute`.

    Returns
    -------
    LowRankResult

    Raises
    ------
    DataError
        If ``apart`` is not a mask of the rows or leaves none; otherwise as in `hard_impute`.
    ParameterError
        As in `hard_impute`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.outer([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0])
    >>> X[3, 2] = np.nan
    >>> apart = np.array([False, False, False, True])
    >>> round(float(hard_impute_rows_apart(X, apart, 1, tol=1e-9).completed[3, 2]), 4)
    12.0
    """
    apart = np.asarray(apart)
    if apart.shape != X.shape[:1] or apart.dtype != bool or apart.all():
        raise DataError(
            f"'apart' must be a boolean mask of {X.shape[0]} rows that leaves at least one row out."
        )
    result = hard_impute(X[~apart], rank, max_iter=max_iter, tol=tol, dtype=dtype)
    rest = result.completed
    wide = rest.shape[0] < rest.shape[1]
    k = min(rank, *rest.shape)
    if wide:
        vectors = np.linalg.svd(rest, full_matrices=False)[2][:k].T
    else:
        vectors = np.linalg.eigh(rest.T @ rest)[1][:, ::-1][:, :k]
    completed = np.empty(X.shape)
    completed[~apart] = rest
    completed[apart] = _rows_against(X[apart], vectors, rest.mean(axis=0), max_iter, tol)
    return LowRankResult(completed, result.n_iter, result.converged)


def _rows_against(X: FloatArray, V: FloatArray, means: FloatArray, max_iter: int, tol: float) -> FloatArray:
    missing = np.isnan(X)
    Z = np.where(missing, means, X)
    moving = np.flatnonzero(missing.any(axis=1))
    for _ in range(max_iter):  # each row stops by its own rule, so that no row depends on its company
        if not len(moving):
            break
        z = Z[moving]
        # einsum, not BLAS: a product's rounding may depend on how many rows it has
        low = np.einsum("ik,jk->ij", np.einsum("ij,jk->ik", z, V), V)
        step = np.where(missing[moving], low - z, 0.0)
        Z[moving] = z + step
        change, size = np.square(step).sum(axis=1), np.square(z).sum(axis=1)
        moving = moving[change > tol**2 * size]
    return Z


def soft_impute(
    X: FloatArray,
    rank: int,
    shrinkage: float,
    *,
    start: FloatArray | None = None,
    max_iter: int = 1000,
    tol: float = 1e-4,
    accelerate: bool = True,
    dtype: npt.DTypeLike = np.float64,
) -> LowRankResult:
    r"""Soft-impute: fill missing entries by repeated SVD with lowered singular values.

    As `hard_impute`, but each singular value is lowered by ``shrinkage`` (not below 0) and the largest
    ``rank`` are kept. Where the rank does not bind, the limit solves

    .. math:: \min_{L} \tfrac12 \|P_{observed}(X - L)\|_F^2 + \lambda \|L\|_*

    with :math:`\lambda` the shrinkage. Source: paper A, appendix A.2; Mazumder, Hastie and Tibshirani (2010).

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Answers, NaN where missing. Not modified.
    rank : int
        Most singular values kept, at least 1.
    shrinkage : float
        Subtracted from each singular value, in units of X; >= 0.
    start, max_iter, tol, accelerate, dtype
        As in `hard_impute`.

    Returns
    -------
    LowRankResult

    Raises
    ------
    DataError, ParameterError
        As in `hard_impute`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 2.0], [2.0, np.nan]])
    >>> soft_impute(X, 2, 0.1, tol=1e-8).converged
    True
    """
    if not shrinkage >= 0:
        raise ParameterError(f"'shrinkage' must be >= 0. Got {shrinkage!r} instead.")
    return _spectral(X, rank, float(shrinkage), start, max_iter, tol, accelerate, dtype)


def als(
    X: FloatArray,
    rank: int,
    penalty: float,
    *,
    start: FloatArray | LowRankResult | None = None,
    max_iter: int = 1000,
    tol: float = 1e-5,
    dtype: npt.DTypeLike = np.float64,
) -> LowRankResult:
    r"""Ridge-penalised low-rank factors: the problem of alternating least squares (ALS), without a random start.

    Solves

    .. math:: \min_{U \in R^{n \times r}, V \in R^{p \times r}}
              \|P_{observed}(X - UV^\top)\|_F^2 + \lambda (\|U\|_F^2 + \|V\|_F^2)

    Alternating least squares from a random start reaches a point that depends on the seed and on the order
    of rows. Where the rank does not bind, the minimum over factors equals that of `soft_impute` with
    shrinkage :math:`\lambda`, which is convex (Srebro, Rennie and Jaakkola, 2005; Hastie et al., 2015). So
    this function runs that convex iteration from zero, to a tighter stop than `soft_impute` has, and
    returns the fit :math:`UV^\top`. No seed is involved. Where the rank binds, it is a stationary point of
    the same problem. Source of the method: paper A, appendix A.2.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Answers, NaN where missing. Not modified.
    rank : int
        Columns of U and V, at least 1.
    penalty : float
        :math:`\lambda`, in units of X; > 0.
    start : ndarray of shape (n, p), or LowRankResult, optional
        Values at which missing entries start (default 0). It changes the time, and the result only within
        ``tol``. The best one is the result of `soft_impute` for the same X, with the same rank and shrinkage: the
        iteration then goes on where that one stopped, in strides as long as it had reached.
    max_iter, tol, dtype
        As in `hard_impute`, with a tighter stop.

    Returns
    -------
    LowRankResult
        ``completed`` is :math:`UV^\top` in every cell, observed ones too.

    Raises
    ------
    DataError, ParameterError
        As in `hard_impute`.

    Examples
    --------
    >>> import numpy as np
    >>> als(np.array([[4.0, 0.0], [0.0, 2.0]]), rank=2, penalty=1.0).completed.round(6) + 0.0
    array([[3., 0.],
           [0., 1.]])
    """
    if not penalty > 0:
        raise ParameterError(f"'penalty' must be > 0. Got {penalty!r} instead.")
    missing = check_incomplete(X, rank, tol, max_iter)
    after = start.course if isinstance(start, LowRankResult) else None
    values = start.completed if isinstance(start, LowRankResult) else start
    begin = np.zeros((1, 1)) if values is None else starting_values(X, missing, values)
    wide = X.shape[0] < X.shape[1]
    matrix = SplitMatrix(*((X.T, missing.T, begin.T) if wide else (X, missing, begin)), dtype)
    end = follow(
        matrix,
        rank,
        shrinkage=float(penalty),
        tol=tol,
        max_iter=max_iter,
        accelerate=True,
        after=after,
    )
    fit = (end.left @ end.right.T).astype(np.float64)
    return LowRankResult(fit.T if wide else fit, end.n_iter, end.converged)


def _spectral(
    X: FloatArray,
    rank: int,
    shrinkage: float,
    start: FloatArray | None,
    max_iter: int,
    tol: float,
    accelerate: bool,
    dtype: npt.DTypeLike,
) -> LowRankResult:
    missing = check_incomplete(X, rank, tol, max_iter)
    if not missing.any():
        return LowRankResult(np.array(X, dtype=np.float64), 0, True)
    begin = starting_values(X, missing, start)
    # The engine works on tall matrices; both iterations commute with transposing.
    wide = X.shape[0] < X.shape[1]
    table, gaps, begin = (X.T, missing.T, begin.T) if wide else (X, missing, begin)
    matrix = SplitMatrix(table, gaps, begin, dtype)
    if matrix.largest() > _LARGEST_SINGLE:  # squares of such numbers are infinite in single precision
        matrix = SplitMatrix(table, gaps, begin, np.float64)
    end = follow(matrix, rank, shrinkage=shrinkage, tol=tol, max_iter=max_iter, accelerate=accelerate)
    filled = matrix.fill(table, gaps)
    return LowRankResult(filled.T if wide else filled, end.n_iter, end.converged, end.course)


def check_incomplete(X: FloatArray, rank: int, tol: float, max_iter: int) -> npt.NDArray[np.bool_]:
    """Validate a matrix with missing entries and the common parameters; return the mask of its missing entries."""
    if np.ndim(X) != 2 or X.size == 0:
        raise DataError(f"X must be a two-dimensional array with entries. Got shape {np.shape(X)}.")
    if np.isinf(X).any():
        i, j = np.argwhere(np.isinf(X))[0]
        raise DataError(f"X must be finite or NaN (missing). Found {X[i, j]} at row {i}, column {j}.")
    missing = np.isnan(X)
    if missing.all():
        raise DataError("X must have at least one observed entry. All are NaN.")
    if rank < 1:
        raise ParameterError(f"'rank' must be at least 1. Got {rank!r} instead.")
    if not tol >= 0:
        raise ParameterError(f"'tol' must be >= 0. Got {tol!r} instead.")
    if max_iter < 1:
        raise ParameterError(f"'max_iter' must be at least 1. Got {max_iter!r} instead.")
    return missing


def starting_values(
    X: FloatArray, missing: npt.NDArray[np.bool_], start: FloatArray | None = None
) -> FloatArray:
    """Return values at which missing entries start, (n, p) or (1, p): ``start``, or means of the observed entries."""
    if start is not None:
        if np.shape(start) != X.shape:
            raise DataError(f"'start' must have the shape of X, {X.shape}. Got {np.shape(start)}.")
        if not (np.isfinite(start) | ~missing).all():
            raise DataError("'start' must be finite wherever X is missing.")
        return start
    known = np.array(X, dtype=np.float64, order="C")
    known.reshape(-1)[np.flatnonzero(missing)] = 0.0
    count, total = len(X) - missing.sum(axis=0), known.sum(axis=0)
    means: FloatArray = np.where(count > 0, total / np.maximum(count, 1), total.sum() / count.sum())
    return means[None]

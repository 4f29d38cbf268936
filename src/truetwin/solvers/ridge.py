r"""Solve ridge regression for many targets from one eigendecomposition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from truetwin.errors import DataError, ParameterError

FloatArray = npt.NDArray[np.float64]


class RidgeDesign:
    r"""Ridge regression on one design matrix, factored once for any number of targets and penalties.

    Solves, with an unpenalised intercept,

    .. math:: \min_{w, b} \|y - Xw - b\|_2^2 + \alpha \|w\|_2^2

    through the eigendecomposition of the centred Gram matrix on the smaller side: :math:`X_c^\top X_c` when
    ``n >= p``, else :math:`X_c X_c^\top`. The loss is a sum, as in scikit-learn's ``Ridge``, so the same
    ``alpha`` weighs less with more rows. Memory beyond X: one p x p (or n x n) matrix and one centred copy
    of X.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Donors, complete.

    Raises
    ------
    DataError
        If X is not two-dimensional or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> coef, intercept = RidgeDesign(X).solve(np.array([1.0, 3.0, 5.0]), alpha=0.0)
    >>> coef.round(6), intercept.round(6)
    (array([2.]), np.float64(1.0))
    """

    def __init__(self, X: FloatArray) -> None:
        if np.ndim(X) != 2 or X.size == 0:
            raise DataError(f"X must be a two-dimensional array with entries. Got shape {np.shape(X)}.")
        if not np.isfinite(X).all():
            raise DataError("X must be finite; impute missing entries first.")
        self._mean = X.mean(axis=0)
        self._centred = X - self._mean
        self._primal = X.shape[0] >= X.shape[1]
        C = self._centred
        values, self._vectors = np.linalg.eigh(C.T @ C if self._primal else C @ C.T)
        self._values = np.maximum(values, 0.0)

    def solve(self, y: FloatArray, alpha: float) -> tuple[FloatArray, FloatArray]:
        """Return coefficients and intercepts for one target or several.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets.
        alpha : float
            Penalty; >= 0. At 0 the minimum-norm solution.

        Returns
        -------
        coef : ndarray of shape (p,) or (p, k)
            Coefficients, one column a target.
        intercept : ndarray of shape () or (k,)
            Intercept of each target.
        """
        if not alpha >= 0:
            raise ParameterError(f"'alpha' must be >= 0. Got {alpha!r} instead.")
        if y.shape[0] != self._centred.shape[0] or not np.isfinite(y).all():
            raise DataError(f"y must be finite with {self._centred.shape[0]} rows. Got shape {y.shape}.")
        y_mean = y.mean(axis=0)
        residual = y - y_mean
        # Directions at rounding level carry no information; dividing by them would at alpha = 0.
        cutoff = self._values[-1] * max(self._centred.shape) * np.finfo(np.float64).eps
        scale = np.where(self._values > cutoff, 1.0 / np.maximum(self._values + alpha, 1e-300), 0.0)
        scale = scale if y.ndim == 1 else scale[:, None]
        U, C = self._vectors, self._centred
        if self._primal:
            coef = U @ (scale * (U.T @ (C.T @ residual)))
        else:
            coef = C.T @ (U @ (scale * (U.T @ residual)))
        return coef, np.asarray(y_mean - self._mean @ coef)[()]


def ridge(X: FloatArray, y: FloatArray, alpha: float) -> tuple[FloatArray, FloatArray]:
    """Solve one ridge regression: `RidgeDesign` in one call.

    One or two targets are solved by a Cholesky factorisation, which is cheaper. A sweep with one design for each fold
    needs that.

    Examples
    --------
    >>> import numpy as np
    >>> coef, intercept = ridge(np.array([[0.0], [2.0]]), np.array([0.0, 2.0]), alpha=2.0)
    >>> coef, intercept
    (array([0.5]), np.float64(0.5))
    """
    n, p = X.shape
    if not alpha > 0:
        return RidgeDesign(X).solve(y, alpha)
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise DataError("X and y must be finite; impute missing entries first.")
    x_mean, y_mean = X.mean(axis=0), y.mean(axis=0)
    C, residual = X - x_mean, y - y_mean
    if n >= p:
        coef = np.linalg.solve(C.T @ C + alpha * np.eye(p), C.T @ residual)
    else:
        coef = C.T @ np.linalg.solve(C @ C.T + alpha * np.eye(n), residual)
    return coef, np.asarray(y_mean - x_mean @ coef)[()]

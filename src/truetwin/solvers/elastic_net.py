r"""Solve lasso and elastic net from Gram matrices, in scikit-learn's parametrisation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from truetwin.errors import DataError, ParameterError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ElasticNetResult:
    """Elastic-net coefficients of one or many targets.

    Attributes
    ----------
    coef : ndarray of shape (p,) or (p, k)
        Coefficients, one column a target.
    intercept : float or ndarray of shape (k,)
        Intercept of each target.
    converged : bool
        Whether coordinate descent met its tolerance for every target.
    """

    coef: FloatArray
    intercept: FloatArray
    converged: bool


class ElasticNetDesign:
    r"""Elastic net on one design matrix, whose Gram matrix is shared by all targets and penalties.

    Solves, with an unpenalised intercept,

    .. math:: \min_{w, b} \tfrac{1}{2n} \|y - Xw - b\|_2^2
              + \alpha \rho \|w\|_1 + \tfrac{\alpha (1-\rho)}{2} \|w\|_2^2

    with :math:`\rho` the ``l1_ratio`` (1: lasso), by scikit-learn's coordinate descent on the precomputed
    centred Gram matrix. On a tall X, only the product ``X.T @ y`` of a fit depends on ``n``. When ``p > 2 n`` the
    Gram matrix would be larger than X, and descent runs on X itself.

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
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
    >>> ElasticNetDesign(X).solve(2.0 * X[:, 0], alpha=0.1, l1_ratio=1.0).coef.round(3) + 0.0
    array([1.92, 0.  ])
    """

    def __init__(self, X: FloatArray) -> None:
        if np.ndim(X) != 2 or X.size == 0:
            raise DataError(f"X must be a two-dimensional array with entries. Got shape {np.shape(X)}.")
        if not np.isfinite(X).all():
            raise DataError("X must be finite; impute missing entries first.")
        n, p = X.shape
        self._mean = X.mean(axis=0)
        self._centred = np.asfortranarray(X - self._mean)
        self._gram = np.ascontiguousarray(self._centred.T @ self._centred) if p <= 2 * n else None

    def solve(
        self,
        y: FloatArray,
        alpha: float,
        l1_ratio: float,
        *,
        max_iter: int = 10_000,
        tol: float = 1e-4,
    ) -> ElasticNetResult:
        """Fit one target ``(n,)`` or several ``(n, k)``, each on its own.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            One target or several.
        alpha : float
            Penalty; > 0.
        l1_ratio : float
            Share of the L1 part, in [0, 1].
        max_iter, tol : int, float
            scikit-learn's limits: sweeps, and the duality gap relative to the squares of centred y.
        """
        if not alpha > 0:
            raise ParameterError(f"'alpha' must be > 0 (use ridge for none). Got {alpha!r} instead.")
        if not 0 <= l1_ratio <= 1:
            raise ParameterError(f"'l1_ratio' must lie in [0, 1]. Got {l1_ratio!r} instead.")
        if y.shape[0] != self._centred.shape[0] or not np.isfinite(y).all():
            raise DataError(f"y must be finite with {self._centred.shape[0]} rows. Got shape {y.shape}.")
        y_mean = y.mean(axis=0)
        residual = (y - y_mean).reshape(len(y), -1)
        coef = np.zeros((self._centred.shape[1], residual.shape[1]))
        converged = True
        for k in range(residual.shape[1]):
            coef[:, k], ok = self._descend(
                np.ascontiguousarray(residual[:, k]), alpha, l1_ratio, max_iter, tol
            )
            converged = converged and ok
        coef = coef.reshape(-1) if y.ndim == 1 else coef
        return ElasticNetResult(coef, np.asarray(y_mean - self._mean @ coef)[()], converged)

    def _descend(
        self, residual: FloatArray, alpha: float, l1_ratio: float, max_iter: int, tol: float
    ) -> tuple[FloatArray, bool]:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import enet_path

        size = float(residual @ residual)
        if size <= 1e-20 * len(
            residual
        ):  # a constant target: the path's stop rule is relative to its squares
            return np.zeros(self._centred.shape[1]), True
        with warnings.catch_warnings():
            # Reported through `converged`; l1_ratio near 0 warns although the Gram solver handles it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.filterwarnings("ignore", message=".*l1_reg.*|.*l1_ratio.*", category=UserWarning)
            _, coefs, gaps = enet_path(
                self._centred,
                residual,
                l1_ratio=l1_ratio,
                alphas=[alpha],
                precompute=self._gram if self._gram is not None else False,
                Xy=None if self._gram is None else self._centred.T @ residual,
                check_input=False,
                copy_X=False,
                max_iter=max_iter,
                tol=tol,
            )
        # scikit-learn releases differ in whether the gap and its tolerance are divided by n; take the looser.
        return coefs[:, 0], bool(gaps[0] <= tol * size)

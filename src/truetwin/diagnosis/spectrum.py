"""Measure how low-rank the answers are: spectra, cumulative variance, effective rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.diagnosis.standardised_panel import Array, completed
from truetwin.errors import ParameterError
from truetwin.solvers.low_rank import hard_impute

MAX_RANK = 12
HIDDEN_SHARE = 0.1
N_REPEATS = 3
PATIENCE = 3
MAX_ROWS = 2500


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Singular values of one source's answers, columns demeaned.

    Attributes
    ----------
    singular_values : ndarray of shape (min(n, m),)
        Largest first.
    validation_error : ndarray of shape (n_ranks, n_repeats)
        Root mean squared error on hidden entries for ranks 0, 1, ..., relative to rank 0 (column means); NaN for a
        rank that was not tried.
    effective_rank : int
        The rank with the smallest mean validation error; 0 if column means predict hidden entries best.
    """

    singular_values: Array
    validation_error: Array
    effective_rank: int

    @property
    def cumulative_variance(self) -> Array:
        """Share of the variance in the leading 1, 2, ... directions (paper A, figure 10)."""
        squares = self.singular_values**2
        return np.asarray(np.cumsum(squares) / max(float(squares.sum()), 1e-300))


def spectrum(values: Array, *, max_rank: int = MAX_RANK, random_state: int = 0) -> Spectrum:
    """Compute spectrum and effective rank of answers with demeaned columns.

    Gaps are filled by iterative SVD of the effective rank before the spectrum is taken. Source: paper A, section 4.2
    and appendix A.1.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Answers with demeaned columns, NaN where missing.
    max_rank : int, default=12
        Largest rank tried.
    random_state : int, default=0
        Seed of the hidden entries.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 2)) @ rng.standard_normal((2, 20)) + 0.1 * rng.standard_normal((200, 20))
    >>> spectrum(X - X.mean(axis=0)).effective_rank
    2
    """
    return spectrum_at(values, validation_errors(values, max_rank=max_rank, random_state=random_state))


def spectrum_at(values: Array, errors: Array) -> Spectrum:
    """Compute the spectrum of answers whose validation errors are known, gaps filled at the best rank."""
    rank = int(np.nanargmin(errors.mean(axis=1)))
    full = completed(values, max(rank, 1)) if np.isnan(values).any() else values
    full = full - full.mean(axis=0)
    return Spectrum(np.linalg.svd(full, compute_uv=False), errors, rank)


def validation_errors(
    values: Array, *, max_rank: int = MAX_RANK, n_repeats: int = N_REPEATS, random_state: int = 0
) -> Array:
    """Measure the error of low-rank completion on a tenth of the entries, hidden at random.

    Ranks are tried in turn until three in a row are worse than the best one.

    Returns
    -------
    ndarray of shape (n_ranks, n_repeats)
        Root mean squared error relative to predicting column means, which is rank 0.
    """
    if max_rank < 1:
        raise ParameterError(f"max_rank must be >= 1; got {max_rank}")
    rng = np.random.default_rng(random_state)
    if values.shape[0] > MAX_ROWS:
        values = values[np.sort(rng.choice(values.shape[0], MAX_ROWS, replace=False))]
    tests = [_hide(values, rng) for _ in range(n_repeats)]
    errors = [[1.0] * n_repeats]
    best = 0
    for rank in range(1, min(max_rank, min(values.shape) - 1) + 1):
        errors.append([test.error(rank) for test in tests])
        if np.mean(errors[rank]) < np.mean(errors[best]):
            best = rank
        elif rank - best >= PATIENCE:
            break
    return np.array(errors)


def errors_at(values: Array, ranks: Sequence[int], *, share: float, random_state: int = 0) -> Array:
    """Measure the error of low-rank completion at some ranks, on a share of the entries hidden once at random.

    Returns
    -------
    ndarray of shape (max(ranks) + 1, 1)
        Root mean squared error relative to predicting column means, which is rank 0; NaN at the other ranks.
    """
    hidden = _hide(values, np.random.default_rng(random_state), share)
    errors = np.full((max(ranks) + 1, 1), np.nan)
    errors[0] = 1.0
    for rank in ranks:
        errors[rank] = hidden.error(rank)
    return errors


@dataclass(frozen=True, eq=False)
class _Hidden:
    values: Array
    where: tuple[NDArray[np.intp], NDArray[np.intp]]
    truth: Array
    base: float

    def error(self, rank: int) -> float:
        """Root mean squared error at the hidden entries, relative to column means; 1 if there is nothing to explain."""
        if self.base == 0:
            return 1.0
        guess = hard_impute(self.values, rank, dtype=np.float32).completed[self.where]
        return float(np.sqrt(np.mean((self.truth - guess) ** 2)) / self.base)


def _hide(values: Array, rng: np.random.Generator, share: float = HIDDEN_SHARE) -> _Hidden:
    rows, columns = np.nonzero(np.isfinite(values))
    drawn = rng.random(rows.size) < share
    where = rows[drawn], columns[drawn]
    hidden = values.copy()
    hidden[where] = np.nan
    means = np.nansum(hidden, axis=0) / np.maximum(np.isfinite(hidden).sum(axis=0), 1)
    truth = values[where]
    base = float(np.sqrt(np.mean((truth - means[where[1]]) ** 2))) if truth.size else 0.0
    return _Hidden(hidden, where, truth, base)

"""Leading eigenvalues and eigenvectors of a symmetric matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh


def leading_eigenpairs(
    matrix: NDArray[np.floating], k: int
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Find the k largest eigenvalues, largest first, and their eigenvectors, (p, k).

    LAPACK finds a part of a spectrum faster than the whole, but where many eigenvalues are equal it may return fewer
    than were asked for. The whole spectrum is computed then.

    Examples
    --------
    >>> values, vectors = leading_eigenpairs(np.diag([1.0, 3.0, 2.0]), 2)
    >>> values.tolist(), np.abs(vectors).argmax(axis=0).tolist()
    ([3.0, 2.0], [1, 2])
    """
    p = len(matrix)
    values, vectors = eigh(matrix, subset_by_index=(p - k, p - 1))
    if len(values) < k or vectors.shape[1] < k:
        values, vectors = np.linalg.eigh(matrix)
    return values[::-1][:k], vectors[:, ::-1][:, :k]

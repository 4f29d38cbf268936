"""Correlations of normal scores: mended so that they can be drawn from."""

from __future__ import annotations

import numpy as np

from truetwin.calibration.orientation import Array

EIGENVALUE_FLOOR = 0.02


def positive_definite(correlations: Array) -> Array:
    """Return the correlations with eigenvalues raised to at least 0.02 and a unit diagonal."""
    values, vectors = np.linalg.eigh(correlations)
    raised = (vectors * np.maximum(values, EIGENVALUE_FLOOR)) @ vectors.T
    root = np.sqrt(np.diag(raised))
    return np.asarray(raised / np.outer(root, root))

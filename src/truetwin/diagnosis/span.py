r"""Measure how far items are from the span of the donors (the answered items), in the twins' answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truetwin.diagnosis.standardised_panel import Array, Positions, Prepared

ALPHA = 100.0  # ridge penalty, the paper's setting for Twin-2K-500 (table 7); the loss is a sum over twins


@dataclass(frozen=True, eq=False)
class Span:
    """Regression of an item's twin answers on those of its donors.

    Attributes
    ----------
    r2 : ndarray of shape (n_items,)
        Share of variance explained for twins left out of the fit in turn; NaN for items whose twins do not vary.
    distance : ndarray of shape (n_items,)
        Share of the item's norm outside the donors' span, within the fit: 0 in the span, 1 orthogonal to it.
    nearest : list of list of (int, float)
        For each item, the donors most correlated with it among twins, and their correlations, nearest first.
    """

    r2: Array
    distance: Array
    nearest: list[list[tuple[int, float]]]


def span(prepared: Prepared, groups: Positions, *, n_nearest: int = 3) -> Span:
    r"""Regress every item on the donors of other groups (ridge regression), leaving out each twin in turn.

    Solves :math:`\min_w \|y - Xw\|_2^2 + \alpha \|w\|_2^2` on standardised twin answers, gaps at their means. With
    :math:`B = (Z^T Z + \alpha I)^{-1}` over all donors and U = ZB, the residuals of the donors S regressed on the
    others are :math:`R = U_S B_{SS}^{-1}` and the leverages :math:`z^T B z - u_S^T B_{SS}^{-1} u_S`; a left-out
    residual is the residual over one minus the leverage.

    Parameters
    ----------
    prepared : Prepared
        The panel.
    groups : ndarray of shape (n_items,)
        A donor is regressed on donors of other groups.
    """
    n_items = prepared.twin.shape[1]
    seen = np.isfinite(prepared.twin)
    rows = seen.any(axis=1)
    Z = np.nan_to_num(prepared.twin[rows], nan=0.0)
    seen, donors = seen[rows], prepared.donors
    X = Z[:, donors]
    B = np.linalg.inv(X.T @ X + ALPHA * np.eye(donors.size))
    U = X @ B
    full = np.einsum("ij,ij->i", U, X)
    r2, distance = np.full((2, n_items), np.nan)
    for group in np.unique(groups[donors]):
        s = np.flatnonzero(groups[donors] == group)
        residual = np.linalg.solve(B[np.ix_(s, s)], U[:, s].T).T
        leverage = full - np.einsum("ij,ij->i", residual, U[:, s])
        for k, j in enumerate(donors[s]):
            r2[j], distance[j] = _explained(Z[:, j], residual[:, k], leverage, seen[:, j])
    others = np.setdiff1d(np.flatnonzero(seen.any(axis=0)), donors)
    residuals = Z[:, others] - U @ (X.T @ Z[:, others])
    for k, j in enumerate(others):
        r2[j], distance[j] = _explained(Z[:, j], residuals[:, k], full, seen[:, j])
    return Span(r2, distance, _nearest(prepared, groups, n_nearest))


def _explained(y: Array, residual: Array, leverage: Array, seen: Array) -> tuple[float, float]:
    total = float(y[seen] @ y[seen])
    if not total:
        return float("nan"), float("nan")
    apart = residual[seen] / np.maximum(1 - leverage[seen], 1e-6)
    return 1 - float(apart @ apart) / total, float(np.sqrt(residual[seen] @ residual[seen] / total))


def _nearest(prepared: Prepared, groups: Positions, count: int) -> list[list[tuple[int, float]]]:
    K, donors = prepared.twin_correlations, prepared.donors
    found = []
    for j in range(K.shape[0]):
        near = donors[(groups[donors] != groups[j]) & (donors != j)]
        best = near[np.argsort(-np.abs(K[j, near]), kind="stable")[:count]]
        found.append([(int(d), float(K[j, d])) for d in best])
    return found

r"""Measure how well calibration and twins did on items whose human answers are known.

Calibrated predictions here are Gaussian conditional expectations with the twins' correlations K,

.. math:: \hat z_{ij} = K_{jo} (K_{oo} + \lambda I)^{-1} z_{io},

with o the donors that person i has answered. With :math:`A = (K_{oo} + \lambda I)^{-1}` and :math:`a = A z_{io}`, the
prediction of the answered items S from the others is :math:`z_S - A_{SS}^{-1} a_S`, so that every item, or every
battery, of a person is left out at the price of one inverse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from truetwin.diagnosis.standardised_panel import Array, Positions, Prepared

NOISE = 2.0  # lambda: what a person's answer holds that correlations of twins do not explain, in units of its variance
MAX_ROWS = 3000
MIN_PAIRS = 20


@dataclass(frozen=True, eq=False)
class Record:
    """Scores of hidden items, and features of them that need no human answers.

    Attributes
    ----------
    calibrated : ndarray of shape (n_items,)
        Correlation of calibrated predictions with human answers; NaN where undefined.
    agreement : ndarray of shape (n_items,)
        Correlation of calibrated predictions with the twins' own answers.
    """

    calibrated: Array
    agreement: Array


def left_out(prepared: Prepared, groups: Positions) -> Record:
    """Predict each donor item from the donors of other groups, and score the predictions.

    Parameters
    ----------
    prepared : Prepared
        The panel.
    groups : ndarray of shape (n_items,)
        Group number of each item; items of one group are left out together.
    """
    sums = _Sums(prepared.human.shape[1], 1)
    donors = prepared.donors
    numbers, sizes = np.unique(groups[donors], return_counts=True)
    shared = numbers[sizes > 1]
    for row in scored_rows(prepared):
        o, A, z = solved(prepared, row, donors)
        a = A @ z
        prediction = z - a / np.diagonal(A)
        for group in shared:
            s = np.flatnonzero(groups[o] == group)
            if s.size > 1:
                prediction[s] = z[s] - np.linalg.solve(A[np.ix_(s, s)], a[s])
        sums.add(o, prediction[:, None], z, prepared.twin[row, o], prepared.weights[row])
    calibrated, agreement = sums.correlations()
    return Record(calibrated[:, 0], agreement[:, 0])


def left_out_twice(prepared: Prepared) -> Record:
    """Compute, for each donor item, the record that would be seen if another item had no human answers.

    Returns
    -------
    Record
        With arrays of shape (n_items, n_items): entry (j, h) is the score of item j left out, with the human answers
        to h hidden from everything; entry (h, h) is the score of h itself.
    """
    n_items = prepared.human.shape[1]
    sums = _Sums(n_items, n_items)
    for row in scored_rows(prepared):
        o, A, z = solved(prepared, row, prepared.donors)
        a, own = A @ z, np.diagonal(A)
        once = z - a / own
        # the pair (j, h) left out together: the first row of the inverse of a 2 x 2 block of A, times a
        determinant = np.outer(own, own) - A**2
        np.fill_diagonal(determinant, 1.0)
        both = z[:, None] - (np.outer(a, own) - A * a[None, :]) / determinant
        np.fill_diagonal(both, once)
        prediction = np.repeat(once[:, None], n_items, axis=1)
        prediction[:, o] = both
        sums.add(o, prediction, z, prepared.twin[row, o], prepared.weights[row])
    return Record(*sums.correlations())


def agreement_of_new(prepared: Prepared, targets: Positions) -> Array:
    """Correlate calibrated predictions of new items with the twins' own answers to them."""
    K = prepared.twin_correlations
    sums = _Sums(targets.size, 1)
    every = np.arange(targets.size)
    for row in scored_rows(prepared):
        o, A, z = solved(prepared, row, prepared.donors)
        prediction = K[np.ix_(targets, o)] @ (A @ z)
        sums.add(every, prediction[:, None], prediction, prepared.twin[row, targets], prepared.weights[row])
    return np.asarray(sums.correlations()[1][:, 0])


def twin_scores(prepared: Prepared) -> Array:
    """Correlate the twins' own answers with those of their people, for each item; NaN where undefined."""
    human, twin, weights = prepared.human, prepared.twin, prepared.weights
    both = np.isfinite(human) & np.isfinite(twin) & (weights > 0)[:, None]
    terms = (np.ones(human.shape), human, human**2, twin, twin**2, human * twin)
    return _correlation(
        both.sum(axis=0).astype(float),
        *(weights @ np.where(both, term, 0.0) for term in terms),
    )


def scored_rows(prepared: Prepared) -> Iterator[int]:
    """Yield the rows of respondents who count and have answered two donors or more; of very many, a seeded sample."""
    count = np.isfinite(prepared.human[:, prepared.donors]).sum(axis=1)
    rows = np.flatnonzero((count >= 2) & (prepared.weights > 0))
    if rows.size > MAX_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MAX_ROWS, replace=False))
    return iter(int(r) for r in rows)


def solved(prepared: Prepared, row: int, donors: Positions) -> tuple[Positions, Array, Array]:
    """Return the donors that a respondent answered, the inverse of their regularised correlations, and the answers."""
    o = donors[np.isfinite(prepared.human[row, donors])]
    K = prepared.twin_correlations[np.ix_(o, o)]
    inverse = np.asarray(np.linalg.inv(K + NOISE * np.eye(o.size)), dtype=np.float64)
    return o, inverse, np.asarray(prepared.human[row, o])


class _Sums:
    """Running sums for correlations of predictions with human answers and with twin answers."""

    def __init__(self, n_items: int, n_columns: int) -> None:
        self.human = np.zeros((7, n_items, n_columns))
        self.twin = np.zeros((7, n_items, n_columns))

    def add(self, items: Positions, prediction: Array, human: Array, twin: Array, weight: float) -> None:
        """Add one respondent: predictions (n, n_columns), human answers (n,), twin answers (n,) with gaps, weight."""
        self._add(self.human, items, prediction, human[:, None], weight)
        seen = np.isfinite(twin)
        self._add(self.twin, items[seen], prediction[seen], twin[seen, None], weight)

    @staticmethod
    def _add(sums: Array, items: Positions, x: Array, y: Array, weight: float) -> None:
        sums[0, items] += 1.0
        sums[1, items] += weight
        for k, term in enumerate((x, x * x, y, y * y, x * y), 2):
            sums[k, items] += weight * term

    def correlations(self) -> tuple[Array, Array]:
        """Return the correlations of predictions with human answers and with twin answers."""
        return _correlation(*self.human), _correlation(*self.twin)


def _correlation(n: Array, total: Array, x: Array, xx: Array, y: Array, yy: Array, xy: Array) -> Array:
    """Correlate x with y from the number of pairs, the sum of their weights, and weighted sums."""
    count = np.where(total > 0, total, 1.0)
    var_x, var_y = xx / count - (x / count) ** 2, yy / count - (y / count) ** 2
    fine = (n >= MIN_PAIRS) & (var_x > 1e-12) & (var_y > 1e-12)
    scale = np.sqrt(np.where(fine, var_x * var_y, 1.0))
    return np.asarray(np.where(fine, np.clip((xy / count - x * y / count**2) / scale, -1, 1), np.nan))

r"""Gap law: how far groups lie from everybody in items that nobody has answered, and how far off that may be.

The gap of a group in an item, in sd of the item, is predicted by

.. math:: b_1 \, t_{jg} + b_2 \, c_{jg}

with t the gap of the group's twins and c that of calibrated predictions. Both coefficients are learned on answered
items, each predicted as if nobody had answered it, by a ridge regression whose coefficients are not negative and whose
penalty is chosen by hiding whole batteries. No gap, the twins' gap and the calibrated gap are among the candidates.

Gaps are deviations from everybody. An error in the level of an item, which all groups share, is therefore no error of a
gap, and it cancels in the difference of two groups. How far off gaps are is told by :mod:`.group_errors`, learned with
whole batteries hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from truetwin.estimation.group_errors import TAUS, GroupErrors

Floats = NDArray[np.float64]

PENALTIES = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
FEWEST_UNITS = 3


@dataclass(frozen=True, eq=False)
class GapRecord:
    """Gaps of groups in answered items, in sd of each item.

    Attributes
    ----------
    human, twin, calibrated : ndarray of shape (n_items, n_groups)
        Gap of each group: its mean minus that of everybody. ``calibrated`` is predicted as if the item were new.
    bases : ndarray of shape (n_items, n_groups)
        Effective number of people behind each human gap; 0 where nobody answered.
    units : sequence of n_items names
        Items of one unit (battery) are hidden together.
    """

    human: Floats
    twin: Floats
    calibrated: Floats
    bases: Floats
    units: Sequence[str]


@dataclass(frozen=True, eq=False)
class GapLaw:
    """Law of the gaps of new items.

    Attributes
    ----------
    coefficients : ndarray of shape (2,)
        Of the twins' gap and of the calibrated gap.
    chosen : str
        What predicts gaps, in words.
    errors : GroupErrors
        How far off gaps are.
    n_items : int
        Number of answered items that it was learned from.
    """

    coefficients: Floats
    chosen: str
    errors: GroupErrors
    n_items: int

    @classmethod
    def learn(cls, record: GapRecord, min_base: float = 5.0) -> GapLaw:
        """Learn coefficients and the law of errors from answered items."""
        seen = (record.bases >= min_base) & np.isfinite(record.human) & np.isfinite(record.twin)
        seen &= np.isfinite(record.calibrated)
        units = np.unique(np.asarray(record.units, dtype=object).astype(str), return_inverse=True)[1]
        items = seen.any(axis=1)
        if np.unique(units[items]).size < FEWEST_UNITS:
            why = "no gap: too few answered items to learn from"
            return cls(np.zeros(2), why, GroupErrors.expected(seen.shape[1]), int(items.sum()))
        features = np.stack([record.twin, record.calibrated], axis=-1)
        precision = np.where(seen, 1.0 / (np.median(TAUS) ** 2 + 1.0 / np.maximum(record.bases, 1.0)), 0.0)
        precision /= np.maximum(np.bincount(units, weights=items), 1.0)[units][
            :, None
        ]  # each battery counts once
        chosen, coefficients, predicted = _fit(record.human, features, precision, units)
        errors = np.where(seen, record.human - predicted, np.nan)
        law = GroupErrors.learn(errors, record.bases, units)
        return cls(coefficients, chosen, law, int(items.sum()))

    @property
    def none(self) -> bool:
        """Whether no gap is predicted, of any group in any item."""
        return not self.coefficients.any()

    def predict(self, twin: Floats, calibrated: Floats) -> Floats:
        """Predict gaps in sd of the item; where there are no twins or predictions, their gap counts as none."""
        return np.asarray(
            self.coefficients[0] * np.nan_to_num(twin) + self.coefficients[1] * np.nan_to_num(calibrated)
        )


def _fit(
    human: Floats, features: Floats, precision: Floats, units: NDArray[np.int64]
) -> tuple[str, Floats, Floats]:
    """Choose the way to predict gaps that has the least squared error with whole units hidden.

    Returns its name, its coefficients, and the gaps that it predicts for hidden units.
    """
    y, x = np.nan_to_num(human), np.nan_to_num(features)
    per_item = np.einsum("jg,jgp,jgq->jpq", precision, x, x), np.einsum("jg,jgp,jg->jp", precision, x, y)
    square, cross = (np.zeros((units.max() + 1, *part.shape[1:])) for part in per_item)
    np.add.at(square, units, per_item[0])
    np.add.at(cross, units, per_item[1])
    size = max(float(np.trace(square.sum(axis=0))) / 2.0, 1e-12)
    fixed = {
        "no gap": np.zeros(2),
        "the twins' gap": np.array([1.0, 0.0]),
        "the calibrated gap": np.array([0.0, 1.0]),
    }
    candidates: dict[str, tuple[Floats, Floats]] = {
        name: (c, np.broadcast_to(c, (len(square), 2))) for name, c in fixed.items()
    }
    for penalty in PENALTIES:
        extra = (1e-6 + penalty / 100.0) * size * np.eye(2)
        without = _solve(square.sum(axis=0) - square + extra, cross.sum(axis=0) - cross)
        whole = _solve((square.sum(axis=0) + extra)[None], cross.sum(axis=0)[None])[0]
        candidates[f"both gaps, penalty {penalty:g}%"] = whole, without
    losses, predictions = {}, {}
    for name, (_, hidden) in candidates.items():
        predictions[name] = np.einsum("jgp,jp->jg", x, hidden[units])
        losses[name] = np.bincount(units, (precision * (y - predictions[name]) ** 2).sum(axis=1))
    names, table = list(losses), np.stack(list(losses.values()))
    best = names[int(table.sum(axis=1).argmin())]
    whole = candidates[best][0]
    others = (table.sum(axis=1, keepdims=True) - table).argmin(
        axis=0
    )  # errors on a unit have no say in its own choice
    hidden_predictions = np.stack(list(predictions.values()))[others[units], np.arange(len(units))]
    words = (
        best
        if best in fixed
        else f"{whole[0]:.2f} of the twins' gap and {whole[1]:.2f} of the calibrated gap"
    )
    return words, whole, hidden_predictions


def _solve(square: Floats, cross: Floats) -> Floats:
    """Minimise b'Sb / 2 - c'b over two coefficients that are not negative, for many problems at once, (n, 2)."""
    free = np.linalg.solve(square, cross[..., None])[..., 0]
    alone = np.maximum(cross / np.diagonal(square, axis1=1, axis2=2), 0.0)
    gain = cross * alone
    one = np.where(np.arange(2) == gain.argmax(axis=1)[:, None], alone, 0.0)
    return np.asarray(np.where((free >= 0).all(axis=1, keepdims=True), free, one))


def tilted(shares: Floats, codes: Floats, gaps: Floats, n_steps: int = 60) -> Floats:
    r"""Tilt shares so that their mean moves by each gap: :math:`q_k \exp(a x_k)`, normalised.

    Parameters
    ----------
    shares, codes : ndarray of shape (K,)
    gaps : ndarray of shape (n_groups,)
        In units of the codes; the mean stays inside the ends of the scale.

    Returns
    -------
    ndarray of shape (n_groups, K)

    Examples
    --------
    >>> tilted(np.array([0.5, 0.5]), np.array([0.0, 1.0]), np.array([0.1])).round(3).tolist()
    [[0.4, 0.6]]
    """
    width = float(np.ptp(codes)) or 1.0
    x = (codes - codes.min()) / width
    mean = float(shares @ x)
    room = 1e-3 * min(mean, 1 - mean) if 0 < mean < 1 else 0.0
    wanted = np.clip(mean + gaps / width, room, 1 - room)
    low, high = np.full(gaps.shape, -60.0), np.full(gaps.shape, 60.0)
    log_shares = np.log(np.maximum(shares, 1e-12))
    for _ in range(n_steps):
        middle = 0.5 * (low + high)
        below = _tilt(log_shares, x, middle) @ x < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return _tilt(log_shares, x, 0.5 * (low + high))


def _tilt(log_shares: Floats, x: Floats, slopes: Floats) -> Floats:
    return np.asarray(softmax(log_shares + slopes[:, None] * x, axis=1))

"""Discrepancies (distances between two answer distributions): value, gradient, and the loss that a solver minimises.

``P`` is the human distribution, ``Q`` the predicted one; both are ``(m, K)``, one item per row, zero beyond
an item's own categories. The definitions, with their clips, are those behind Table 6 of paper A.

Examples
--------
>>> import numpy as np
>>> human, predicted = np.array([[0.5, 0.5, 0.0]]), np.array([[0.25, 0.5, 0.25]])
>>> float(discrepancy("tv").value(human, predicted)[0])
0.25
>>> float(discrepancy("ks").value(human, predicted)[0])
0.25
>>> PAPER_DISCREPANCIES
('tv', 'chi2', 'kl', 'hellinger', 'ks', 'cdf-l1', 'cdf-l2')
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from truetwin.registry import Registry, must_be

Floats = NDArray[np.float64]


class Discrepancy(ABC):
    """Distance between distributions over categories.

    Attributes
    ----------
    name : str
        Name by which users choose it.
    ordered : bool
        Whether it uses the order of the categories; then nominal items cannot be scored by it.
    clip : float
        Predicted shares below this are raised to it when a value is reported; 0 for no clip.
    surrogate : str
        Loss that is minimised instead of the value, in words; empty if the value itself is minimised.
    smoothings : tuple of float
        Widths of the smoothed surrogate, wide to narrow; ``(0.0,)`` if none is needed.
    """

    name: ClassVar[str]
    ordered: ClassVar[bool] = False
    clip: ClassVar[float] = 0.0
    surrogate: ClassVar[str] = ""
    smoothings: ClassVar[tuple[float, ...]] = (0.0,)

    @abstractmethod
    def value(self, human: Floats, predicted: Floats) -> Floats:
        """Compute the discrepancy of every item, shape ``(m,)``."""

    @abstractmethod
    def fit_loss(self, human: Floats, predicted: Floats, smoothing: float) -> tuple[Floats, Floats]:
        """Compute the convex loss that is minimised: values ``(m,)`` and gradient ``(m, K)`` in ``predicted``."""


class TotalVariation(Discrepancy):
    r"""Total variation: half the summed absolute difference, :math:`\frac12 \sum_k |P_k - Q_k|`."""

    name = "tv"
    surrogate = "Huber function of each difference"
    smoothings = (5e-4, 1e-4, 2e-5)

    def value(self, human: Floats, predicted: Floats) -> Floats:
        """Implement :meth:`Discrepancy.value`."""
        return np.asarray(0.5 * np.abs(human - predicted).sum(axis=1))

    def fit_loss(self, human: Floats, predicted: Floats, smoothing: float) -> tuple[Floats, Floats]:
        """Implement :meth:`Discrepancy.fit_loss`."""
        value, slope = _huber(predicted - human, smoothing)
        return 0.5 * value.sum(axis=1), 0.5 * slope


class ChiSquare(Discrepancy):
    r"""Chi-square divergence, :math:`\sum_k P_k^2 / \max(Q_k, 10^{-6}) - 1`."""

    name = "chi2"
    clip = 1e-6
    surrogate = "the tangent in place of the flat part below the clip"

    def value(self, human: Floats, predicted: Floats) -> Floats:
        """Implement :meth:`Discrepancy.value`."""
        return np.asarray((human**2 / np.maximum(predicted, self.clip)).sum(axis=1) - 1.0)

    def fit_loss(self, human: Floats, predicted: Floats, smoothing: float) -> tuple[Floats, Floats]:
        """Implement :meth:`Discrepancy.fit_loss`."""
        inside = np.maximum(predicted, self.clip)
        slope = -((human / inside) ** 2)
        value = human**2 / inside + slope * (predicted - inside)
        return value.sum(axis=1) - 1.0, slope


class KullbackLeibler(Discrepancy):
    r"""Kullback-Leibler divergence, :math:`\sum_k P_k \log(P_k / Q_k)`, both clipped at 1e-6, not renormalised."""

    name = "kl"
    clip = 1e-6
    surrogate = "the tangent in place of the flat part below the clip"

    def value(self, human: Floats, predicted: Floats) -> Floats:
        """Implement :meth:`Discrepancy.value`."""
        p, q = np.maximum(human, self.clip), np.maximum(predicted, self.clip)
        return np.asarray((p * np.log(p / q)).sum(axis=1))

    def fit_loss(self, human: Floats, predicted: Floats, smoothing: float) -> tuple[Floats, Floats]:
        """Implement :meth:`Discrepancy.fit_loss`."""
        p, inside = np.maximum(human, self.clip), np.maximum(predicted, self.clip)
        slope = -p / inside
        value = p * np.log(p / inside) + slope * (predicted - inside)
        return value.sum(axis=1), slope


class Hellinger(Discrepancy):
    r"""Squared Hellinger distance, :math:`1 - \sum_k \sqrt{P_k \max(Q_k, 10^{-8})}` (no root is taken)."""

    name = "hellinger"
    clip = 1e-8
    surrogate = "the tangent in place of the flat part below the clip"

    def value(self, human: Floats, predicted: Floats) -> Floats:
        """Implement :meth:`Discrepancy.value`."""
        return np.asarray(1.0 - np.sqrt(human * np.maximum(predicted, self.clip)).sum(axis=1))

    def fit_loss(self, human: Floats, predicted: Floats, smoothing: float) -> tuple[Floats, Floats]:
        """Implement :meth:`Discrepancy.fit_loss`."""
        inside = np.maximum(predicted, self.clip)
        root = np.sqrt(human * inside)
        slope = -0.5 * root / inside
        return 1.0 - (root - slope * (predicted - inside)).sum(axis=1), slope


class KolmogorovSmirnov(Discrepancy):
    r"""Kolmogorov-Smirnov distance: largest difference of the cumulative distributions, :math:`\max_k |F_k - G_k|`."""

    name = "ks"
    ordered = True
    surrogate = "log-sum-exp of the signed differences"
    smoothings = (5e-4, 1e-4, 2e-5)

    def value(self, human: Floats, predicted: Floats) -> Floats:
        """Implement :meth:`Discrepancy.value`."""
        return np.asarray(np.abs(np.cumsum(predicted - human, axis=1)).max(axis=1))

    def fit_loss(self, human: Floats, predicted: Floats, smoothing: float) -> tuple[Floats, Floats]:
        """Implement :meth:`Discrepancy.fit_loss`.

        The surrogate lies below the value, by at most ``smoothing * log(2K)``.
        """
        gap = np.cumsum(predicted - human, axis=1)
        size = np.abs(gap)
        top = size.max(axis=1, keepdims=True)
        if smoothing == 0.0:
            at_top = np.zeros_like(gap)
            first = size.argmax(axis=1)[:, None]
            np.put_along_axis(at_top, first, np.sign(np.take_along_axis(gap, first, axis=1)), axis=1)
            return top[:, 0], _tail_sums(at_top)
        up = np.exp((gap - top) / smoothing)
        down = np.exp((-gap - top) / smoothing)
        total = (up + down).sum(axis=1, keepdims=True)
        value = top[:, 0] + smoothing * (np.log(total[:, 0]) - np.log(2 * gap.shape[1]))
        return value, _tail_sums((up - down) / total)


class CdfL1(Discrepancy):
    r"""Summed absolute difference of the cumulative distributions, :math:`\sum_k |F_k - G_k|`."""

    name = "cdf-l1"
    ordered = True
    surrogate = "Huber function of each difference"
    smoothings = (5e-4, 1e-4, 2e-5)

    def value(self, human: Floats, predicted: Floats) -> Floats:
        """Implement :meth:`Discrepancy.value`."""
        return np.asarray(np.abs(np.cumsum(predicted - human, axis=1)).sum(axis=1))

    def fit_loss(self, human: Floats, predicted: Floats, smoothing: float) -> tuple[Floats, Floats]:
        """Implement :meth:`Discrepancy.fit_loss`."""
        value, slope = _huber(np.cumsum(predicted - human, axis=1), smoothing)
        return value.sum(axis=1), _tail_sums(slope)


class CdfL2(Discrepancy):
    r"""Summed squared difference of the cumulative distributions, :math:`\sum_k (F_k - G_k)^2`."""

    name = "cdf-l2"
    ordered = True

    def value(self, human: Floats, predicted: Floats) -> Floats:
        """Implement :meth:`Discrepancy.value`."""
        return np.asarray((np.cumsum(predicted - human, axis=1) ** 2).sum(axis=1))

    def fit_loss(self, human: Floats, predicted: Floats, smoothing: float) -> tuple[Floats, Floats]:
        """Implement :meth:`Discrepancy.fit_loss`."""
        gap = np.cumsum(predicted - human, axis=1)
        return (gap**2).sum(axis=1), _tail_sums(2.0 * gap)


def _huber(difference: Floats, width: float) -> tuple[Floats, Floats]:
    """Huber function: a smooth function below ``|difference|`` by at most ``width / 2``; also returns its slope."""
    if width == 0.0:
        return np.abs(difference), np.sign(difference)
    slope = np.clip(difference / width, -1.0, 1.0)
    return slope * (difference - 0.5 * width * slope), slope


def _tail_sums(slope: Floats) -> Floats:
    """Apply the adjoint of the cumulative sum over categories."""
    return np.cumsum(slope[:, ::-1], axis=1)[:, ::-1]


DISCREPANCIES: Registry[Discrepancy] = Registry(
    "discrepancy",
    hint="Known are {names}.",
    entry_point_group="truetwin.discrepancies",
    check=must_be(Discrepancy),
)
#: The seven that paper A compares, in the order of its Table 6.
PAPER_DISCREPANCIES = ("tv", "chi2", "kl", "hellinger", "ks", "cdf-l1", "cdf-l2")
for _each in (TotalVariation, ChiSquare, KullbackLeibler, Hellinger, KolmogorovSmirnov, CdfL1, CdfL2):
    DISCREPANCIES.add(_each.name, _each())


def discrepancy(name: str | Discrepancy) -> Discrepancy:
    """Look up a discrepancy by name; an instance is returned as it is."""
    return name if isinstance(name, Discrepancy) else DISCREPANCIES[name]

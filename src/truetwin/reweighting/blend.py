"""Geometric mean of two methods: what both call unlikely stays unlikely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from truetwin.reweighting.discrepancies import Discrepancy, discrepancy
from truetwin.reweighting.marginal_method import (
    CrossValidated,
    FittedMarginals,
    Fold,
    MarginalMethod,
    Setting,
)
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]


def geometric_mean(first: Floats, second: Floats, share: float = 0.5) -> Floats:
    """Compute the normalised weighted geometric mean of two tables of shares; zero cells (no category) stay zero.

    Examples
    --------
    >>> import numpy as np
    >>> geometric_mean(np.array([[0.5, 0.5]]), np.array([[0.8, 0.2]])).round(3).tolist()
    [[0.667, 0.333]]
    """
    product = first**share * second ** (1.0 - share)
    total = product.sum(axis=1, keepdims=True)
    return np.where(total > 0, product / np.maximum(total, 1e-300), 0.5 * (first + second))


@dataclass(frozen=True, eq=False)
class _Blended(FittedMarginals):
    first: FittedMarginals
    second: FittedMarginals
    share: float

    def predict(self, table: TwinTable) -> Floats:
        return geometric_mean(self.first.predict(table), self.second.predict(table), self.share)

    def describe(self) -> dict[str, Any]:
        return {
            "share_of_first": self.share,
            "first": self.first.describe(),
            "second": self.second.describe(),
        }

    @property
    def weights(self) -> Floats | None:  # type: ignore[override]
        return self.first.weights

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Notes of both parts, without repetitions."""
        return tuple(dict.fromkeys((*self.first.notes, *self.second.notes)))


@dataclass(frozen=True, eq=False)
class GeometricMean(MarginalMethod):
    """Weighted geometric mean of two methods, each with the setting that its own cross-validation chose.

    Parameters
    ----------
    first, second : MarginalMethod
        The two methods.
    shares : tuple of float
        Candidates for the exponent of the first method.
    """

    first: MarginalMethod
    second: MarginalMethod
    shares: tuple[float, ...] = (0.25, 0.5, 0.75)
    name: str = "geometric-mean"
    needs_folds: ClassVar[bool] = True

    @property
    def needs_text(self) -> bool:  # type: ignore[override]
        """Whether either part needs text."""
        return self.first.needs_text or self.second.needs_text

    @property
    def weights_twins(self) -> bool:  # type: ignore[override]
        """Whether either part weights twins."""
        return self.first.weights_twins or self.second.weights_twins

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedMarginals:
        """Implement :meth:`MarginalMethod.fit`; ``setting`` holds the settings of both parts and the share."""
        return _Blended(
            self.first.fit(table, human, setting["first"]),
            self.second.fit(table, human, setting["second"]),
            float(setting["share"]),
        )

    def cross_validate(
        self, table: TwinTable, human: Floats, folds: Sequence[Fold], loss: str | Discrepancy = "kl"
    ) -> CrossValidated:
        """Implement :meth:`MarginalMethod.cross_validate`."""
        parts = [part.cross_validate(table, human, folds, loss) for part in (self.first, self.second)]
        return self.combine(parts[0], parts[1], human, loss)

    def combine(
        self, first: CrossValidated, second: CrossValidated, human: Floats, loss: str | Discrepancy = "kl"
    ) -> CrossValidated:
        """Choose the share from the out-of-fold predictions of both parts."""
        measure = discrepancy(loss)
        blends = [geometric_mean(first.predictions, second.predictions, share) for share in self.shares]
        losses = [measure.value(human, blend) for blend in blends]
        best = int(np.argmin([each.mean() for each in losses]))
        setting = {"first": first.setting, "second": second.setting, "share": self.shares[best]}
        return CrossValidated(self, setting, blends[best], losses[best])

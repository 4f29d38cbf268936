"""Baselines: trivial predictions that every method must be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.reweighting.marginal_method import (
    FittedMarginals,
    Kind,
    MarginalMethod,
    Setting,
    item_kinds,
    likest_kind,
)
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]


class Uncalibrated(MarginalMethod, FittedMarginals):
    """Twins' own shares, under their design weights; nothing is learned.

    Its scores in kl and chi2 depend mostly on the clip of small shares, because a category that no twin chose often
    has a positive human share.
    """

    name = "twins"
    trained_on = ""

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedMarginals:
        """Implement :meth:`MarginalMethod.fit`."""
        return self

    def predict(self, table: TwinTable) -> Floats:
        """Implement :meth:`FittedMarginals.predict`."""
        return table.histogram


@dataclass(frozen=True, eq=False)
class _MeanByKind(FittedMarginals):
    means: dict[Kind, Floats]

    def predict(self, table: TwinTable) -> Floats:
        out = np.zeros((table.n_items, table.width))
        for kind, rows in item_kinds(table).items():
            known = likest_kind(self.means, kind)
            out[rows, : kind.size] = 1.0 / kind.size if known is None else self.means[known]
        return out


class MeanMarginal(MarginalMethod):
    """Mean of the training marginals of items with as many categories (uniform if there are none); uses no twin."""

    name = "mean"
    trained_on = ""

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedMarginals:
        """Implement :meth:`MarginalMethod.fit`."""
        kinds = item_kinds(table)
        return _MeanByKind({key: human[rows][:, : key.size].mean(axis=0) for key, rows in kinds.items()})


@dataclass(frozen=True, eq=False)
class _Mixed(FittedMarginals):
    mean: FittedMarginals
    share_of_mean: float

    def predict(self, table: TwinTable) -> Floats:
        return self.share_of_mean * self.mean.predict(table) + (1 - self.share_of_mean) * table.histogram

    def describe(self) -> dict[str, Any]:
        return {"share_of_mean": self.share_of_mean}


class Mix(MarginalMethod):
    r"""Mixture with one parameter: :math:`\lambda` mean training marginal plus :math:`(1 - \lambda)` twins' shares."""

    name = "mix"

    def settings(self) -> Sequence[Setting]:
        """Implement :meth:`MarginalMethod.settings`."""
        return tuple({"share_of_mean": round(0.05 * k, 2)} for k in range(1, 21))

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedMarginals:
        """Implement :meth:`MarginalMethod.fit`."""
        return _Mixed(MeanMarginal().fit(table, human, {}), float(setting["share_of_mean"]))

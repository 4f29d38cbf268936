"""Mean of the known marginals, of the same battery where items of it are known; and uniform shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.reweighting.marginal_method import FittedMarginals, Kind, MarginalMethod, Setting, item_kinds
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]

PRIOR_ITEMS = 2.0  # items of the same battery that the mean of all items of the kind counts as


@dataclass(frozen=True, eq=False)
class _FittedBatteryMean(FittedMarginals):
    sums: dict[tuple[Kind, str | None], tuple[Floats, int]]

    def predict(self, table: TwinTable) -> Floats:
        out = np.zeros((table.n_items, table.width))
        for kind, rows in item_kinds(table).items():
            total, n = self.sums.get((kind, None), (np.zeros(kind.size), 0))
            everywhere = (total + 1.0 / kind.size) / (n + 1)
            for j in rows:
                battery = None if table.batteries is None else table.batteries[j]
                here, siblings = self.sums.get((kind, battery), (0.0, 0)) if battery is not None else (0.0, 0)
                out[j, : kind.size] = (here + PRIOR_ITEMS * everywhere) / (siblings + PRIOR_ITEMS)
        return out


class BatteryMean(MarginalMethod):
    """Mean of the known marginals of the item's kind, shrunk to uniform; known items of the same battery count more.

    With no known item of its kind, an item gets uniform shares. No twin is used.
    """

    name = "battery-mean"
    trained_on = ""

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedMarginals:
        """Implement :meth:`MarginalMethod.fit`."""
        sums: dict[tuple[Kind, str | None], tuple[Floats, int]] = {}
        for kind, rows in item_kinds(table).items():
            shares = human[:, : kind.size]
            sums[kind, None] = shares[rows].sum(axis=0), rows.size
            if table.batteries is not None:
                names = np.array([table.batteries[j] for j in rows])
                for name in dict.fromkeys(names.tolist()):
                    here = rows[names == name]
                    sums[kind, name] = shares[here].sum(axis=0), here.size
        return _FittedBatteryMean(sums)


def uniform_shares(table: TwinTable) -> Floats:
    """Equal shares of every category, shape ``(m, width)``."""
    valid = table.valid()
    return np.asarray(valid / table.n_categories[:, None])

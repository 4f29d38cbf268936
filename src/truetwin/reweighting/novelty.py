"""Test whether new items are unlike the training items, so that what was learned there may not hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from truetwin.reweighting.item_similarity import joint_rows
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Novelty:
    """Novelty of each new item: how unusual it is among the training items.

    Attributes
    ----------
    p_values : ndarray of shape (m_new,)
        Share of training items that are at least as far from their nearest neighbour as the new item is from its own.
    unlike : bool
        Whether more new items have a p-value below .05 than chance explains (tested at level .01).
    """

    p_values: Floats
    unlike: bool

    def note(self) -> str | None:
        """Write a warning in words, or return None if there is nothing to warn of."""
        if not self.unlike:
            return None
        far = int((self.p_values < 0.05).sum())
        return (
            f"{far} of {self.p_values.size} new items are unlike the training items (how twins answer "
            "them lies far from "
            "every training item): predictions and bands may not hold for them"
        )


def novelty(train: TwinTable, new: TwinTable) -> Novelty:
    """Compare nearest-neighbour distances of twins' answer profiles; the scale comes from the training items."""
    known, rows, unseen = joint_rows(train, new)
    spread = known.profile[rows].std(axis=0)
    scaled = known.profile / np.where(spread > 1e-9, spread, 1.0)
    among = _distances(scaled[rows], scaled[rows])
    np.fill_diagonal(among, np.inf)
    usual = among.min(axis=1)
    found = _distances(scaled[unseen], scaled[rows]).min(axis=1)
    p_values = (1.0 + (usual[None, :] >= found[:, None]).sum(axis=1)) / (usual.size + 1.0)
    far = int((p_values < 0.05).sum())
    return Novelty(p_values, bool(far > binom.ppf(0.99, p_values.size, 0.05)))


def _distances(left: Floats, right: Floats) -> Floats:
    squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2.0 * left @ right.T
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))

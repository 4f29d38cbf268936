"""Choose the sources of twins whose shares help to predict people's: a useless one among them would blur the others.

Each source predicts training items through an answer-transition matrix of its own, learned from the other folds. The
predictions are averaged over more and more sources, the best first. Of these averages the smallest is chosen whose loss
is within a standard error of the least. The best source alone and all sources together are among the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.reweighting.battery_mean import uniform_shares
from truetwin.reweighting.discrepancies import Discrepancy
from truetwin.reweighting.marginal_method import Fold
from truetwin.reweighting.pool_rule import units_of
from truetwin.reweighting.transition import SourceTransitions
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]

MOST_STEPS = 100
KEPT = 0.99  # of a prediction; the rest is uniform, so that no category is impossible


def choose_sources(
    table: TwinTable, human: Floats, folds: Sequence[Fold], omega: Floats, measure: Discrepancy
) -> tuple[str, ...]:
    """Choose families of sources; none if there is one only.

    Parameters
    ----------
    table : TwinTable
        Training items.
    human : ndarray of shape (m, width)
        Their human shares.
    folds : sequence of ndarray of int
        Items that are predicted without each other.
    omega : ndarray of shape (m,)
        Weights of the items.
    measure : Discrepancy
        Loss of a prediction.
    """
    if not table.families:
        return ()
    predicted = _out_of_fold(table, human, folds)

    def losses(names: Sequence[str]) -> Floats:
        shares = np.mean([predicted[name] for name in names], axis=0)
        return np.asarray(omega * measure.value(human, shares))

    order = sorted(predicted, key=lambda name: float(losses([name]).sum()))
    tried = [losses(order[:k]) for k in range(1, len(order) + 1)]
    best = min(tried, key=lambda found: float(found.sum()))
    units = units_of(table)
    size = next(k for k, found in enumerate(tried, 1) if not _worse(found - best, units))
    return tuple(name for name in table.families if name in order[:size])


def _worse(change: Floats, units: Sequence[str]) -> bool:
    """Tell whether summed changes of items are above their standard error, clustered by battery."""
    _, member = np.unique(np.asarray(units, dtype=str), return_inverse=True)
    sums = np.bincount(member, weights=change)
    n = sums.size
    return float(sums.sum()) > float(np.sqrt(n / max(n - 1, 1) * ((sums - sums.mean()) ** 2).sum()))


def _out_of_fold(table: TwinTable, human: Floats, folds: Sequence[Fold]) -> dict[str, Floats]:
    """Predict each fold from each family by what was learned from the other folds."""
    found = {name: np.zeros_like(human) for name in table.families}
    for fold in folds:
        rest = np.setdiff1d(np.arange(table.n_items), fold)
        fit = SourceTransitions.fit(table.take(rest), human[rest], max_steps=MOST_STEPS)
        for name, shares in fit.by_family(table.take(fold)).items():
            found[name][fold] = shares
    even = uniform_shares(table)
    return {name: KEPT * shares + (1 - KEPT) * even for name, shares in found.items()}

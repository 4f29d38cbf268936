"""Choose the method for the data at hand, by cross-validation inside the training items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from truetwin.reweighting.blend import GeometricMean
from truetwin.reweighting.discrepancies import Discrepancy
from truetwin.reweighting.ensemble import Ensemble
from truetwin.reweighting.kernel import KernelSoftmax
from truetwin.reweighting.marginal_baselines import Mix
from truetwin.reweighting.marginal_method import (
    CrossValidated,
    FittedMarginals,
    Fold,
    MarginalMethod,
    Setting,
)
from truetwin.reweighting.transition import AnswerTransition, WeightsAndTransition
from truetwin.reweighting.twin_table import TwinTable

Floats = NDArray[np.float64]

FEW_ITEMS = 50  # below this the kernel methods have too little to learn from
FEWER_ITEMS = 10  # below this not even the weights are worth choosing


@dataclass(frozen=True, eq=False)
class Auto(MarginalMethod):
    """Use the method with the least mean loss over folds of the training items.

    With fewer than 50 training items the choice is among mix, transition and ensemble. With more, weights+transition,
    ksoft (with text where there is any) and the geometric mean of the last two are added. Folds hold out whole groups
    where groups are given, so the choice fits items of a new group.

    Parameters
    ----------
    candidates : tuple of MarginalMethod, optional
        Methods to choose from, in place of the default ones.
    """

    candidates: tuple[MarginalMethod, ...] | None = None
    name: str = "auto"
    needs_folds: ClassVar[bool] = True

    def candidates_for(self, table: TwinTable) -> tuple[MarginalMethod, ...]:
        """Return the methods that are tried for this table."""
        if self.candidates is not None:
            return self.candidates
        if table.n_items < FEWER_ITEMS:
            return (Mix(), AnswerTransition())
        if table.n_items < FEW_ITEMS:
            return (Mix(), AnswerTransition(), Ensemble())
        return (AnswerTransition(), WeightsAndTransition(), KernelSoftmax(with_text=table.texts is not None))

    def fit(self, table: TwinTable, human: Floats, setting: Setting) -> FittedMarginals:
        """Implement :meth:`MarginalMethod.fit`; ``setting`` names the chosen method and its setting."""
        chosen: MarginalMethod = setting["method"]
        return chosen.fit(table, human, setting["setting"])

    def cross_validate(
        self, table: TwinTable, human: Floats, folds: Sequence[Fold], loss: str | Discrepancy = "kl"
    ) -> CrossValidated:
        """Implement :meth:`MarginalMethod.cross_validate`."""
        tried = [method.cross_validate(table, human, folds, loss) for method in self.candidates_for(table)]
        by_name = {each.method.name: each for each in tried}
        kernel = next((by_name[name] for name in ("ksoft+text", "ksoft") if name in by_name), None)
        if kernel is not None and "weights+transition" in by_name:
            first = by_name["weights+transition"]
            blend = GeometricMean(first.method, kernel.method)
            tried.append(blend.combine(first, kernel, human, loss))
        best = min(tried, key=lambda each: each.loss)
        setting = {
            "method": best.method,
            "setting": best.setting,
            "tried": {each.method.name: each.loss for each in tried},
        }
        return CrossValidated(self, setting, best.predictions, best.losses)

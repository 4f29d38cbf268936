"""Adaptive transfer: calibrate an item only where the twins themselves are well explained (paper A, section 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from truetwin.calibration._orient import Array
from truetwin.calibration.base import Calibrator
from truetwin.calibration.design import Complete, Design
from truetwin.calibration.transfer import ElasticNet, Lasso, LinearTransfer, Ridge, SyntheticIntervention
from truetwin.data import Axis
from truetwin.data.blocks import complete_blocks
from truetwin.errors import ParameterError


class AdaptiveTransfer(Calibrator):
    r"""A linear transfer where its training error on the twins is below a threshold, and the twin elsewhere.

    With :math:`e_j` the mean squared error of the fit to the twins' standardised answers to target j, predicts the
    calibrated answer if :math:`e_j < \tau` and the twin's own otherwise. Source: paper A, section 5.3, where the
    threshold was chosen on the scored targets (0.15). Without a threshold by hand it is learned on other items: each
    donor is predicted from the others, and the threshold with the best mean correlation is taken.

    Parameters
    ----------
    threshold : float, optional
        By hand.
    blocks : mapping from item id to block, optional
        Batteries, as for :class:`~truetwin.calibration.auto.Auto`. A threshold is learned on items of other blocks
        only, each predicted without its own block.

    Attributes
    ----------
    errors_ : ndarray of shape (q,)
        Training errors of the targets.
    thresholds_ : ndarray of shape (q,)
        Thresholds used.
    """

    axes: ClassVar[tuple[Axis, ...]] = ("item",)
    uses_imputation: ClassVar[bool] = True
    #: the transfer method and its settings
    transfer: ClassVar[type[LinearTransfer]] = Ridge

    def __init__(
        self,
        threshold: float | None = None,
        blocks: Mapping[str, str] | None = None,
    ) -> None:
        self.threshold = threshold
        self.blocks = blocks

    def _fit(self, design: Design) -> None:
        if self.threshold is not None and not self.threshold >= 0:
            raise ParameterError(
                f"'threshold' of AdaptiveTransfer must be >= 0. Got {self.threshold!r} instead."
            )
        model = self.transfer()
        model._fit(design)
        complete = design.complete
        self.errors_ = _errors(model, complete.X_twin, complete.y_twin)
        if self.threshold is not None:
            self.thresholds_ = np.full(design.n_targets, float(self.threshold))
        else:
            self.thresholds_ = self._learned(design, model)
        calibrated = model._predict(design)
        own = np.nan_to_num(design.observed.target_of_human)
        self.values_ = np.where(self.errors_ < self.thresholds_, calibrated, own)

    def _predict(self, design: Design) -> Array:
        return self.values_.copy()

    def _learned(self, design: Design, model: LinearTransfer) -> Array:
        """For each target the best threshold on donors of other blocks."""
        ids = [*design.donor_ids, *design.target_ids]
        blocks = np.array(complete_blocks(self.blocks, ids))
        block, target_block = blocks[: design.n_donors], blocks[design.n_donors :]
        X, humans = design.complete.X_twin, design.complete.X_human
        seen = np.isfinite(design.observed.human)
        twins = np.nan_to_num(design.observed.twin_of_human)
        error, gain = np.full((2, design.n_donors), np.nan)
        for name in dict.fromkeys(block):
            group = np.flatnonzero(block == name)
            rest = np.flatnonzero(block != name)
            if not rest.size:
                continue
            part = self.transfer()
            coef, intercept = part._solve(
                cast(Design, _Part(Complete(X[:, rest], X[:, group], humans[:, rest])))
            )
            fitted = X[:, rest] @ coef + intercept
            error[group] = ((X[:, group] - fitted) ** 2).mean(axis=0)
            predicted = humans[:, rest] @ coef + intercept
            for g, item in enumerate(group):
                who = seen[:, item]
                answers = design.observed.human[who, item]
                gain[item] = _correlation(predicted[who, g], answers) - _correlation(
                    twins[who, item], answers
                )
        return np.array([_best_threshold(error, gain, block != b) for b in target_block])


class AdaptiveRidge(AdaptiveTransfer):
    """Adaptive transfer of ridge regression with the paper's settings for Twin-2K-500."""


class AdaptiveElasticNet(AdaptiveTransfer):
    """Adaptive transfer of the elastic net with the paper's settings for Twin-2K-500."""

    transfer: ClassVar[type[LinearTransfer]] = ElasticNet


class AdaptiveLasso(AdaptiveTransfer):
    """Adaptive transfer of the lasso with the paper's settings for Twin-2K-500."""

    transfer: ClassVar[type[LinearTransfer]] = Lasso


class AdaptiveSyntheticIntervention(AdaptiveTransfer):
    """Adaptive transfer of synthetic intervention with the paper's settings for Twin-2K-500."""

    transfer: ClassVar[type[LinearTransfer]] = SyntheticIntervention


def _errors(model: LinearTransfer, X: Array, y: Array) -> Array:
    return np.asarray(((y - X @ model.coef_ - model.intercept_) ** 2).mean(axis=0))


def _best_threshold(error: Array, gain: Array, usable: Array) -> float:
    """The threshold below which the summed gain is largest; 0 (never calibrate) if there is none."""
    fine = usable & np.isfinite(error) & np.isfinite(gain)
    if not fine.any():
        return 0.0
    order = np.argsort(error[fine])
    total = np.cumsum(gain[fine][order])
    best = int(np.argmax(total))
    if total[best] <= 0:
        return 0.0
    ordered = error[fine][order]
    following = ordered[best + 1] if best + 1 < len(ordered) else 2 * ordered[best] + 1.0
    return float((ordered[best] + following) / 2)


def _correlation(x: Array, y: Array) -> float:
    """0 where a side is constant: a twin that says nothing gains nothing."""
    if x.size < 3 or x.std() < 1e-2 or y.std() < 1e-2:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


@dataclass(frozen=True)
class _Part:
    """Some donors that predict other donors: what a linear transfer needs of a design."""

    complete: Complete

    @property
    def n_donors(self) -> int:
        """Number of donors."""
        return self.complete.X_twin.shape[1]

    @property
    def n_targets(self) -> int:
        """Number of donors posing as targets."""
        return self.complete.y_twin.shape[1]

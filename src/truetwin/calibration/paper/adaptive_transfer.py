"""Adaptive transfer: calibrate an item only where the twins themselves are well explained (paper A, section 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.base import Calibrator
from truetwin.calibration.design import Complete, Design
from truetwin.calibration.orientation import Array
from truetwin.calibration.paper.fit_and_transfer import (
    ElasticNet,
    Lasso,
    LinearTransfer,
    Ridge,
    SyntheticIntervention,
)
from truetwin.data import Axis
from truetwin.errors import ParameterError
from truetwin.instrument.batteries import complete_blocks

PLACE_PENALTY = 0.01


class AdaptiveTransfer(Calibrator):
    r"""Linear transfer where its training error on the twins is below a threshold; elsewhere the twin itself.

    Let :math:`e_j` be the mean squared error of the fit to the twins' standardised answers to target j. The
    prediction is the calibrated answer if :math:`e_j < \tau`, and the twin's own otherwise. Source: paper A, section
    5.3, where the threshold was chosen on the scored targets (0.15). If no threshold is given, it is learned on other
    items: each donor is predicted from the others. Of the thresholds within one standard error of the best mean
    correlation, the lowest is taken. :math:`e_j` is then divided by the variance of the twins' answers, because items
    with few answer categories are not scaled to unit variance.

    Parameters
    ----------
    threshold : float, optional
        The threshold; learned on the donors if not given.
    blocks : mapping from item id to block, optional
        Batteries, as for :class:`~truetwin.calibration.auto.auto_calibrator.Auto`. For a target with answered
        siblings the threshold is
        learned on donors left out one by one; for a new battery on blocks left out as a whole.

    Attributes
    ----------
    errors_ : ndarray of shape (q,)
        Training errors of the targets; shares of variance if the threshold is learned.
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

    def fit_design(self, design: Design) -> None:
        """See the base class."""
        if self.threshold is not None and not self.threshold >= 0:
            raise ParameterError(
                f"'threshold' of AdaptiveTransfer must be >= 0. Got {self.threshold!r} instead."
            )
        model = self.transfer()
        model.fit_design(design)
        complete = design.complete
        self.errors_ = _errors(complete.y_twin, complete.X_twin @ model.coef_ + model.intercept_)
        if self.threshold is None:
            self.errors_ = _unexplained(self.errors_, complete.y_twin)
        if self.threshold is not None:
            self.thresholds_ = np.full(design.n_targets, float(self.threshold))
        else:
            self.thresholds_ = self._learned(design, model)
        calibrated = model.predict_design(design)
        own = np.nan_to_num(design.observed.target_of_human)
        self.values_ = np.where(self.errors_ < self.thresholds_, calibrated, own)

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        return self.values_.copy()

    def _learned(self, design: Design, model: LinearTransfer) -> Array:
        """Learn for each target the best threshold, on donors in the same situation as the target."""
        ids = [*design.donor_ids, *design.target_ids]
        blocks = np.array(complete_blocks(self.blocks, ids))
        block, target_block = blocks[: design.n_donors], blocks[design.n_donors :]
        known = np.isin(target_block, block)
        alone = np.arange(design.n_donors)
        singly = known if len(set(block)) < len(block) else np.ones(len(known), dtype=bool)
        thresholds = np.zeros(len(known))
        if singly.any():
            thresholds[singly] = self._threshold(design, alone.astype(str))
        if not singly.all():
            thresholds[~singly] = self._threshold(design, block)
        return thresholds

    def _threshold(self, design: Design, group_of: NDArray[np.str_]) -> float:
        """Learn the best threshold when each group of donors in turn is predicted from all others."""
        X, fill = design.complete.X_twin, _Filling(design)
        seen = np.isfinite(design.observed.human)
        twins = np.nan_to_num(design.observed.twin_of_human)
        error, gain = np.full((2, design.n_donors), np.nan)
        for name in dict.fromkeys(group_of):
            group, rest = np.flatnonzero(group_of == name), np.flatnonzero(group_of != name)
            if not rest.size:
                continue
            humans = fill.without(group)[:, rest]
            part = self.transfer()
            coef, intercept = part.solve(cast(Design, _Part(Complete(X[:, rest], X[:, group], humans))))
            error[group] = _unexplained(_errors(X[:, group], X[:, rest] @ coef + intercept), X[:, group])
            predicted = humans @ coef + intercept
            for g, item in enumerate(group):
                who = seen[:, item]
                answers = design.observed.human[who, item]
                gain[item] = _correlation(predicted[who, g], answers) - _correlation(
                    twins[who, item], answers
                )
        return _best_threshold(error, gain, group_of)


class _Filling:
    """Impute people's answers to donors again, without their answers to some of the donors.

    The singular directions of the first completion are kept. Each person's coordinates on them are fitted anew.
    """

    def __init__(self, design: Design) -> None:
        self.answers = design.observed.human
        self.seen = np.isfinite(self.answers)
        complete = design.complete.X_human
        rank = min(design.preprocessing.imputation_rank, *complete.shape)
        self.directions = np.linalg.svd(complete, full_matrices=False)[2][:rank].T

    def without(self, group: NDArray[np.intp]) -> Array:
        """Return completed answers to the other donors, (n, p); columns of ``group`` are filled as well."""
        if self.seen.all():
            return self.answers
        seen = self.seen.copy()
        seen[:, group] = False
        V, rank = self.directions, self.directions.shape[1]
        system = (seen @ (V[:, :, None] * V[:, None, :]).reshape(len(V), -1)).reshape(-1, rank, rank)
        right = np.where(seen, self.answers, 0.0) @ V
        place = np.linalg.solve(system + PLACE_PENALTY / len(V) * np.eye(rank), right[:, :, None])[:, :, 0]
        return np.where(seen, self.answers, place @ V.T)


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


def _errors(y: Array, fitted: Array) -> Array:
    return np.asarray(((y - fitted) ** 2).mean(axis=0))


def _unexplained(error: Array, y: Array) -> Array:
    """Compute the share of the variance that the fit leaves unexplained; 1 for a constant, which nothing explains."""
    variance: Array = y.var(axis=0)
    share: Array = np.divide(error, variance, out=np.ones_like(error), where=variance > 1e-12)
    return share


def _best_threshold(error: Array, gain: Array, group_of: NDArray[np.str_]) -> float:
    """Find the lowest threshold whose gain is within one standard error of the best; 0 means never calibrate.

    Each group of items counts once, and standard errors are those of differences over groups.
    """
    fine = np.isfinite(error) & np.isfinite(gain)
    if not fine.any():
        return 0.0
    order = np.argsort(error[fine], kind="stable")
    ordered = error[fine][order]
    _, group = np.unique(group_of[fine][order], return_inverse=True)
    each = np.zeros((order.size + 1, int(group.max()) + 1))
    each[np.arange(order.size) + 1, group] = gain[fine][order] / np.bincount(group)[group]
    total = np.cumsum(each, axis=0)  # thresholds below the first, the second, ... error, by groups
    behind = total[np.argmax(total.mean(axis=1))] - total
    units = behind.shape[1]
    doubt = behind.std(axis=1, ddof=1) / np.sqrt(units) if units > 1 else np.zeros(len(behind))
    near = behind.mean(axis=1) <= doubt + 1e-9  # what a single group gains is exactly one standard error
    chosen = int(np.flatnonzero(near)[0])
    if chosen == 0:
        return 0.0
    following = ordered[chosen] if chosen < len(ordered) else 2 * ordered[-1] + 1.0
    return float((ordered[chosen - 1] + following) / 2)


def _correlation(x: Array, y: Array) -> float:
    """Pearson correlation; 0 where either side is constant, because a constant twin tells nothing."""
    if x.size < 3 or x.std() < 1e-2 or y.std() < 1e-2:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


@dataclass(frozen=True)
class _Part:
    """Some donors that predict other donors: the part of a design that a linear transfer needs."""

    complete: Complete

    @property
    def n_donors(self) -> int:
        """Number of donors."""
        return int(self.complete.X_twin.shape[1])

    @property
    def n_targets(self) -> int:
        """Number of donors that are treated as targets."""
        return int(self.complete.y_twin.shape[1])

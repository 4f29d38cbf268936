"""Baselines: simple predictions that a method must beat."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from truetwin.calibration.base import Calibrator
from truetwin.calibration.design import Design
from truetwin.calibration.orientation import Array, orient
from truetwin.data import Axis


class _Baseline(Calibrator):
    needs_varying_twins: ClassVar[bool] = False
    predicts_on_scale: ClassVar[bool] = True

    def fit_design(self, design: Design) -> None:
        """Do nothing: a baseline has nothing to learn."""


class TwinAsIs(_Baseline):
    """Twin's own answer, uncalibrated (the zero-shot baseline of paper A, section 3.3)."""

    points_are_answers: ClassVar[bool] = True

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        return design.raw_target.copy()


class InContextTwin(_Baseline):
    """Answer of a twin that was shown the person's other answers (paper A, section 3.3)."""

    points_are_answers: ClassVar[bool] = True

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        if design.in_context is None:
            return np.full((design.n_samples, design.n_targets), np.nan)
        return orient(design.in_context, design.axis).copy()

    def why_not(self, design: Design, k: int) -> str | None:
        """See the base class."""
        if design.in_context is None:
            return "there are no in-context twins (--in-context FILE, Panel(..., in_context=...))"
        answers = orient(design.in_context, design.axis)[:, k]
        return None if np.isfinite(answers).any() else "no in-context twin has answered"


class TwinItemMean(_Baseline):
    """Mean answer of all twins to the item: one number for everybody."""

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        if design.axis == "item":
            return np.repeat(_means(design.raw_target, 0), design.n_samples, axis=0)
        means = np.full((design.n_samples, 1), np.nan)
        means[design.twin_samples] = _means(design.raw_twin, 1)
        return np.repeat(means, design.n_targets, axis=1)


class HumanItemMean(_Baseline):
    """Mean answer of the other people to the item; for a new respondent only."""

    axes: ClassVar[tuple[Axis, ...]] = ("respondent",)
    uses_target_twins: ClassVar[bool] = False

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        means = np.full((design.n_samples, 1), np.nan)
        means[design.human_samples] = _means(design.raw_human, 1)
        return np.repeat(means, design.n_targets, axis=1)


class HumanRespondentMean(Calibrator):
    """The person's own mean standardised answer to the donors (the answered items); for a new item only.

    It knows how high a person answers in general, and nothing of the item. Any method that claims to predict a new
    item must beat it.
    """

    axes: ClassVar[tuple[Axis, ...]] = ("item",)
    needs_varying_twins: ClassVar[bool] = False

    def fit_design(self, design: Design) -> None:
        """Do nothing: there is nothing to learn."""

    def predict_design(self, design: Design) -> Array:
        """See the base class."""
        return np.repeat(_means(design.observed.human, 1), design.n_targets, axis=1)


def _means(values: Array, axis: int) -> Array:
    """Compute means over observed answers, keeping the dimension; NaN where there are none."""
    seen = np.isfinite(values)
    count = seen.sum(axis=axis, keepdims=True)
    total = np.sum(values, axis=axis, keepdims=True, where=seen)
    means: Array = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means

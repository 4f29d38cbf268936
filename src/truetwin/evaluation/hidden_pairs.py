"""Hidden answers of a fold, put beside what was predicted for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.base import Prediction
from truetwin.calibration.design import Fold
from truetwin.calibration.orientation import orient, pick
from truetwin.data import Panel, Scale
from truetwin.evaluation.target_metrics import PairLaws, Pairs

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Known:
    """Data that scores use beside the panel: weights, and answers of people who were asked again. No method sees these.

    Attributes
    ----------
    categories : bool
        Whether the scores need the category next to each prediction.
    weights : ndarray of shape (n_respondents,), optional
        Weight of each respondent of the panel.
    retest : ndarray of shape (n_respondents, n_items), optional
        Second answers on the panel's grid; NaN where there is none.
    """

    categories: bool = False
    weights: Array | None = None
    retest: Array | None = None


class AnswerMoments:
    """Means and sds of the answers of nearly all people, from sums over all and the answers of who is missing.

    Parameters
    ----------
    values : ndarray of shape (n_respondents, n_items)
        Answers on their scales, with gaps.
    """

    def __init__(self, values: Array) -> None:
        self._values = values
        self._seen = np.isfinite(values)
        count = self._seen.sum(axis=0)
        self._about = np.where(self._seen, values, 0.0).sum(axis=0) / np.maximum(count, 1)
        self._shifted = np.where(self._seen, values - self._about, 0.0)
        self._sums = self._summed(np.arange(len(values)))

    def _summed(self, rows: NDArray[np.intp]) -> Array:
        """Add up counts, answers and squares of some people, (3, n_items)."""
        shifted = self._shifted[rows]
        return np.stack([self._seen[rows].sum(axis=0), shifted.sum(axis=0), (shifted**2).sum(axis=0)])

    def of(self, people: Sequence[int]) -> tuple[Array, Array]:
        """Compute mean and sd of some people's answers to each item; NaN where they gave none."""
        chosen = np.zeros(len(self._values), dtype=bool)
        chosen[list(people)] = True
        count, first, second = self._sums - self._summed(np.flatnonzero(~chosen))
        n = np.where(count > 0, count, np.nan)
        mean, variance = first / n, second / n - (first / n) ** 2
        # What is left of a difference may be rounding alone: those few items are added up anew.
        unsure = np.flatnonzero(
            ~(variance > 1e-6 * self._sums[2] / np.maximum(self._sums[0], 1)) & (count > 0)
        )
        centre, spread = mean + self._about, np.sqrt(np.maximum(variance, 0.0))
        some = self._values[chosen][:, unsure]
        centre[unsure], spread[unsure] = np.nanmean(some, axis=0), np.nanstd(some, axis=0)
        return centre, spread


@dataclass(frozen=True, eq=False)
class Hidden:
    """Hidden answers of a fold, with the mean and spread of each sample's known answers.

    Attributes
    ----------
    answers : ndarray of shape (n_samples, n_targets)
        Human answers to the targets; NaN where nobody answered.
    centre, spread : ndarray of shape (n_samples,)
        Mean and sd of the human answers to the donors, for a new respondent; NaN for a new item, and where there is no
        answer or no spread.
    scales : sequence of Scale
        Scale of each target for new items, of each sample for new respondents.
    categories : bool
        Whether the category next to each prediction is wanted.
    weights : ndarray of shape (n_samples,), optional
        Weights of the samples, if these are people.
    retest : ndarray of shape (n_samples, n_targets), optional
        Answers of the same people when they were asked again.
    """

    answers: Array
    centre: Array
    spread: Array
    scales: Sequence[Scale]
    categories: bool = False
    weights: Array | None = None
    retest: Array | None = None

    @classmethod
    def of(
        cls, panel: Panel, fold: Fold, known: Known = Known(), moments: AnswerMoments | None = None
    ) -> Hidden:
        """Collect the answers that a fold hides; ``moments`` of the panel's human answers spare work for many folds."""
        targets, axis = fold.targets, fold.axis
        answers = orient(pick(panel.human_values, targets, axis), axis)
        centre, spread = np.full((2, len(answers)), np.nan)
        if axis == "respondent":
            centre, spread = (moments or AnswerMoments(panel.human_values)).of(fold.donors)
        spread[spread == 0] = np.nan
        items = [panel.item_ids[t] for t in targets] if axis == "item" else panel.item_ids
        scales = [panel.scales[i] for i in items]
        retest = None if known.retest is None else orient(pick(known.retest, targets, axis), axis)
        weights = known.weights if axis == "item" else None
        return cls(answers, centre, spread, scales, known.categories, weights, retest)

    def beside(self, prediction: Prediction, laws: Mapping[str, PairLaws] | None = None) -> list[Pairs]:
        """For each target, what was predicted beside what was hidden; laws, by target, are over all samples."""
        has_order = np.array([scale.kind != "nominal" for scale in self.scales], dtype=bool)
        ordered = np.broadcast_to(
            has_order if prediction.axis == "item" else has_order[:, None], self.answers.shape
        )
        counted = np.ones(len(self.answers), dtype=bool) if self.weights is None else self.weights > 0
        return [
            Pairs(
                hidden,
                predicted,
                self.centre,
                self.spread,
                self.weights,
                self._nearest(predicted, k, prediction.axis == "item") if self.categories else None,
                None if self.retest is None else self.retest[:, k],
                (laws or {}).get(prediction.target_ids[k]),
                np.arange(hidden.size),
                ordered[:, k],
            ).where(np.isfinite(hidden) & np.isfinite(predicted) & counted)
            for k, (hidden, predicted) in enumerate(zip(self.answers.T, prediction.values.T, strict=True))
        ]

    def _nearest(self, predicted: Array, k: int, item: bool) -> Array:
        """Return the category next to each prediction; NaN where the item has none."""
        if item:
            return _nearest_category(self.scales[k], predicted)
        rows: dict[Scale, list[int]] = {}
        for row, scale in enumerate(self.scales):
            rows.setdefault(scale, []).append(row)
        nearest = np.full(predicted.shape, np.nan)
        for scale, where in rows.items():
            nearest[where] = _nearest_category(scale, predicted[where])
        return nearest


def _nearest_category(scale: Scale, values: Array) -> Array:
    return np.full(values.shape, np.nan) if scale.kind == "numeric" else scale.snap(values)

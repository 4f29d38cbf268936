"""Choose hyperparameters by cross-validation among the twins' own answers; no human answer is ever looked at."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from truetwin.calibration.base import Calibrator
from truetwin.calibration.design import Fold, Preprocessing, make_designs
from truetwin.calibration.orientation import Answers, Array, axis_ids, orient, other, pick
from truetwin.data import Axis

N_TARGETS = 8
N_DONORS = 400
N_SAMPLES = 2000


@dataclass(frozen=True, eq=False)
class _TwinsOnly:
    """Twin answers used as both sources: held-out samples play the humans, the others the twins."""

    respondent_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    human_values: Array
    twin_values: Array
    in_context_values: None = None

    @property
    def source_values(self) -> Array:
        """The twins' answers as the only source."""
        return self.twin_values[None]


def choose(candidates: Sequence[Calibrator], answers: Answers, axis: Axis) -> Calibrator:
    """Choose the candidate that predicts pseudo-targets best on twins that it was not fitted on.

    A few items (or respondents) with varying twin answers are the pseudo-targets: they play the part of a target. A
    third of the samples is held out and plays the humans. The score is the squared error in units of the
    pseudo-target's variance; on a tie the first candidate wins. The draw depends on ids alone, so that the order of
    rows and columns does not matter.
    """
    if len(candidates) == 1:
        return candidates[0]
    fold, twins = _pose(answers, axis)
    played = np.isfinite(twins.human_values).any() and np.isfinite(twins.twin_values).any()
    if not fold.targets or len(fold.donors) < 2 or not played:
        return candidates[0]
    truth = orient(pick(answers.twin_values, fold.targets, fold.axis), fold.axis)
    held_out = np.isfinite(orient(twins.human_values, fold.axis)).any(axis=1, keepdims=True)
    truth = np.where(held_out, truth, np.nan)
    # For a new respondent the held-out samples are items that no other twin has left: their level is the donors'.
    level: Literal["human", "twin"] = "twin" if axis == "item" else "human"
    (design,) = make_designs(twins, [fold], Preprocessing(level=level))
    losses = [
        relative_error(candidate.predict_designs([design])[0].values, truth) for candidate in candidates
    ]
    return candidates[int(np.argmin(np.round(losses, 12)))]


def relative_error(prediction: Array, truth: Array) -> float:
    """Compute the mean over columns of squared error over variance; infinite if nothing can be compared."""
    losses = []
    for predicted, observed in zip(prediction.T, truth.T, strict=True):
        both = np.isfinite(predicted) & np.isfinite(observed)
        if both.any() and observed[both].var() > 0:
            losses.append(((predicted[both] - observed[both]) ** 2).mean() / observed[both].var())
    return float(np.mean(losses)) if losses else float("inf")


def _pose(answers: Answers, axis: Axis) -> tuple[Fold, _TwinsOnly]:
    twin = orient(answers.twin_values, axis)
    seen = np.isfinite(twin)
    highest = np.max(twin, axis=0, where=seen, initial=-np.inf)
    lowest = np.min(twin, axis=0, where=seen, initial=np.inf)
    members = _shuffled(np.flatnonzero(highest > lowest), axis_ids(answers, axis))
    samples = _shuffled(np.flatnonzero(seen.any(axis=1)), axis_ids(answers, other(axis)))[:N_SAMPLES]
    targets = members[: min(N_TARGETS, len(members) // 3)]
    donors = members[len(targets) : len(targets) + N_DONORS]
    held_out = samples[: len(samples) // 3]
    sources = []
    for kept in (held_out, samples[len(samples) // 3 :]):
        source = np.full(twin.shape, np.nan)
        source[kept] = twin[kept]
        sources.append(orient(source, axis))
    fold = Fold(axis, tuple(targets), tuple(sorted(donors)))
    return fold, _TwinsOnly(answers.respondent_ids, answers.item_ids, sources[0], sources[1])


def _shuffled(positions: Iterable[int], ids: Sequence[str]) -> list[int]:
    return sorted(map(int, positions), key=lambda k: (zlib.crc32(ids[k].encode()), ids[k]))

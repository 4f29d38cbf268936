"""Judge the calibration of an experiment's effects: scores, scores of parts, and how well people predict people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truetwin.experiments.contrast_arrays import ContrastArrays, contrast_arrays, person_parts
from truetwin.experiments.effect_judging import (
    EffectScores,
    LeftOutPredictions,
    cosine,
    predict_left_out,
    score_effects,
)
from truetwin.experiments.experiment import Experiment

SPLITS = 200


@dataclass(frozen=True)
class SplitHalf:
    """Agreement of the effects in one random half of the people with those in the other half.

    Attributes
    ----------
    half : float
        Cosine of the effects of two halves, averaged over splits; every study counts the same.
    full : float
        Reliability of the effects of all people, by Spearman and Brown: 2 r / (1 + r).
    """

    half: float
    full: float


@dataclass(frozen=True, eq=False)
class EffectJudgement:
    """Scores of twin effects, calibrated and not, against human effects of studies that were left out.

    Attributes
    ----------
    predictions : LeftOutPredictions
    scores : EffectScores
        Of all contrasts.
    parts : mapping of str to EffectScores
        Of the contrasts of one kind, of the headline contrasts, and of what else was asked for.
    ceiling : SplitHalf
        What people themselves reach.
    notes : tuple of str
    """

    predictions: LeftOutPredictions
    scores: EffectScores
    parts: Mapping[str, EffectScores]
    ceiling: SplitHalf
    notes: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """List the scores of each part and method."""
        everything = {"all contrasts": self.scores, **self.parts}
        return [
            {"part": part, "contrasts": scores.n_contrasts, "studies": scores.n_studies, **row}
            for part, scores in everything.items()
            for row in scores.rows
        ]

    def ceiling_record(self) -> dict[str, float]:
        """Return what people themselves reach: half against half, and a perfect prediction against their effects."""
        return {
            "split_half": self.ceiling.half,
            "reliability": self.ceiling.full,
            "perfect_prediction": self.scores.ceiling,
        }


def judge_experiment(
    experiment: Experiment,
    *,
    by: Sequence[str] = (),
    sources: Sequence[str] = (),
    level: float = 0.9,
    seed: int = 0,
) -> EffectJudgement:
    """Leave out each study in turn, predict its human effects, and score the predictions.

    Parameters
    ----------
    experiment : Experiment
        At least four studies with answers of people and of twins.
    by : sequence of str, optional
        Columns with groups of people. Effects in each group are also predicted, by what effects of everybody in other
        studies teach, and scored.
    sources : sequence of str, optional
        Sources of twins to average; all by default.
    level : float, default=0.9
        Level of all intervals.
    seed : int, default=0
        Seed of resampled studies and of random halves.

    Raises
    ------
    DataError
        If there are fewer than four studies with human and twin effects.
    """
    effects = experiment.effects(by)
    found = contrast_arrays(effects, sources=sources)
    predictions = predict_left_out(found.effects, level)
    scored = _scored(found, predictions)
    parts = {
        name: score_effects(predictions.take(here), seed=seed)
        for name, here in _parts(scored).items()
        if 0 < here.sum() < len(here)
    }
    if by:
        parts |= _of_groups(contrast_arrays(effects, sources=sources, family="group"), found, level, seed)
    return EffectJudgement(
        predictions,
        score_effects(predictions, seed=seed),
        parts,
        split_half(experiment, scored, seed=seed),
        tuple(f"left out: {text}" for text in found.left_out),
    )


def _scored(found: ContrastArrays, predictions: LeftOutPredictions) -> ContrastArrays:
    """Keep the contrasts that were predicted."""
    names = set(zip(predictions.effects.studies, predictions.effects.contrasts, strict=True))
    pairs = zip(found.effects.studies, found.effects.contrasts, strict=True)
    at = [k for k, pair in enumerate(pairs) if pair in names]
    return ContrastArrays(
        tuple(found.contrasts[k] for k in at), found.effects.take(at), found.human_sd[at], found.twin_sd[at]
    )


def _of_groups(
    groups: ContrastArrays, everybody: ContrastArrays, level: float, seed: int
) -> dict[str, EffectScores]:
    """Score the effects in each group of people."""
    predictions = predict_left_out(everybody.effects, level, targets=groups.effects)
    name_of = dict(
        zip(zip(groups.effects.studies, groups.effects.contrasts, strict=True), groups.groups, strict=True)
    )
    pairs = zip(predictions.effects.studies, predictions.effects.contrasts, strict=True)
    names = np.array([name_of[pair] for pair in pairs])
    return {
        name: score_effects(predictions.take(names == name), seed=seed)
        for name in dict.fromkeys(map(str, names))
    }


def _parts(found: ContrastArrays) -> dict[str, Any]:
    kinds = found.effects.groups
    return {
        "between conditions": kinds == 0,
        "within persons": kinds == 1,
        "headline": np.array([one.headline for one in found.contrasts], dtype=bool),
    }


def split_half(
    experiment: Experiment, found: ContrastArrays, *, splits: int = SPLITS, seed: int = 0
) -> SplitHalf:
    """Compare the human effects of random halves of the people.

    Halves are computed from each person's part in the effects, so that many splits cost little. Clusters stay whole.
    """
    random = np.random.default_rng(seed)
    moved = np.zeros((splits, len(found.contrasts)))
    for study in found.effects.study_names:
        at = np.flatnonzero(found.effects.study_numbers == found.effects.study_names.index(study))
        contrasts = [found.contrasts[k] for k in at]
        parts = person_parts(experiment, study, contrasts, found.human_sd[at])
        moved[:, at] = random.choice([-1.0, 1.0], size=(splits, len(parts))) @ parts
    human, weights = found.effects.human, found.effects.study_weights
    half = _mean([cosine(human + row, human - row, weights) for row in moved])
    return SplitHalf(half, 2 * half / (1 + half) if half > -1 else float("nan"))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")

"""Judge predictions of effects: each study is left out, and its human effects are predicted from the other studies.

All scores are in the human sd. Every study counts the same, however many contrasts it has; intervals come from
resampling studies, and paired differences have a t interval with the studies' degrees of freedom. Errors include the
sampling error of the human estimates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, t

from truetwin.errors import DataError
from truetwin.experiments.effect_calibration import LEAST_STUDIES, EffectCalibration
from truetwin.experiments.effect_candidates import NO_EFFECT, SHRUNKEN
from truetwin.experiments.effect_law import EffectLaw
from truetwin.experiments.paired_effects import Array, PairedEffects
from truetwin.experiments.past_likelihood import PastLikelihood

#: What is compared, in the order of tables.
METHODS = ("no effect", "twin", "twin, own sd", "shrunken twin", "calibrated", "calibrated, sd unknown")
#: Methods that predict a law.
WITH_LAWS = ("no effect", "shrunken twin", "calibrated", "calibrated, sd unknown")
#: A human effect beyond this many standard errors counts as significant.
SIGNIFICANT = float(norm.ppf(0.975))
BOOTSTRAPS = 4000


@dataclass(frozen=True, eq=False)
class LeftOutPredictions:
    """Predictions of every study's effects from the other studies.

    Attributes
    ----------
    effects : PairedEffects
        Human and twin effects.
    predictions : mapping of str to ndarray of shape (C,)
        Predicted human effects by method.
    bounds : mapping of str to ndarray of shape (2, C)
        Intervals that should hold the human estimates, of methods that have intervals.
    law_bounds : ndarray of shape (2, C)
        Intervals of the calibrated effects themselves, without the sampling error of the human estimates.
    weights : mapping of str to mapping
        Weights of the candidates, by the study left out.
    level : float
        Level of the intervals.
    """

    effects: PairedEffects
    predictions: Mapping[str, Array]
    bounds: Mapping[str, Array]
    law_bounds: Array
    weights: Mapping[str, Mapping[str, float]]
    level: float

    def take(self, which: ArrayLike) -> LeftOutPredictions:
        """Return the predictions of some contrasts."""
        at = np.asarray(which)
        at = np.flatnonzero(at) if at.dtype == bool else at
        return LeftOutPredictions(
            self.effects.take(at),
            {name: values[at] for name, values in self.predictions.items()},
            {name: values[:, at] for name, values in self.bounds.items()},
            self.law_bounds[:, at],
            self.weights,
            self.level,
        )

    def records(self) -> list[dict[str, Any]]:
        """List one row a contrast: human, twin and predicted effects, with intervals."""
        e, rows = self.effects, []
        for k in range(len(e)):
            row = {
                "study": e.studies[k],
                "contrast": e.contrasts[k],
                "kind": e.kinds[k],
                "human": float(e.human[k]),
                "human_se": float(e.human_variance[k] ** 0.5),
            }
            row |= {
                name.replace(", ", "_").replace(" ", "_"): float(v[k]) for name, v in self.predictions.items()
            }
            row |= {"low": float(self.law_bounds[0, k]), "high": float(self.law_bounds[1, k])}
            rows.append(row)
        return rows


def predict_left_out(
    effects: PairedEffects, level: float = 0.9, *, targets: PairedEffects | None = None
) -> LeftOutPredictions:
    """Predict the effects of each study from those of all other studies.

    Parameters
    ----------
    effects : PairedEffects
        Effects to learn from.
    level : float, default=0.9
        Level of intervals.
    targets : PairedEffects, optional
        Other effects of the same studies to predict, such as those in groups of people.

    Raises
    ------
    DataError
        If there are fewer than four studies whose contrasts have human and twin effects.
    """
    likelihood = PastLikelihood.of(effects)
    names = likelihood.studies
    if len(names) <= LEAST_STUDIES:
        raise DataError(
            f"leaving one study out needs at least {LEAST_STUDIES + 1} studies with human and twin effects; "
            f"got {len(names)}"
        )
    known = likelihood.past if targets is None else _predictable(targets, likelihood)
    points = {name: np.empty(len(known)) for name in WITH_LAWS}
    bounds = {name: np.empty((2, len(known))) for name in WITH_LAWS}
    law_bounds, levels = np.empty((2, len(known))), (0.5 - level / 2, 0.5 + level / 2)
    weights: dict[str, dict[str, float]] = {}
    for number, study in enumerate(known.study_names):
        at = known.study_numbers == number
        new = known.take(at)
        fitted = EffectCalibration.fit(likelihood, [name for name in names if name != study])
        for name, law in _laws(fitted, new).items():
            points[name][at] = law.mean()
            bounds[name][:, at] = law.quantiles(levels, new.human_variance)
            if name == "calibrated":
                law_bounds[:, at] = law.quantiles(levels)
        weights[study] = {c.label: w for c, w in fitted.weights.items()}
    predictions = {**points, "twin": known.twin, "twin, own sd": known.own}
    shown = {name: predictions[name] for name in METHODS}
    return LeftOutPredictions(known, shown, bounds, law_bounds, weights, level)


def _predictable(targets: PairedEffects, likelihood: PastLikelihood) -> PairedEffects:
    """Keep the targets that have a human effect and all standardisers that are learned from."""
    known = np.isfinite(targets.human)
    for name in likelihood.variances:
        known &= np.isfinite(getattr(targets, name))
    return targets.take(known)


def _laws(fitted: EffectCalibration, new: PairedEffects) -> dict[str, EffectLaw]:
    return {
        "no effect": fitted.law(new, [NO_EFFECT]),
        "shrunken twin": fitted.law(new, SHRUNKEN),
        "calibrated": fitted.law(new),
        "calibrated, sd unknown": fitted.law(new.without_human_sd()),
    }


@dataclass(frozen=True)
class Interval:
    """A number with its interval over studies."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class EffectScores:
    """Scores of predicted effects, one row a method.

    Attributes
    ----------
    rows : list of dict
        ``method``, ``rmse``; ``gain_over_zero`` and ``gain_over_twin`` (1 - RMSE / RMSE of the other) with intervals
        ``..._low``,
        ``..._high``; ``cosine``; ``sign`` and ``sign_significant`` (share of right signs, of all contrasts and of those
        whose human effect is significant); ``coverage`` and ``width`` of intervals.
    differences : list of dict
        Paired differences of mean squared errors, ``method`` minus ``other``, with t intervals over studies.
    n_contrasts, n_studies, n_significant : int
        What was scored.
    ceiling : float
        Cosine that a perfect prediction of the true effects would have with the human estimates.
    level : float
        Level of all intervals.
    """

    rows: list[dict[str, Any]]
    differences: list[dict[str, Any]]
    n_contrasts: int
    n_studies: int
    n_significant: int
    ceiling: float
    level: float


def score_effects(found: LeftOutPredictions, *, bootstraps: int = BOOTSTRAPS, seed: int = 0) -> EffectScores:
    """Score predictions: every study counts the same, and intervals come from resampling studies."""
    e, level = found.effects, found.level
    resamples = _resamples(len(e.study_names), bootstraps, seed)
    errors = {name: _study_means(e, (e.human - values) ** 2) for name, values in found.predictions.items()}
    significant = np.abs(e.human) > SIGNIFICANT * np.sqrt(e.human_variance)
    rows = []
    for name, values in found.predictions.items():
        row: dict[str, Any] = {"method": name, "rmse": float(errors[name].mean() ** 0.5)}
        for other, label in (("no effect", "zero"), ("twin", "twin")):
            gain = _gain(errors[name], errors[other], resamples, level)
            row |= {
                f"gain_over_{label}": gain.value,
                f"gain_over_{label}_low": gain.low,
                f"gain_over_{label}_high": gain.high,
            }
        row["cosine"] = cosine(e.human, values, e.study_weights)
        row["sign"] = _right_signs(e.human, values)
        row["sign_significant"] = _right_signs(e.human[significant], values[significant])
        row["coverage"], row["width"] = _coverage(found, name)
        rows.append(row)
    pairs = [("calibrated", other) for other in ("no effect", "twin", "shrunken twin")]
    differences = [{"method": a, "other": b, **_difference(errors[a] - errors[b], level)} for a, b in pairs]
    return EffectScores(
        rows, differences, len(e), len(e.study_names), int(significant.sum()), cosine_ceiling(e), level
    )


def cosine(human: Array, predicted: Array, weights: Array) -> float:
    """Correlation about 0, which exchanging treatment and control leaves as it is; NaN if a side is all 0."""
    size = float((weights * human**2).sum() * (weights * predicted**2).sum())
    return float((weights * human * predicted).sum() / size**0.5) if size > 0 else float("nan")


def cosine_ceiling(effects: PairedEffects) -> float:
    """Cosine of true effects with human estimates, from the sampling variances of the latter."""
    weights = effects.study_weights
    observed = float((weights * effects.human**2).sum())
    true = max(observed - float((weights * effects.human_variance).sum()), 0.0)
    return (true / observed) ** 0.5 if observed > 0 else float("nan")


def _study_means(effects: PairedEffects, values: Array) -> Array:
    numbers = effects.study_numbers
    return np.asarray(np.bincount(numbers, values) / np.bincount(numbers))


def _resamples(n_studies: int, bootstraps: int, seed: int) -> Array:
    """Draw how often each study counts, in each resample of the studies."""
    random = np.random.default_rng(seed)
    return random.multinomial(n_studies, np.full(n_studies, 1 / n_studies), size=bootstraps).astype(float)


def _gain(errors: Array, others: Array, resamples: Array, level: float) -> Interval:
    """1 - RMSE / RMSE of the other, with a percentile interval over resampled studies."""
    if not others.sum() > 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    below = resamples @ others
    drawn = 1 - np.sqrt((resamples @ errors)[below > 0] / below[below > 0])
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(1 - np.sqrt(errors.sum() / others.sum())), float(low), float(high))


def _difference(values: Array, level: float) -> dict[str, float]:
    """Mean of paired differences with a t interval over studies."""
    if len(values) < 2:
        return {"difference": float(values.mean()), "low": float("nan"), "high": float("nan")}
    half = t.ppf(0.5 + level / 2, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    mean = float(values.mean())
    return {"difference": mean, "low": mean - float(half), "high": mean + float(half)}


def _right_signs(human: Array, predicted: Array) -> float:
    """Share of contrasts whose predicted sign is the human one; NaN if no sign is predicted."""
    told = predicted != 0
    return float((np.sign(human) == np.sign(predicted)).mean()) if told.any() else float("nan")


def _coverage(found: LeftOutPredictions, name: str) -> tuple[float, float]:
    """Share of human estimates in their intervals, and the usual width, every study counting the same."""
    if name not in found.bounds:
        return float("nan"), float("nan")
    low, high = found.bounds[name]
    weights, human = found.effects.study_weights, found.effects.human
    return float(weights @ ((low <= human) & (human <= high))), float(weights @ (high - low))

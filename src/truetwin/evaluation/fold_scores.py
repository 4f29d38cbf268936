"""Score every method on the folds of an evaluation: predict what is hidden, batch by batch, and compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from truetwin.calibration.base import Prediction
from truetwin.calibration.decoding import Decoder
from truetwin.calibration.design import Batch, Design, Fold, batches
from truetwin.calibration.nominal.indicators import Encoding
from truetwin.calibration.orientation import axis_ids, other
from truetwin.calibration.workers import in_parallel
from truetwin.data import Axis, Panel
from truetwin.evaluation.evaluation_result import Evaluation, GroupKey
from truetwin.evaluation.group_scores import Groups
from truetwin.evaluation.hidden_pairs import AnswerMoments, Hidden, Known
from truetwin.evaluation.metric_names import Metrics
from truetwin.evaluation.pair_laws import laws_of_folds, laws_of_people
from truetwin.evaluation.target_metrics import PairLaws

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
#: Laws of the targets of a fold, by target.
Laws = Mapping[str, PairLaws]


@dataclass(frozen=True, eq=False)
class Scoring:
    """Choice of scores: metrics, what they use beside the panel, and groups of people."""

    metrics: Metrics
    known: Known
    groups: Groups | None


@dataclass(frozen=True, eq=False)
class Part:
    """Scores of some targets, and the predictions that metrics of the whole table need.

    Attributes
    ----------
    result : Evaluation
        Scores of these targets.
    predicted : dict of method to ndarray of shape (n_samples, n_targets)
        Predictions; none if no metric needs them.
    """

    result: Evaluation
    predicted: Mapping[str, Array]


def score_folds(
    encoding: Encoding,
    folds: Sequence[Fold],
    decoders: Mapping[str, Decoder],
    scoring: Scoring,
    n_jobs: int,
    progress: Progress | None,
) -> list[Part]:
    """Score all methods on each batch of folds of a panel, batches in parallel."""
    encoded = [encoding.fold(fold) for fold in folds]
    with_laws = scoring.metrics.need("laws")
    swept = {
        name: sweep
        for name, decoder in decoders.items()
        if (sweep := _swept(decoder, encoded, with_laws)) is not None
    }
    work = batches(encoding.encoded, encoded)
    calls = (
        (
            encoding,
            batch,
            decoders,
            scoring,
            {name: each.of(batch.folds) for name, each in swept.items()},
        )
        for batch in work
    )
    parts, done = [], 0
    for batch, part in zip(work, in_parallel(_score_batch, calls, n_jobs), strict=True):
        parts.append(part)
        done += len(batch.folds)
        if progress:
            progress(done, len(folds))
    return parts


@dataclass(frozen=True, eq=False)
class Sweep:
    """Results of a method for all folds, computed before they are divided into batches.

    Attributes
    ----------
    predictions : dict of Fold to Prediction
        Of a method that does all folds in one pass; otherwise none.
    seconds : float
        Time that these took, laws included.
    laws : dict of Fold to dict of target to PairLaws, optional
        Laws, where they are wanted and are not made batch by batch.
    """

    predictions: Mapping[Fold, Prediction]
    seconds: float
    laws: Mapping[Fold, Laws] | None = None

    def of(self, folds: Sequence[Fold]) -> Sweep:
        """Select some folds, with their share of the time."""
        part = {fold: self.predictions[fold] for fold in folds} if self.predictions else {}
        laws = None if self.laws is None else {fold: self.laws[fold] for fold in folds}
        most = max(len(self.predictions), len(self.laws or {}), 1)
        return Sweep(part, self.seconds * len(folds) / most, laws)


def _swept(decoder: Decoder, folds: Sequence[Fold], with_laws: bool) -> Sweep | None:
    """Do what is better done for all folds at once: predictions of some methods, and laws of people."""
    from truetwin.solvers.one_thread import one_thread

    model, of_people = clone(decoder.model), with_laws and folds[0].axis == "respondent"
    if not (model.shares_folds or of_people):
        return None
    start = time.perf_counter()
    found: dict[Fold, Prediction] = {}
    laws: Mapping[Fold, Laws] | None = None
    with one_thread():
        if model.shares_folds:
            raw = model.predict_folds(decoder.encoding.encoded, folds, decoder.preprocessing)
            found = dict(zip(folds, decoder.decoded(folds, raw), strict=True))
            if with_laws and not of_people:
                laws = dict(zip(folds, laws_of_folds(model, decoder, folds, raw), strict=True))
        if of_people:
            laws = _by_fold(laws_of_people(model, decoder), folds, decoder.encoding.panel)
    return Sweep(found, time.perf_counter() - start, laws)


def _by_fold(laws: Laws, folds: Sequence[Fold], panel: Panel) -> dict[Fold, Laws]:
    ids = panel.respondent_ids
    return {fold: {ids[t]: laws[ids[t]] for t in fold.targets if ids[t] in laws} for fold in folds}


def join_parts(parts: Sequence[Part]) -> Part:
    """Join the scores of the same methods on different targets."""
    results = [part.result for part in parts]
    first = results[0]
    result = Evaluation(
        tuple(t for one in results for t in one.target_ids),
        {key: np.concatenate([one.scores[key] for one in results]) for key in first.scores},
        {name: np.concatenate([one.n_answers[name] for one in results]) for name in first.n_answers},
        {
            name: {target: why for one in results for target, why in one.reasons[name].items()}
            for name in first.reasons
        },
        {name: sum(one.seconds[name] for one in results) for name in first.seconds},
        sum(one.shared_seconds for one in results),
        unconverged={
            name: tuple(t for one in results for t in one.unconverged.get(name, ())) for name in first.reasons
        },
        group_scores={
            key: np.concatenate([one.group_scores[key] for one in results]) for key in first.group_scores
        },
    )
    predicted = {
        name: np.concatenate([part.predicted[name] for part in parts], axis=1) for name in parts[0].predicted
    }
    return Part(result, predicted)


def without_donors(folds: Sequence[Fold], panel: Panel, models: Collection[str], scoring: Scoring) -> Part:
    """Count the targets that cannot be predicted because no donor is left; they are not scored."""
    axis = folds[0].axis
    ids = axis_ids(panel, axis)
    targets = [ids[t] for fold in folds for t in fold.targets]
    undefined = np.full(len(targets), np.nan)
    why = "no donor: nothing else has answers from both humans and twins"
    result = Evaluation(
        tuple(targets),
        {(name, scorer.name): undefined for name in models for scorer in scoring.metrics.of_targets},
        {name: np.zeros(len(targets)) for name in models},
        {name: dict.fromkeys(targets, why) for name in models},
        dict.fromkeys(models, 0.0),
        0.0,
        group_scores=dict.fromkeys(_group_keys(scoring, models, axis), undefined),
    )
    nothing = np.full((len(axis_ids(panel, other(axis))), len(targets)), np.nan)
    return Part(result, dict.fromkeys(models, nothing) if scoring.metrics.of_tables else {})


def _group_keys(scoring: Scoring, models: Collection[str], axis: Axis) -> list[GroupKey]:
    shown = scoring.groups.shown if scoring.groups and axis == "item" else {}
    return [
        (column, group, name, scorer.name)
        for name in models
        for column, group in shown
        for scorer in scoring.metrics.of_targets
    ]


def _score_batch(
    encoding: Encoding,
    batch: Batch,
    decoders: Mapping[str, Decoder],
    scoring: Scoring,
    swept: Mapping[str, Sweep],
) -> Part:
    moments = AnswerMoments(encoding.panel.human_values) if batch.folds[0].axis == "respondent" else None
    if all(name in swept and swept[name].predictions for name in decoders):
        return _score_some(encoding, batch.folds, (), decoders, scoring, swept, moments)
    designs = batch.designs(encoding.encoded, next(iter(decoders.values())).preprocessing)
    return join_parts(
        [
            _score_some(encoding, [each.fold for each in some], some, decoders, scoring, swept, moments)
            for some in designs
        ]
    )


def _score_some(
    encoding: Encoding,
    folds: Sequence[Fold],
    designs: Sequence[Design],
    decoders: Mapping[str, Decoder],
    scoring: Scoring,
    swept: Mapping[str, Sweep],
    moments: AnswerMoments | None,
) -> Part:
    """Score some folds; ``designs`` are theirs, or none if everything was predicted before."""
    start = time.perf_counter()
    if any(decoder.model.uses_imputation for decoder in decoders.values()):
        for design in designs:
            _ = design.complete
    shared_seconds = time.perf_counter() - start
    scores = _Scores(scoring)
    seconds: dict[str, float] = {}
    plain = [encoding.plain_fold(fold) for fold in folds]
    hidden = [Hidden.of(encoding.panel, fold, scoring.known, moments) for fold in plain]
    for name, decoder in decoders.items():
        start = time.perf_counter()
        known = swept.get(name, Sweep({}, 0.0))
        laws: Sequence[Laws] | None = None if known.laws is None else [known.laws[fold] for fold in folds]
        if known.predictions:
            predictions = [known.predictions[fold] for fold in folds]
            seconds[name] = known.of(folds).seconds
        else:
            model = clone(decoder.model)
            raw = model.predict_designs(designs)
            predictions = decoder.decoded(folds, raw)
            if laws is None and scoring.metrics.need("laws"):
                laws = laws_of_folds(model, decoder, folds, raw)
            seconds[name] = time.perf_counter() - start + known.of(folds).seconds
        for k, (truth, prediction) in enumerate(zip(hidden, predictions, strict=True)):
            scores.add(name, truth, prediction, None if laws is None else laws[k])
    ids = axis_ids(encoding.panel, folds[0].axis)
    return scores.part(tuple(ids[t] for fold in plain for t in fold.targets), seconds, shared_seconds)


@dataclass(eq=False)
class _Scores:
    """Scores as they are found, target by target."""

    scoring: Scoring
    scores: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    group_scores: dict[GroupKey, list[float]] = field(default_factory=dict)
    n_answers: dict[str, list[int]] = field(default_factory=dict)
    reasons: dict[str, dict[str, str]] = field(default_factory=dict)
    unconverged: dict[str, tuple[str, ...]] = field(default_factory=dict)
    predicted: dict[str, list[Array]] = field(default_factory=dict)

    def add(self, name: str, hidden: Hidden, prediction: Prediction, laws: Laws | None) -> None:
        """Score a method's prediction of one fold."""
        axis = prediction.axis
        reasons = self.reasons.setdefault(name, {})
        reasons |= prediction.unpredicted
        self.unconverged[name] = (*self.unconverged.get(name, ()), *sorted(prediction.unconverged))
        if self.scoring.metrics.of_tables:
            self.predicted.setdefault(name, []).append(prediction.values)
        scorers = self.scoring.metrics.of_targets
        defined = [scorer for scorer in scorers if axis in scorer.axes]
        groups = self.scoring.groups if axis == "item" else None
        for target, pairs in zip(prediction.target_ids, hidden.beside(prediction, laws), strict=True):
            self.n_answers.setdefault(name, []).append(pairs.truth.size)
            for scorer in scorers:
                score = scorer.of(pairs) if scorer in defined else float("nan")
                self.scores.setdefault((name, scorer.name), []).append(score)
            for (column, group, metric), score in (groups.scores(pairs, scorers) if groups else {}).items():
                self.group_scores.setdefault((column, group, name, metric), []).append(score)
            if scorers and not defined:
                reasons.setdefault(target, f"no such score for a new {axis}")

    def part(self, targets: tuple[str, ...], seconds: Mapping[str, float], shared_seconds: float) -> Part:
        """Return all scores that were added."""
        result = Evaluation(
            targets,
            {key: np.array(values) for key, values in self.scores.items()},
            {name: np.array(counts) for name, counts in self.n_answers.items()},
            self.reasons,
            seconds,
            shared_seconds,
            unconverged=self.unconverged,
            group_scores={key: np.array(values) for key, values in self.group_scores.items()},
        )
        return Part(result, {name: np.concatenate(found, axis=1) for name, found in self.predicted.items()})

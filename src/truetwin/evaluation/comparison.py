"""Compare methods: hide targets as a protocol says, predict them, score every target."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from truetwin.calibration.base import Calibrator, Prediction, with_blocks
from truetwin.calibration.calibrators import named_calibrators
from truetwin.calibration.design import Batch, Design, Fold, Preprocessing, batches
from truetwin.calibration.orientation import axis_ids, orient, pick
from truetwin.calibration.workers import in_parallel
from truetwin.data import Axis, Panel
from truetwin.errors import NotPredictableError, ParameterError
from truetwin.evaluation.hiding_protocols import Protocol, protocols
from truetwin.evaluation.mean_scores import mean_and_error
from truetwin.evaluation.target_metrics import Metric, Pairs, metrics
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.settings.evaluate_settings import Evaluate

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of several methods on the same targets.

    Attributes
    ----------
    target_ids : tuple of str
        Ids of the items or respondents that were hidden and predicted.
    scores : dict of (method, metric) to ndarray of shape (n_targets,)
        One score a target; NaN where undefined or not predicted.
    n_answers : dict of method to ndarray of shape (n_targets,)
        How many observed answers each target's predictions were compared with.
    reasons : dict of method to dict of target id to str
        Why a target has no prediction.
    seconds : dict of method to float
        Time spent in each method, without the preparation that methods share.
    shared_seconds : float
        Time spent on that preparation.
    settings : dict
        Settings of the evaluation.
    """

    target_ids: tuple[str, ...]
    scores: Mapping[tuple[str, str], Array]
    n_answers: Mapping[str, Array]
    reasons: Mapping[str, Mapping[str, str]]
    seconds: Mapping[str, float]
    shared_seconds: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    unconverged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        methods = dict.fromkeys(method for method, _ in self.scores)
        return f"Evaluation({', '.join(methods)} on {len(self.target_ids)} targets)"

    def summary(self, baseline: str | None = None) -> list[dict[str, Any]]:
        """Summarise by method and metric: mean, standard error, counts, paired difference against ``baseline``.

        One row a method and metric. The paired difference is a mean over the targets for which both methods have a
        score. ``paired_mean`` is the method's own mean over these targets; it differs from ``mean`` where the
        baseline has no score.
        """
        baseline = baseline or str(self.settings.get("baseline", ""))
        rows = []
        for (method, metric), scores in self.scores.items():
            row: dict[str, Any] = {"method": method, "metric": metric, **mean_and_error(scores)}
            reference = self.scores.get((baseline, metric))
            if reference is not None and method != baseline:
                paired = mean_and_error(scores - reference)
                row |= {
                    "paired_mean": mean_and_error(np.where(np.isfinite(reference), scores, np.nan))["mean"],
                    "difference": paired["mean"],
                    "difference_standard_error": paired["standard_error"],
                    "n_paired": paired["n_scored"],
                }
            row["n_answers"] = int(self.n_answers[method].sum())
            row["seconds"] = self.seconds[method]
            rows.append(row)
        return rows

    def per_target(self) -> list[dict[str, Any]]:
        """List all scores: one row a target, method and metric, with the reason where there is no score."""
        return [
            {
                "target": target,
                "method": method,
                "metric": metric,
                "score": float(score) if np.isfinite(score) else None,
                "n_answers": int(count),
                "reason": None if np.isfinite(score) else self.reasons[method].get(target, "score undefined"),
            }
            for (method, metric), scores in self.scores.items()
            for target, score, count in zip(self.target_ids, scores, self.n_answers[method], strict=True)
        ]


def usual_methods(axis: Axis) -> tuple[str, ...]:
    """Name the methods that are usually compared: the twin, the trivial mean, and what should beat both.

    Examples
    --------
    >>> usual_methods("item")[:2]
    ('twin', 'human-respondent-mean')
    """
    trivial = "human-respondent-mean" if axis == "item" else "human-item-mean"
    return ("twin", trivial, "ridge", "elastic-net", "synthetic-control", "auto")


def evaluate(
    panel: Panel,
    methods: Iterable[str | Calibrator] | Mapping[str, Calibrator] = ("twin", "ridge", "elastic-net", "auto"),
    protocol: str = "leave-one-item-out",
    *,
    metric: str | Sequence[str] = "pearson",
    baseline: str = "twin",
    blocks: Mapping[str, str] | Literal["auto"] | None = None,
    preset: str = "cv",
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    max_folds: int | None = None,
    preprocessing: Preprocessing | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> Evaluation:
    """Hide answers that humans have given, predict them with each method, and score the predictions.

    Parameters
    ----------
    panel : Panel
        Human and twin answers.
    methods : names, calibrators, or mapping from a name to a calibrator
        What to compare; ``truetwin methods`` lists the names.
    protocol : {"leave-one-item-out", "leave-one-respondent-out", "leave-block-out"}
        What is hidden at a time. The hidden human answers are masked before any method sees the panel.
    metric : str or sequence of str
        Names of scores, computed for each target.
    baseline : str
        Method against which paired differences are taken; it is added to ``methods`` if it is not among them.
    blocks : mapping from item id to block name, or "auto", optional
        Batteries (items asked together). "leave-block-out" hides them together, and methods that use them are given
        them. By default they are as declared with the items, or else guessed from the ids. "auto", for
        "leave-block-out" only, also uses missing answers and near-duplicates
        (:func:`truetwin.instrument.battery_evidence.find_blocks`).
    preset : str, default="cv"
        Where hyperparameters of named methods come from: "cv" chooses them by cross-validation among the twins' own
        answers, a dataset's name takes the paper's published settings.
    parameters : mapping from method to settings, optional
        Settings by hand; they win over the preset.
    max_folds : int, optional
        Evaluate on a sample of the folds only; which ones depends on ids alone.
    preprocessing : Preprocessing, optional
        How both sources are prepared.
    n_jobs : int
        Number of parallel workers (joblib); the result does not depend on it.
    progress : callable, optional
        Called with the number of finished and of all folds.

    Returns
    -------
    Evaluation

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> panel = generate_population(200, 20, n_new_items=0).panel
    >>> table = evaluate(panel, ["twin", "ridge"], preset="twin-2k-500")
    >>> [row["method"] for row in table.summary()]
    ['twin', 'ridge']
    """
    max_folds = Evaluate(preset=preset, baseline=baseline, max_folds=max_folds).max_folds
    how = protocols[protocol]
    members, found_by = _blocks(panel, how, blocks)
    scorers = [metrics[m] for m in ([metric] if isinstance(metric, str) else metric)]
    folds = _sample(how.folds(panel, members), axis_ids(panel, how.axis), max_folds)
    models = named_calibrators(methods, panel, how.axis, preset=preset, parameters=parameters, add=baseline)
    models = {name: with_blocks(model, members) for name, model in models.items()}
    prepared = preprocessing or Preprocessing()
    alone = [fold for fold in folds if not fold.donors]
    folds = [fold for fold in folds if fold.donors]
    if not folds:
        raise NotPredictableError(
            f"a hidden {how.axis} is predicted from other {how.axis}s with answers from both humans and twins; "
            f"none is left for any of the {len(alone)} targets. Add answers to more {how.axis}s."
        )
    parts = _scored(panel, folds, models, scorers, prepared, n_jobs, progress)
    if alone:
        parts.append(_without_donors(alone, axis_ids(panel, how.axis), models, scorers))
    return _joined(
        parts,
        {
            "protocol": protocol,
            "baseline": baseline,
            "preset": preset,
            "n_folds": len(folds) + len(alone),
            "blocks": found_by,
            "parameters": {name: model.get_params() for name, model in models.items()},
            "imputation_rank": prepared.imputation_rank,
            "sd_floor": prepared.sd_floor,
            "level": prepared.level,
        },
    )


def _scored(
    panel: Panel,
    folds: Sequence[Fold],
    models: Mapping[str, Calibrator],
    scorers: Sequence[Metric],
    preprocessing: Preprocessing,
    n_jobs: int,
    progress: Progress | None,
) -> list[Evaluation]:
    """Scores of all methods on each batch of folds, batches in parallel."""
    swept = {
        name: _sweep(panel, folds, model, preprocessing)
        for name, model in models.items()
        if model.shares_folds
    }
    work = batches(panel, folds)
    calls = (
        (
            panel,
            batch,
            models,
            scorers,
            preprocessing,
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


def _blocks(
    panel: Panel, how: Protocol, blocks: Mapping[str, str] | Literal["auto"] | None
) -> tuple[Mapping[str, str] | None, str | None]:
    """Decide which blocks to hide together and to give to methods, and say in words where they come from."""
    if how.name == "leave-block-out":
        return resolve_blocks(panel, blocks)
    if isinstance(blocks, str):
        # Hide who was asked a hidden item: it would show which items belong with it, which is not known of a new item.
        raise ParameterError(f"blocks={blocks!r} goes with leave-block-out; the protocol is {how.name!r}")
    return blocks if blocks is not None else panel.declared_blocks or None, None


@dataclass(frozen=True, eq=False)
class Sweep:
    """Predictions of a method that does all folds in one pass, with the time that it took."""

    predictions: Mapping[Fold, Prediction]
    seconds: float

    def of(self, folds: Sequence[Fold]) -> Sweep:
        """Select some folds, with their share of the time."""
        part = {fold: self.predictions[fold] for fold in folds}
        return Sweep(part, self.seconds * len(part) / len(self.predictions))


def _sweep(panel: Panel, folds: Sequence[Fold], model: Calibrator, preprocessing: Preprocessing) -> Sweep:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        start = time.perf_counter()
        found = clone(model).predict_folds(panel, folds, preprocessing)
        return Sweep(dict(zip(folds, found, strict=True)), time.perf_counter() - start)


def _sample(folds: list[Fold], ids: Sequence[str], most: int | None) -> list[Fold]:
    if most is None or len(folds) <= most:
        return folds
    drawn = sorted(folds, key=lambda fold: zlib.crc32(ids[fold.targets[0]].encode()))[:most]
    return sorted(drawn, key=lambda fold: fold.targets)


def _joined(parts: Sequence[Evaluation], settings: Mapping[str, Any]) -> Evaluation:
    """Join evaluations of the same methods on different targets."""
    return Evaluation(
        tuple(t for part in parts for t in part.target_ids),
        {key: np.concatenate([part.scores[key] for part in parts]) for key in parts[0].scores},
        {name: np.concatenate([part.n_answers[name] for part in parts]) for name in parts[0].n_answers},
        {
            name: {target: why for part in parts for target, why in part.reasons[name].items()}
            for name in parts[0].reasons
        },
        {name: sum(part.seconds[name] for part in parts) for name in parts[0].seconds},
        sum(part.shared_seconds for part in parts),
        settings,
        {
            name: tuple(t for part in parts for t in part.unconverged.get(name, ()))
            for name in parts[0].reasons
        },
    )


def _without_donors(
    folds: Sequence[Fold], ids: Sequence[str], models: Mapping[str, Calibrator], scorers: Sequence[Metric]
) -> Evaluation:
    """Count the targets that cannot be predicted because no donor is left; they are not scored."""
    targets = [ids[t] for fold in folds for t in fold.targets]
    undefined = np.full(len(targets), np.nan)
    why = "no donor: nothing else has answers from both humans and twins"
    return Evaluation(
        tuple(targets),
        {(name, scorer.name): undefined for name in models for scorer in scorers},
        {name: np.zeros(len(targets)) for name in models},
        {name: dict.fromkeys(targets, why) for name in models},
        dict.fromkeys(models, 0.0),
        0.0,
    )


def _score_batch(
    panel: Panel,
    batch: Batch,
    models: Mapping[str, Calibrator],
    scorers: Sequence[Metric],
    preprocessing: Preprocessing,
    swept: Mapping[str, Sweep],
) -> Evaluation:
    designs = batch.designs(panel, preprocessing)
    return _joined([_score_designs(panel, some, models, scorers, swept) for some in designs], {})


def _score_designs(
    panel: Panel,
    designs: Sequence[Design],
    models: Mapping[str, Calibrator],
    scorers: Sequence[Metric],
    swept: Mapping[str, Sweep],
) -> Evaluation:
    start = time.perf_counter()
    if any(model.uses_imputation for model in models.values()):
        for design in designs:
            _ = design.complete
    shared_seconds = time.perf_counter() - start
    scores: dict[tuple[str, str], list[float]] = {}
    n_answers: dict[str, list[int]] = {name: [] for name in models}
    reasons: dict[str, dict[str, str]] = {}
    stopped: dict[str, tuple[str, ...]] = {}
    seconds: dict[str, float] = {}
    hidden = [Hidden.of(panel, design) for design in designs]
    for name, model in models.items():
        start = time.perf_counter()
        if name in swept:
            predictions = [swept[name].predictions[design.fold] for design in designs]
            seconds[name] = swept[name].seconds * len(designs) / len(swept[name].predictions)
        else:
            predictions = clone(model).predict_designs(designs)
            seconds[name] = time.perf_counter() - start
        reasons[name] = {}
        for design, truth, prediction in zip(designs, hidden, predictions, strict=True):
            reasons[name] |= prediction.unpredicted
            stopped[name] = (*stopped.get(name, ()), *sorted(prediction.unconverged))
            defined = [s for s in scorers if design.axis in s.axes]
            for target, pairs in zip(design.target_ids, truth.beside(prediction), strict=True):
                n_answers[name].append(pairs.truth.size)
                for scorer in scorers:
                    score = scorer.score(pairs) if scorer in defined else float("nan")
                    scores.setdefault((name, scorer.name), []).append(score)
                if not defined:
                    reasons[name].setdefault(target, f"no such score for a new {design.axis}")
    return Evaluation(
        tuple(t for design in designs for t in design.target_ids),
        {key: np.array(values) for key, values in scores.items()},
        {name: np.array(counts) for name, counts in n_answers.items()},
        reasons,
        seconds,
        shared_seconds,
        unconverged=stopped,
    )


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
    """

    answers: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, panel: Panel, design: Design) -> Hidden:
        """Collect the answers that a design hides."""
        answers = orient(pick(panel.human_values, design.fold.targets, design.axis), design.axis)
        centre, spread = np.full((2, design.n_samples), np.nan)
        if design.axis == "respondent":
            with np.errstate(invalid="ignore"):
                centre[design.human_samples] = np.nanmean(design.raw_human, axis=1)
                spread[design.human_samples] = np.nanstd(design.raw_human, axis=1)
        spread[spread == 0] = np.nan
        return cls(answers, centre, spread)

    def beside(self, prediction: Prediction) -> list[Pairs]:
        """For each target, what was predicted beside what was hidden."""
        found = []
        for hidden, predicted in zip(self.answers.T, prediction.values.T, strict=True):
            both = np.isfinite(hidden) & np.isfinite(predicted)
            found.append(Pairs(hidden[both], predicted[both], self.centre[both], self.spread[both]))
        return found

"""Evaluate a study with human raters: agreement with each other and with models, accuracy, corrected judge scores.

Source: paper B, tables 4 and 6 and appendix E; the correction is prediction-powered inference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truetwin.errors import AlignmentError, DataError
from truetwin.solvers.prediction_powered import prediction_powered_mean
from truetwin.voice.items.voice_items import LETTERS
from truetwin.voice.people.annotator_files import Annotator
from truetwin.voice.people.blinded_samples import SampleKey, model_label
from truetwin.voice.people.rater_agreement import (
    NOMINAL_MEASURES,
    ORDINAL_MEASURES,
    Agreement,
    between_raters,
    majority_vote,
    with_raters,
)
from truetwin.voice.protocols.outcomes import FOUR_WAY, Outcome, Protocol, Status
from truetwin.voice.stats.resampling import Array, Interval, bootstrap_mean


@dataclass(frozen=True)
class Study:
    """Labels of people and models on one sample, as numbers.

    Attributes
    ----------
    key : SampleKey
        Key of the sample.
    task_ids : tuple of str
        Ids of the tasks.
    annotators : tuple of str
        Names of the annotators.
    ratings : ndarray of shape (n_annotators, n_tasks)
        Position of the letter (ranking and choice) or mark (scoring); NaN without label.
    models : mapping from name to ndarray of shape (n_tasks,)
        Labels of each model (choice) or judge (ranking, scoring), coded in the same way.
    answers : ndarray of shape (n_tasks,)
        Right label of each task; NaN for marks.
    """

    key: SampleKey
    task_ids: tuple[str, ...]
    annotators: tuple[str, ...]
    ratings: Array
    models: Mapping[str, Array]
    answers: Array

    @property
    def is_four_way(self) -> bool:
        """Whether tasks have a right answer among options."""
        return self.key.protocol in FOUR_WAY

    @property
    def is_judged(self) -> bool:
        """Whether people judge replies, as a judge does, and do not choose themselves."""
        return self.key.protocol is not Protocol.CHOICE

    def describe(self) -> dict[str, Any]:
        """Return name, protocol and size of the sample, and the number of labels of each annotator and model."""

        def n_labels(labels: Array) -> int:
            return int(np.isfinite(labels).sum())

        people = zip(self.annotators, self.ratings, strict=True)
        return {
            "sample": self.key.sample,
            "protocol": self.key.protocol.value,
            "n_tasks": len(self.task_ids),
            "annotators": {name: n_labels(labels) for name, labels in people},
            "models": {name: n_labels(labels) for name, labels in self.models.items()},
        }


def make_study(key: SampleKey, annotators: Sequence[Annotator], outcomes: Sequence[Outcome] = ()) -> Study:
    """Bring people's labels and models' outcomes into one table.

    Outcomes of other protocols, of other items, and of runs other than the first are left out.

    Raises
    ------
    AlignmentError
        If there are outcomes, but none of them is of the sample's protocol and items.
    """
    tasks = tuple(key.tasks)
    place = {task: k for k, task in enumerate(tasks)}
    ratings = np.full((len(annotators), len(tasks)), math.nan)
    for row, annotator in zip(ratings, annotators, strict=True):
        for task, label in annotator.labels.items():
            row[place[task]] = _number(label)
    answers = np.array([math.nan if (a := key.tasks[t].answer) is None else _number(a) for t in tasks])
    return Study(
        key, tasks, tuple(a.name for a in annotators), ratings, _models(key, place, outcomes), answers
    )


def _models(key: SampleKey, place: Mapping[str, int], outcomes: Sequence[Outcome]) -> dict[str, Array]:
    by_unit = {(entry.item_id, entry.model): task for task, entry in key.tasks.items()}
    found: dict[str, Array] = {}
    for outcome in outcomes:
        # In a choice, the model itself answers; else a judge answers about a model's reply.
        judged = key.protocol is not Protocol.CHOICE
        task = by_unit.get((outcome.item_id, outcome.model if judged else ""))
        if outcome.protocol is not key.protocol or outcome.run != 0 or task is None:
            continue
        label = model_label(key, task, outcome)
        name = (outcome.judge or "judge") if judged else (outcome.model or "model")
        row = found.setdefault(name, np.full(len(place), math.nan))
        row[place[task]] = math.nan if label is None else _number(label)
    if outcomes and not found:
        raise AlignmentError(
            f"at least one outcome must be of the sample's items and protocol ({key.protocol.value!r}); none of "
            f"{len(outcomes)} is"
        )
    return found


def agreement_rows(study: Study, *, resamples: int = 2000, seed: int = 0) -> list[dict[str, Any]]:
    """Measure the agreement among people, and of each model with them, by every measure that fits the labels."""
    measures = NOMINAL_MEASURES if study.is_four_way else ORDINAL_MEASURES
    rows = []
    if len(study.annotators) > 1:
        for measure in measures:
            found = between_raters(study.ratings, measure, resamples=resamples, seed=seed)
            rows.append(_agreement_row("human-human", "people", found))
    vote = majority_vote(study.ratings).winners[None, :]
    for name, labels in study.models.items():
        for measure in measures:
            found = with_raters(labels, study.ratings, measure, resamples=resamples, seed=seed)
            rows.append(_agreement_row("model-human", name, found))
        if study.is_four_way:
            found = with_raters(labels, vote, "kappa", resamples=resamples, seed=seed)
            rows.append(_agreement_row("model-vote", name, found))
    return rows


def accuracy_rows(study: Study, *, resamples: int = 2000, seed: int = 0) -> list[dict[str, Any]]:
    """Compute how often each person, people on average, their majority vote and each model are right.

    Every accuracy is given over answered tasks and over all tasks; a tied vote is no answer. There are no rows for
    marks, which have no right answers.
    """
    if not study.is_four_way:
        return []
    rows = [
        _accuracy_row("annotator", name, _hits(labels, study.answers), resamples, seed)
        for name, labels in zip(study.annotators, study.ratings, strict=True)
    ]
    hits = np.array([_hits(labels, study.answers) for labels in study.ratings])
    rated = np.isfinite(hits).sum(axis=0)
    mean = np.divide(np.nansum(hits, axis=0), rated, out=np.full(rated.size, math.nan), where=rated > 0)
    rows.append(_accuracy_row("human mean", "people", mean, resamples, seed))
    votes = majority_vote(study.ratings)
    row = _accuracy_row("human vote", "people", _hits(votes.winners, study.answers), resamples, seed)
    rows.append(row | {"n_tied": votes.n_tied})
    rows += [
        _accuracy_row("model", name, _hits(labels, study.answers), resamples, seed)
        for name, labels in study.models.items()
    ]
    return rows


def corrected_rows(study: Study, outcomes: Sequence[Outcome], *, level: float = 0.95) -> list[dict[str, Any]]:
    """Correct each model's score by the judge with people's verdicts (prediction-powered mean).

    People's verdict on a sampled reply is the share of them who pick it as right (ranking), or their mean mark. The
    sample must have been drawn at random from the judged replies, as
    :func:`~truetwin.voice.people.blinded_samples.draw_sample` does. Replies that the judge left unscored are left out
    and counted.

    Raises
    ------
    DataError
        If the sample is one of choices, in which nobody judges.
    """
    if study.key.protocol is Protocol.CHOICE:
        raise DataError("a choice has no judge to correct; draw a sample of rankings or marks")
    people = _people(study)
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.protocol is study.key.protocol and outcome.run == 0:
            groups.setdefault((outcome.model, outcome.judge), []).append(outcome)
    return [_corrected(model, judge, found, people, level) for (model, judge), found in groups.items()]


def _people(study: Study) -> dict[tuple[str, str], float]:
    """Average people's verdicts on each sampled reply: by item and model, a share of right picks or a mean mark."""
    values = study.ratings
    if study.is_four_way:
        values = np.array([_hits(labels, study.answers) for labels in study.ratings])
    entries = (study.key.tasks[task] for task in study.task_ids)
    return {
        (entry.item_id, entry.model): float(np.nanmean(column))
        for entry, column in zip(entries, values.T, strict=True)
        if np.isfinite(column).any()
    }


def _corrected(
    model: str,
    judge: str,
    outcomes: Sequence[Outcome],
    people: Mapping[tuple[str, str], float],
    level: float,
) -> dict[str, Any]:
    verdicts = {o.item_id: v for o in outcomes if not math.isnan(v := _verdict(o))}
    shared = [item for item in verdicts if (item, model) in people]
    row: dict[str, Any] = {
        "what": "corrected",
        "model": model,
        "judge": judge,
        "n": len(shared),
        "n_population": len(verdicts),
        "n_unscored": len(outcomes) - len(verdicts),
        "judge_mean": float(np.mean(list(verdicts.values()))) if verdicts else math.nan,
    }
    if len(shared) < 2:
        return row | dict.fromkeys(("value", "ci_low", "ci_high", "people_mean", "bias"), math.nan)
    human = [people[item, model] for item in shared]
    found = prediction_powered_mean(
        human, [verdicts[i] for i in shared], list(verdicts.values()), level=level
    )
    bias = float(np.mean([verdicts[i] - people[i, model] for i in shared]))
    # If all errors are alike, the interval would have no width, although nobody has read most replies: give none.
    certain = found.standard_error == 0 and len(shared) < len(verdicts)
    low, high = (math.nan, math.nan) if certain else (found.low, found.high)
    return row | {
        "value": found.value, "ci_low": low, "ci_high": high, "people_mean": float(np.mean(human)),
        "bias": bias,
    }  # fmt: skip


def _verdict(outcome: Outcome) -> float:
    if outcome.protocol is Protocol.SCORING:
        return math.nan if outcome.score is None else float(outcome.score)
    if outcome.status in (Status.CORRECT, Status.INCORRECT):
        return float(outcome.status is Status.CORRECT)
    return math.nan


def _hits(labels: Array, answers: Array) -> Array:
    return np.where(np.isfinite(labels), (labels == answers).astype(np.float64), math.nan)


def _agreement_row(what: str, name: str, found: Agreement) -> dict[str, Any]:
    return {
        "what": what, "rater": name, "measure": found.measure, **_interval(found.interval),
        "n_pairs": found.n_pairs, "n_undefined_pairs": found.n_undefined_pairs,
    }  # fmt: skip


def _accuracy_row(what: str, name: str, hits: Array, resamples: int, seed: int) -> dict[str, Any]:
    found = bootstrap_mean(hits, resamples=resamples, seed=seed)
    everything = float(np.nansum(hits) / hits.size)
    row = {"what": what, "rater": name, "measure": "accuracy", **_interval(found), "value_all": everything}
    return row | {"n_unanswered": hits.size - found.n}


def _interval(found: Interval) -> dict[str, Any]:
    return {"value": found.value, "ci_low": found.low, "ci_high": found.high, "n": found.n}


def _number(label: str) -> float:
    return float(LETTERS.index(label)) if label in tuple(LETTERS) else float(label)

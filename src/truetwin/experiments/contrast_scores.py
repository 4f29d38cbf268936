"""Answers of one source to one study, and the effects of its contrasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from truetwin.data.arm_columns import arms_of_column
from truetwin.data.contrast import Contrast
from truetwin.data.responses import ResponseMatrix
from truetwin.data.study_columns import StudyColumns, Texts
from truetwin.data.task_rows import person_of
from truetwin.errors import DataError
from truetwin.estimation.survey_variance import SurveyDesign
from truetwin.experiments.linear_effects import (
    LinearEffect,
    difference_of_arms,
    mean_difference,
    paired_difference,
    stacked_difference,
)

Array = NDArray[np.float64]
#: Share of those who answered an outcome who may be outside its study, if most people of the study did not answer.
STRAY = 0.05
#: Design of a study in which a source has no people.
NOBODY = SurveyDesign(np.ones(0), np.zeros(0, np.intp), np.zeros(0, np.intp), False, False)

#: What the standard deviation is of, by kind of contrast.
STANDARDISERS = {
    "between": "within-arm sd",
    "interaction": "within-arm sd",
    "within": "sd of the two composites",
    "stacked": "within-arm sd of single answers",
}


@dataclass(eq=False)
class StudyAnswers:
    """Answers of one source to one study.

    Parameters
    ----------
    study : str
    ids : tuple of str
        People of the study whom the source has.
    columns : mapping from item id to ndarray of shape (n,)
        Answers, NaN where missing. Items that everybody answered under every arm have their mean over arms.
    under_arms : mapping from item id to list of (levels, ndarray of shape (n,))
        Answers that everybody gave under each of several arms, with the level of each condition.
    conditions : StudyColumns
        Arms of people.
    design : SurveyDesign
        Weights, clusters and strata of these people.
    n_outside : mapping from item id to int
        Number of people outside the study who have answered.
    """

    study: str
    ids: tuple[str, ...]
    columns: Mapping[str, Array]
    under_arms: Mapping[str, Sequence[tuple[Mapping[str, str], Array]]]
    conditions: StudyColumns
    design: SurveyDesign
    n_outside: Mapping[str, int] = field(default_factory=dict)
    _composites: dict[tuple[str, ...], Array] = field(default_factory=dict)
    _levels: dict[str, tuple[NDArray[np.intp], dict[str, int]]] = field(default_factory=dict)

    def effect(self, contrast: Contrast, only: NDArray[np.bool_] | None = None) -> LinearEffect:
        """Estimate a contrast, among all people or only some of them."""
        weights = self.design.weights if only is None else np.where(only, self.design.weights, 0.0)
        unknown = [
            item for item in (*contrast.outcomes, *contrast.minus_outcomes) if item not in self.columns
        ]
        if unknown:
            more = f" ({len(unknown) - 1} more)" if len(unknown) > 1 else ""
            return LinearEffect.missing(len(self.ids), f"no answers to item {unknown[0]!r}{more}")
        if self.has_every_arm(contrast):
            return paired_difference(self._by_arm(contrast), weights)
        if contrast.kind == "stacked":
            answers = np.column_stack([self.columns[item] for item in contrast.outcomes])
            return stacked_difference(answers, self._treated(contrast), weights)
        if contrast.kind == "within":
            return mean_difference(
                self._composite(contrast.outcomes), self._composite(contrast.minus_outcomes), weights
            )
        arms, signs = self.arms(contrast)
        return difference_of_arms(self._score(contrast), arms, signs, weights)

    def has_every_arm(self, contrast: Contrast) -> bool:
        """Tell whether everybody answered the outcomes of a contrast under all of its arms."""
        if contrast.kind == "within":
            return False
        return all(self._under(item, levels) for _, items, levels in _cells(contrast) for item in items)

    def _by_arm(self, contrast: Contrast) -> list[tuple[float, Array]]:
        """Return the score of everybody in each cell of a contrast, with the cell's factor in the effect."""
        found = []
        for factor, items, levels in _cells(contrast):
            score = np.mean([self._mean_under(item, levels) for item in items], axis=0)
            if contrast.minus_outcomes:
                minus = [self._mean_under(item, levels) for item in contrast.minus_outcomes]
                score = score - np.mean(minus, axis=0)
            found.append((factor, score))
        return found

    def _under(self, item: str, levels: Mapping[str, str]) -> list[Array]:
        """Return the answers to an item under all arms that have these levels."""
        return [
            values
            for arms, values in self.under_arms.get(item, ())
            if all(arms.get(condition) == level for condition, level in levels.items())
        ]

    def _mean_under(self, item: str, levels: Mapping[str, str]) -> Array:
        """Average the answers to an item over the arms that have these levels; without any, take it as it is."""
        under = self._under(item, levels)
        return np.mean(under, axis=0) if under else self.columns[item]

    def arms(self, contrast: Contrast) -> tuple[NDArray[np.intp], list[int]]:
        """Return the arm of each person, -1 for none, and the signs of the arms."""
        treatments, controls = contrast.levels
        found = np.zeros(len(self.ids), dtype=np.intp)
        for column, treatment, control in zip(contrast.condition, treatments, controls, strict=True):
            codes = np.full(len(self.ids), -1)
            codes[self._is(column, treatment)] = 0
            codes[self._is(column, control)] = 1
            found = np.where((found < 0) | (codes < 0), -1, 2 * found + codes)
        return found, [1, -1] if len(contrast.condition) == 1 else [1, -1, -1, 1]

    def foreign(self, contrast: Contrast) -> list[str]:
        """List outcomes of another study: people outside this one have answered, and most people in it have not."""
        found = []
        for item in (*contrast.outcomes, *contrast.minus_outcomes):
            n = int(np.isfinite(self.columns[item]).sum()) if item in self.columns else 0
            outside = self.n_outside.get(item, 0)
            if outside > STRAY * (n + outside) and 2 * n < len(self.ids):
                found.append(item)
        return found

    def people_by_arm(self, contrast: Contrast) -> dict[str, int]:
        """Count the people (stacked: the answers) of each arm; all are 0 where an outcome is not in the table."""
        if self.has_every_arm(contrast):
            complete = np.all([np.isfinite(score) for _, score in self._by_arm(contrast)], axis=0)
            return {"all": int(complete.sum())}
        levels = contrast.levels
        asked = all(item in self.columns for item in (*contrast.outcomes, *contrast.minus_outcomes))
        if contrast.kind == "stacked":
            counts = [0, 0]
            if asked:
                answers = np.column_stack([self.columns[item] for item in contrast.outcomes])
                treated = self._treated(contrast)
                counts = [int((np.isfinite(answers) & (treated == arm)).sum()) for arm in (1, 0)]
            return dict(zip(map(repr, (contrast.treatment, contrast.control)), counts, strict=True))
        if contrast.kind == "within":
            return {"all": int(np.isfinite(self._score(contrast)).sum()) if asked else 0}
        names = [f"{a!r}" for a in (levels[0][0], levels[1][0])]
        if len(contrast.condition) == 2:
            names = [f"{name} and {b!r}" for name in names for b in (levels[0][1], levels[1][1])]
        if not asked:
            return dict.fromkeys(names, 0)
        arms = self.arms(contrast)[0][np.isfinite(self._score(contrast))]
        counts = np.bincount(arms[arms >= 0], minlength=len(names)).tolist()
        return dict(zip(names, counts, strict=True))

    def _treated(self, contrast: Contrast) -> NDArray[np.int8]:
        found = np.full((len(self.ids), len(contrast.outcomes)), -1, dtype=np.int8)
        for k, column in enumerate(contrast.condition):
            found[self._is(column, contrast.treatment), k] = 1
            found[self._is(column, contrast.control), k] = 0
        return found

    def _score(self, contrast: Contrast) -> Array:
        plus = self._composite(contrast.outcomes)
        return plus - self._composite(contrast.minus_outcomes) if contrast.minus_outcomes else plus

    def _composite(self, items: tuple[str, ...]) -> Array:
        """Average the answers to items; missing where one of them is."""
        if items not in self._composites:
            self._composites[items] = np.mean([self.columns[item] for item in items], axis=0)
        return self._composites[items]

    def _is(self, column: str, level: str) -> NDArray[np.bool_]:
        if column not in self._levels:
            values: Texts = self.conditions.values(self.study, column, self.ids)
            places: dict[str, int] = {}
            codes = [-1 if v is None else places.setdefault(v, len(places)) for v in values]
            self._levels[column] = np.array(codes, dtype=np.intp), places
        codes_, places = self._levels[column]
        return np.asarray(codes_ == places.get(level, -2))


def answers_of_study(
    study: str,
    answers: ResponseMatrix,
    contrasts: Sequence[Contrast],
    conditions: StudyColumns,
    people: StudyColumns | None = None,
    *,
    weights: str | None = None,
    clusters: str | None = None,
    strata: str | None = None,
) -> StudyAnswers:
    """Take the answers of a source to the outcomes of a study, and the design of its people.

    People are those of the study in the table of conditions; everybody, if the table says nothing of the study.
    ``weights``, ``clusters`` and ``strata`` name columns of ``people``, or else of ``conditions``.
    """
    here = [k for k, i in enumerate(answers.respondent_ids) if conditions.has(study, i)]
    ids = tuple(answers.respondent_ids[k] for k in here)
    wanted = {item for one in contrasts for item in (*one.outcomes, *one.minus_outcomes)}
    columns: dict[str, Array] = {}
    n_outside: dict[str, int] = {}
    under_arms: dict[str, list[tuple[dict[str, str], Array]]] = {}
    for j, column in enumerate(answers.item_ids):
        item, levels = arms_of_column(column)
        if column in wanted:
            columns[column] = np.ascontiguousarray(answers.values[here, j])
            n_outside[column] = int(
                np.isfinite(answers.values[:, j]).sum() - np.isfinite(columns[column]).sum()
            )
        elif item in wanted:
            under_arms.setdefault(item, []).append((levels, np.ascontiguousarray(answers.values[here, j])))
    for item, cells in under_arms.items():
        columns.setdefault(item, np.mean([values for _, values in cells], axis=0))

    def table_of(name: str) -> StudyColumns:
        return people if people is not None and name in people.columns else conditions

    answered = np.zeros(len(ids), dtype=bool)
    for values in columns.values():
        answered |= np.isfinite(values)
    w = None if weights is None else _weights(table_of(weights), study, weights, ids, answered)
    groups: Sequence[str] | Texts | None = None
    if clusters is not None:
        groups = table_of(clusters).values(study, clusters, ids)
    elif any(person_of(i) != i for i in ids):
        groups = [person_of(i) for i in ids]
    layers = None if strata is None else table_of(strata).values(study, strata, ids)
    design = SurveyDesign.of(len(ids), w, groups, layers) if ids else NOBODY
    return StudyAnswers(study, ids, columns, under_arms, conditions, design, n_outside)


def _weights(
    table: StudyColumns, study: str, column: str, ids: Sequence[str], answered: NDArray[np.bool_]
) -> Array:
    """Read the weights of people; everybody who has answered needs one, and somebody's must be above 0."""
    found = table.numbers(study, column, ids)
    where = f"{table.source}: column {column!r} of weights"
    lacking, negative = np.isnan(found) & answered, found < 0
    for wrong, must in (
        (lacking, "have a weight for everybody who has answered"),
        (negative, "not be negative"),
    ):
        if wrong.any():
            k = int(np.argmax(wrong))
            value = "none" if np.isnan(found[k]) else f"{found[k]:g}"
            raise DataError(
                f"{where} must {must}; {ids[k]!r} has {value} ({int(wrong.sum()) - 1} more). Correct it; a weight of 0 "
                "leaves a person out."
            )
    if answered.any() and not (found[answered] > 0).any():
        raise DataError(f"{where} must be above 0 for somebody of study {study!r}; all are 0")
    return np.nan_to_num(found) if answered.any() else np.ones(len(ids))


def _cells(contrast: Contrast) -> list[tuple[float, tuple[str, ...], dict[str, str]]]:
    """List the cells of a contrast between arms: factor in the effect, outcomes, and levels of conditions."""
    treatments, controls = contrast.levels
    if contrast.kind == "stacked":
        share = 1.0 / len(contrast.outcomes)
        return [
            (factor, (item,), {condition: level})
            for item, condition in zip(contrast.outcomes, contrast.condition, strict=True)
            for factor, level in ((share, contrast.treatment), (-share, contrast.control))
        ]
    found: list[tuple[float, dict[str, str]]] = [(1.0, {})]
    for condition, treatment, control in zip(contrast.condition, treatments, controls, strict=True):
        found = [
            (factor * sign, {**levels, condition: level})
            for factor, levels in found
            for sign, level in ((1.0, treatment), (-1.0, control))
        ]
    return [(factor, contrast.outcomes, levels) for factor, levels in found]

"""Answers of one source to one study, and the effects of its contrasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from truetwin.data.contrast import Contrast
from truetwin.data.responses import ResponseMatrix
from truetwin.data.study_columns import StudyColumns, Texts
from truetwin.estimation.survey_variance import SurveyDesign
from truetwin.experiments.linear_effects import (
    LinearEffect,
    difference_of_arms,
    mean_difference,
    stacked_difference,
)

Array = NDArray[np.float64]

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
        Answers, NaN where missing.
    conditions : StudyColumns
        Arms of people.
    design : SurveyDesign
        Weights, clusters and strata of these people.
    """

    study: str
    ids: tuple[str, ...]
    columns: Mapping[str, Array]
    conditions: StudyColumns
    design: SurveyDesign
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
        if contrast.kind == "stacked":
            answers = np.column_stack([self.columns[item] for item in contrast.outcomes])
            return stacked_difference(answers, self._treated(contrast), weights)
        if contrast.kind == "within":
            return mean_difference(
                self._composite(contrast.outcomes), self._composite(contrast.minus_outcomes), weights
            )
        arms, signs = self.arms(contrast)
        return difference_of_arms(self._score(contrast), arms, signs, weights)

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

    def people_by_arm(self, contrast: Contrast) -> dict[str, int]:
        """Count the people (stacked: the answers) of each arm; all are 0 where an outcome is not in the table."""
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
    known = conditions.people_of(study)
    here = [k for k, i in enumerate(answers.respondent_ids) if known is None or i in known]
    ids = tuple(answers.respondent_ids[k] for k in here)
    wanted = {item for one in contrasts for item in (*one.outcomes, *one.minus_outcomes)}
    columns = {
        item: np.ascontiguousarray(answers.values[here, j])
        for j, item in enumerate(answers.item_ids)
        if item in wanted
    }

    def table_of(name: str) -> StudyColumns:
        return people if people is not None and name in people.columns else conditions

    w = None if weights is None else np.nan_to_num(table_of(weights).numbers(study, weights, ids))
    design = SurveyDesign.of(
        len(ids),
        w if w is None or (w > 0).any() else None,
        *(None if name is None else table_of(name).values(study, name, ids) for name in (clusters, strata)),
    )
    return StudyAnswers(study, ids, columns, conditions, design)

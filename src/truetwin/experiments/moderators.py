"""Moderators: effects in groups of people, and differences of effects between groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from truetwin.data.study_columns import StudyColumns, Texts
from truetwin.errors import DataError
from truetwin.experiments.effects import Entry, FoundEffect
from truetwin.experiments.linear_effects import LinearEffect

if TYPE_CHECKING:
    from truetwin.data.contrast import Contrast
    from truetwin.experiments.experiment import Experiment

#: Most groups of a moderator; a column with more is a number or an id.
MOST_GROUPS = 20


def moderated(experiment: Experiment, column: str) -> Iterator[tuple[Entry, dict[str, FoundEffect]]]:
    """Estimate effects in each group of a column, and differences between each two groups, for each source.

    The standard deviation is that of everybody, so that effects of groups can be compared. Studies of which the column
    says nothing are left out.

    Raises
    ------
    DataError
        If there is no such column, it says nothing of any study, or it has more than 20 groups in one.
    """
    table = _table_of(experiment, column)
    values = {
        side: {study: table.values(study, column, answers.ids) for study, answers in studies.items()}
        for side, studies in experiment.studies.items()
    }
    told = False
    for contrast in experiment.contrasts:
        groups = table.levels(contrast.study, column)
        if len(groups) > MOST_GROUPS:
            raise DataError(
                f"a moderator must have at most {MOST_GROUPS} groups; column {column!r} of {table.source} has "
                f"{len(groups)} in study {contrast.study!r}. Make groups of it first."
            )
        groups = sorted(groups)
        told |= bool(groups)
        if groups:
            here = {side: studies[contrast.study] for side, studies in values.items()}
            yield from _of_contrast(experiment, contrast, column, groups, here)
    if not told:
        raise DataError(f"column {column!r} of {table.source} says nothing of the people of any contrast")


def _table_of(experiment: Experiment, column: str) -> StudyColumns:
    people, arms = experiment.people, experiment.conditions
    if people is not None and (column in people.columns or column not in arms.columns):
        people.check_column(column)
        return people
    arms.check_column(column)
    return arms


def _of_contrast(
    experiment: Experiment,
    contrast: Contrast,
    column: str,
    groups: list[str],
    values: Mapping[str, Texts],
) -> Iterator[tuple[Entry, dict[str, FoundEffect]]]:
    found: dict[str, list[LinearEffect]] = {}
    for side, studies in experiment.studies.items():
        answers = studies[contrast.study]
        whole = answers.effect(contrast)
        found[side] = [
            replace(answers.effect(contrast, values[side] == group), sd=whole.sd, sd_df=whole.sd_df)
            for group in groups
        ]
    for k, group in enumerate(groups):
        yield (
            Entry(contrast, column, group),
            _described(experiment, contrast, {s: e[k] for s, e in found.items()}),
        )
    for a, b in combinations(range(len(groups)), 2):
        differences = {side: difference_of_groups(effects[a], effects[b]) for side, effects in found.items()}
        yield (
            Entry(contrast, column, groups[a], groups[b]),
            _described(experiment, contrast, differences),
        )


def difference_of_groups(one: LinearEffect, other: LinearEffect) -> LinearEffect:
    """Return the effect in one group minus that in another; the groups have no person in common."""
    if one.reason or other.reason:
        missing = LinearEffect.missing(len(one.scores), one.reason or other.reason)
        return replace(missing, sd=one.sd, sd_df=one.sd_df)
    offset = int(one.arms.max()) + 1
    return LinearEffect(
        one.effect - other.effect,
        one.scores - other.scores,
        one.shares + other.shares,
        np.where(other.arms >= 0, other.arms + offset, one.arms),
        one.sd,
        one.sd_df,
        one.n_treatment + other.n_treatment,
        one.n_control + other.n_control,
        one.n_people + other.n_people,
    )


def _described(
    experiment: Experiment, contrast: Contrast, effects: dict[str, LinearEffect]
) -> dict[str, FoundEffect]:
    return {
        side: FoundEffect.of(effect, experiment.studies[side][contrast.study])
        for side, effect in effects.items()
    }

"""Check contrasts against the conditions and the answers of an experiment; all problems at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from truetwin.data.arm_columns import arms_of_column
from truetwin.data.contrast import Contrast
from truetwin.data.item import Item
from truetwin.data.matched_ids import repair_of_ids
from truetwin.data.problems import Problems
from truetwin.data.responses import ResponseMatrix
from truetwin.data.study_columns import StudyColumns
from truetwin.data.task_rows import person_of
from truetwin.errors import AlignmentError
from truetwin.experiments.contrast_scores import StudyAnswers
from truetwin.registry import closest


def check_people(conditions: Mapping[str, StudyColumns], sides: Mapping[str, ResponseMatrix]) -> None:
    """Raise an error if a table of answers has nobody of the table of conditions, which is a matter of ids."""
    for name, answers in sides.items():
        arms = conditions[name]
        known = set(arms.ids)
        if not known or any((i if arms.of_tasks else person_of(i)) in known for i in answers.respondent_ids):
            continue
        if any(arms_of_column(item)[1] for item in answers.item_ids):
            continue
        people = list(dict.fromkeys(map(person_of, answers.respondent_ids)))
        repair = repair_of_ids(people, list(dict.fromkeys(map(person_of, arms.ids))))
        raise AlignmentError(
            f"{arms.source} must be about the people of the {name} table; they have nobody in common "
            f"({arms.ids[0]!r} and {answers.respondent_ids[0]!r}). Check that both use the same ids, "
            f"written the same way.{repair}"
        )


def people_without_arms(
    conditions: Mapping[str, StudyColumns], sides: Mapping[str, ResponseMatrix]
) -> Iterable[str]:
    """Note how many people of each table of answers are in no row of its table of conditions, so that none counts."""
    for name, answers in sides.items():
        arms = conditions[name]
        if not arms.ids or any(arms_of_column(item)[1] for item in answers.item_ids):
            continue
        known = set(map(person_of, arms.ids))
        people = dict.fromkeys(
            person_of(i)
            for i, answered in zip(
                answers.respondent_ids, np.any(np.isfinite(answers.values), axis=1).tolist(), strict=True
            )
            if answered
        )
        lost = [person for person in people if person not in known]
        if lost:
            yield (
                f"{answers.source}: {len(lost):,} of {len(people):,} people with answers are in no row of "
                f"{arms.source}, such as {lost[0]!r}; they count in no contrast of arms"
            )


def check_names(
    contrasts: Sequence[Contrast],
    conditions: Mapping[str, StudyColumns],
    sides: Mapping[str, ResponseMatrix],
    problems: Problems,
) -> None:
    """Add a problem for every contrast which the tables cannot answer.

    Parameters
    ----------
    contrasts : sequence of Contrast
    conditions : mapping from source to StudyColumns
        Arms of the people or twins of each source.
    sides : mapping from source to ResponseMatrix
        Answers of each source. A source with answers under every arm needs no conditions.
    problems : Problems
        Where what is wrong is added: a study, condition column, level or outcome that is unknown, an outcome that
        belongs to another study or has no order.
    """
    items: dict[str, Item] = {}
    under_arms: dict[str, set[str]] = {name: set() for name in sides}
    for name, answers in reversed(list(sides.items())):
        for item in answers.items:
            plain, levels = arms_of_column(item.id)
            items[plain] = item
            if levels:
                under_arms[name].add(plain)
    studies = {one.study for one in contrasts}
    for one in contrasts:
        found = list(_outcomes(one, items, studies))
        for name, arms in conditions.items():
            if not under_arms[name].issuperset(one.outcomes):
                found += _conditions(one, arms)
        for kind, text in dict.fromkeys(found):
            problems.add(kind, f"{one.where}: {text}")


def _conditions(one: Contrast, conditions: StudyColumns) -> Iterable[tuple[str, str]]:
    """List what is wrong with the conditions of a contrast."""
    if one.kind == "within":
        return
    if not conditions.ids:
        yield (
            "condition",
            "a contrast between arms needs a table of conditions, with the arm of each person; none is given",
        )
        return
    known = sorted(conditions.rows_of_study)
    if conditions.studies is not None and one.study not in known:
        yield (
            "study",
            f"the study must be in {conditions.source}; {one.study!r} is not.{closest(one.study, known)} Its studies "
            f"are {_some(known)}.",
        )
        return
    for column in dict.fromkeys(one.condition):
        if column not in conditions.columns:
            known = list(conditions.columns)
            yield (
                "condition",
                f"there is no condition column {column!r} in {conditions.source}.{closest(column, known)} Its columns "
                f"are {_some(known)}.",
            )
    known = [column for column in dict.fromkeys(one.condition) if column in conditions.columns]
    empty = [column for column in known if not conditions.levels(one.study, column)]
    for column in empty:
        theirs = [study for study in conditions.rows_of_study if conditions.levels(study, column)]
        told = f" It is a column of study {theirs[0]!r}." if theirs else ""
        yield (
            "condition",
            f"somebody in study {one.study!r} must have a level of {column!r}; nobody has.{told}",
        )
    if len(known) < len(set(one.condition)) or empty:
        return
    if one.kind == "stacked":
        levels = list(dict.fromkeys(v for c in one.condition for v in conditions.levels(one.study, c)))
        named = [("its condition columns", levels, one.treatment, one.control)]
    else:
        named = [
            (f"column {column!r}", conditions.levels(one.study, column), treatment, control)
            for column, treatment, control in zip(one.condition, *one.levels, strict=True)
        ]
    for where, levels, treatment, control in named:
        for what, level in (("treatment", treatment), ("control", control)):
            if level not in levels:
                yield (
                    "level",
                    f"the {what} must be a level of {where} in study {one.study!r}; {level!r} is not."
                    f"{closest(level, levels)} They are {_some(levels)}.",
                )


def _outcomes(one: Contrast, items: Mapping[str, Item], studies: set[str]) -> Iterable[tuple[str, str]]:
    """List what is wrong with the outcomes of a contrast."""
    for name in (*one.outcomes, *one.minus_outcomes):
        item = items.get(name)
        if item is None:
            yield (
                "outcome",
                f"there is no item {name!r} in the tables of answers.{closest(name, list(items))}",
            )
        elif item.block is not None and item.block in studies and item.block != one.study:
            yield (
                "outside",
                f"an outcome must belong to the study; {name!r} belongs to study {item.block!r}, not {one.study!r}",
            )
        elif item.scale is not None and item.scale.kind == "nominal" and not _is_binary(item):
            yield (
                "nominal",
                f"an outcome must be ordinal, numeric or 0/1; {name!r} is nominal: its codes are names. Make a 0/1 "
                "item of each category, and name the one that you mean.",
            )


def _is_binary(item: Item) -> bool:
    return item.scale is not None and tuple(item.scale.categories) == (0.0, 1.0)


def check_arms(
    contrasts: Sequence[Contrast], sides: Mapping[str, Mapping[str, StudyAnswers]], problems: Problems
) -> None:
    """Add a problem for every contrast one arm of which has no answers.

    A source that has answers in no arm is missing altogether, which is no fault as long as another has them.

    Parameters
    ----------
    contrasts : sequence of Contrast
    sides : mapping from source to mapping from study to StudyAnswers
    problems : Problems
        Where what is wrong is added.
    """
    owners = _owners(contrasts, sides)
    for one in contrasts:
        theirs = [(item, owners.get(item, one.study)) for item in (*one.outcomes, *one.minus_outcomes)]
        other = next(((item, owner) for item, owner in theirs if owner != one.study), None)
        if other is not None and not _has_people(one.study, sides):
            problems.add(
                "outside",
                f"{one.where}: an outcome must belong to the study; only people of study {other[1]!r} have answered "
                f"{other[0]!r}, not of {one.study!r}. Name the study's own outcomes, or correct the study.",
            )
            continue
        counts = {name: studies[one.study].people_by_arm(one) for name, studies in sides.items()}
        if not any(n for found in counts.values() for n in found.values()):
            names = ", ".join(map(repr, (*one.outcomes, *one.minus_outcomes)[:3]))
            problems.add(
                "outside",
                f"{one.where}: somebody in study {one.study!r} must have answered its outcomes; nobody has ({names}). "
                "Are they outcomes of another study, or are arms without people?",
            )
            continue
        foreign = {item for studies in sides.values() for item in studies[one.study].foreign(one)}
        if foreign:
            more = f" ({len(foreign) - 1} more such outcomes)" if len(foreign) > 1 else ""
            problems.add(
                "outside",
                f"{one.where}: an outcome must belong to the study; most people of study {one.study!r} have not "
                f"answered {min(foreign)!r}, but people outside it have{more}. Name the study's own outcomes, or "
                "correct the study.",
            )
        for name, found in counts.items():
            empty = [arm for arm, n in found.items() if not n]
            if empty and len(empty) < len(found):
                problems.add(
                    "arm",
                    f"{one.where}: every arm must have people; the {name} table has no answers to its outcomes in arm "
                    f"{' or '.join(empty)}. Remove the contrast, or add their answers.",
                )


def _has_people(study: str, sides: Mapping[str, Mapping[str, StudyAnswers]]) -> bool:
    """Tell whether a table of conditions names people of a study."""
    return any(bool(studies[study].conditions.people_of(study)) for studies in sides.values())


def _owners(contrasts: Sequence[Contrast], sides: Mapping[str, Mapping[str, StudyAnswers]]) -> dict[str, str]:
    """Find the study of each outcome that only people of one study have answered."""
    found: dict[str, str] = {}
    for one in contrasts:
        if one.kind != "within" and _has_people(one.study, sides):
            for item in (*one.outcomes, *one.minus_outcomes):
                if not any(studies[one.study].n_outside.get(item) for studies in sides.values()):
                    found[item] = one.study
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")

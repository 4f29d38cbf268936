"""Read the arms of a survey from the files that a job names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from truetwin.io.arm_files import read_arms, read_levels
from truetwin.io.people_files import read_people
from truetwin.settings.declaration import RuleBrokenError
from truetwin.settings.simulate_settings import Simulate
from truetwin.settings.value_kinds import ids_among
from truetwin.simulation.questions.arms import Arms
from truetwin.simulation.survey.arm_assignment import ArmPlan
from truetwin.simulation.survey.questionnaire import Questionnaire


@dataclass(frozen=True)
class ArmFiles:
    """Files that say which arms there are and who is in them.

    Parameters
    ----------
    arms : path, optional
        Texts of arms. Without it the survey has no arms.
    conditions : path, optional
        Table of the arms that people are in. Without it the seed decides, or every twin is asked under every arm.
    people : path, optional
        People table with the columns within which assignment is balanced.
    id_column : str, optional
        Column of ids in both tables.
    """

    arms: Path | None = None
    conditions: Path | None = None
    people: Path | None = None
    id_column: str | None = None


def arm_plan(settings: Simulate, files: ArmFiles) -> ArmPlan | None:
    """Read the arms that the settings of a survey ask for; None if it has no arms.

    Raises
    ------
    ParameterError
        If a setting needs a file that is not given.
    DataError
        If a file does not hold what it should.
    """
    if files.arms is None:
        for name in ("every_arm", "assign_within"):
            if getattr(settings, name):
                raise RuleBrokenError(f"{{{name}}} needs {{arms}}, the file with the texts of the arms")
        return None
    if files.conditions is not None and settings.assign_within:
        raise RuleBrokenError("{assign_within} does not go with {conditions}, which says who is in which arm")
    texts = read_arms(files.arms)
    arms = Arms(texts, settings.every_arm)
    if settings.every_arm:
        return ArmPlan(arms)
    if files.conditions is not None:
        return ArmPlan(arms, read_levels(files.conditions, texts, id_column=files.id_column))
    return ArmPlan(arms, strata=_strata(settings, files))


def _strata(settings: Simulate, files: ArmFiles) -> dict[str, str | None]:
    """Join the columns within which assignment is balanced to one name of a stratum for each person."""
    if not settings.assign_within:
        return {}
    if files.people is None:
        raise RuleBrokenError("{assign_within} needs {people}, the table that has its columns")
    people = read_people(files.people, id_column=files.id_column)
    names = ids_among(settings.assign_within, list(people.columns)) or []
    columns = [people.groups(name) for name in names]
    named = zip(people.ids, *columns, strict=True)
    return {person: "\x1f".join("" if g is None else str(g) for g in groups) for person, *groups in named}


def arms_in_words(questionnaire: Questionnaire) -> str:
    """Say how many twins are asked under each arm; empty for a survey without arms.

    Returns
    -------
    str
        For example ``message: 50 A, 50 B``.
    """
    arms = questionnaire.arms
    if arms is None:
        return ""
    said = []
    for condition, texts in arms.texts.items():
        counts = people_by_level(questionnaire, condition)
        if counts and arms.every:
            said.append(f"{condition}: every twin under each of {', '.join(texts)}")
        elif counts:
            said.append(f"{condition}: {', '.join(f'{n:,} {level}' for level, n in counts.items())}")
    return "; ".join(said)


def people_by_level(questionnaire: Questionnaire, condition: str) -> dict[str, int]:
    """Count the people who are asked under each level of a condition; empty if no item that is asked shows it."""
    arms, asked = questionnaire.arms, questionnaire.asked or {}
    by_group: dict[str, dict[str, int]] = {}
    for form, count in asked.items():
        level = questionnaire.levels_of(form).get(condition)
        if arms is not None and level is not None:
            group = by_group.setdefault(questionnaire.group_of[form], dict.fromkeys(arms.texts[condition], 0))
            group[level] = max(group[level], count) if arms.every else group[level] + count
    return max(by_group.values(), key=lambda counts: sum(counts.values()), default={})

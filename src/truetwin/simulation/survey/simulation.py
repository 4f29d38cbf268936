"""Simulate a survey: ask twins the items, keep the run on disk, and return a table of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from truetwin.data import Item, ResponseMatrix
from truetwin.data.persona import Persona
from truetwin.data.responses import check_unique
from truetwin.errors import DataError, ParameterError
from truetwin.io import make_folder
from truetwin.llm import PartOfTask, Progress, RunOptions, RunSummary, Sampling, Store
from truetwin.llm import run as ask
from truetwin.llm.running.requested_run import connection_of, run_options_of
from truetwin.settings.declaration import read_settings
from truetwin.settings.simulate_settings import Simulate
from truetwin.simulation.questions.arms import Arms
from truetwin.simulation.questions.survey_design import SurveyDesign
from truetwin.simulation.survey.arm_assignment import ArmPlan
from truetwin.simulation.survey.asked_survey import again_of, model_of, survey_of
from truetwin.simulation.survey.growing import continued_in
from truetwin.simulation.survey.statistical_twin import open_twin
from truetwin.simulation.survey.survey_answers import ANSWER_STEP, SurveyAnswers, collect_answers
from truetwin.simulation.survey.survey_task import SurveyTask


def simulate(
    personas: Sequence[Persona],
    items: Sequence[Item],
    model: str,
    run: str | Path,
    *,
    design: SurveyDesign | None = None,
    sampling: Sampling | None = None,
    options: RunOptions | None = None,
    known: ResponseMatrix | None = None,
    progress: Callable[[Progress], None] | None = None,
    seed: int = 0,
    arms: Mapping[str, Mapping[str, str]] | None = None,
    conditions: Mapping[str, Mapping[str, str]] | None = None,
    strata: Mapping[str, str] | None = None,
    **settings: Any,
) -> tuple[RunSummary, SurveyAnswers]:
    """Ask twins survey items through a language model. A run that exists is continued.

    Parameters
    ----------
    personas : sequence of Persona
        The people whom the twins play.
    items : sequence of Item
        The items to ask. Each needs a text and a scale.
    model : str
        The provider's name of a model, ``scripted:FILE``, ``generated`` or ``generated:TABLE``.
    run : path
        Folder that keeps every prompt and raw reply. It is created if it is missing.
    design, sampling, options : optional
        Design of the survey, sampling settings and options of the run. They replace those in ``settings``.
    known : ResponseMatrix, optional
        Answers that the twins have given already. A call is not made if all its items are answered there.
    progress : callable, optional
        Called with a :class:`~truetwin.llm.Progress` a few times a second.
    seed : int
        Random seed of the order of answer options, and of who is in which arm.
    arms : mapping from condition to level to text, optional
        Arms of an experiment. The texts of items show a condition as ``{{condition}}``. With ``every_arm=True`` every
        twin is asked under every arm, otherwise under one.
    conditions : mapping from person to condition to level, optional
        Who is in which arm. By default the seed decides.
    strata : mapping from person to stratum, optional
        Groups of people within which arms that the seed decides are balanced.
    **settings
        Any of :class:`~truetwin.settings.simulate_settings.Simulate`: ``elicit``, ``per_call``, ``temperature``,
        ``base_url``, ``cap_cost`` ...

    Returns
    -------
    (RunSummary, SurveyAnswers)

    Raises
    ------
    TruetwinError
        If a persona gives an answer away, the run belongs to other settings, the provider rejects the key ...

    Examples
    --------
    >>> import tempfile
    >>> from truetwin.data import Scale
    >>> who = [Persona("007", "A spy. "), Persona("008", "A cook. ")]
    >>> asked = [Item("Q1", "Do you like your work?", Scale.ordinal(1, 5))]
    >>> summary, answers = simulate(who, asked, "generated", tempfile.mkdtemp())
    >>> summary.complete, answers.values.shape
    (True, (2, 1))
    """
    how = read_settings(Simulate, {"model": model, "frame": "survey", **settings})
    check_unique([item.id for item in items], "item", "the items")
    catalogue = {item.id: item for item in items}
    if how.assign_within:
        raise ParameterError("assign_within names columns of a people table; here, strata holds the groups")
    if arms is None and (how.every_arm or conditions is not None or strata is not None):
        raise ParameterError("every_arm, conditions and strata need arms, the texts of the arms")
    plan = None if arms is None else ArmPlan(Arms(arms, how.every_arm), conditions, strata or {})
    task = survey_of(how, list(personas), catalogue, seed=seed, design=design, sampling=sampling, arms=plan)
    return carry_out_survey(task, how, run, options=options, known=known, progress=progress)


def carry_out_survey(
    task: SurveyTask,
    how: Simulate,
    run: str | Path,
    *,
    options: RunOptions | None = None,
    known: ResponseMatrix | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[RunSummary, SurveyAnswers]:
    """Ask the calls of a task whose answers are not known yet, and collect all answers.

    Parameters
    ----------
    task : SurveyTask
        The survey: personas, items and design.
    how : Simulate
        Settings that name the model and say how its calls are carried out.
    run, options, known, progress
        As for :func:`simulate`.

    Raises
    ------
    DataError
        If all of it is known, and nothing was asked before.
    """
    folder, model = Path(run), model_of(how)
    found = continued_in(task, folder)
    task = found.survey
    make_folder(folder, "the run")
    asked = open_twin(model, task, **connection_of(how))
    cells = [c for c in task.cells() if not _is_known(task, c.item, c.persona, known)]
    part = PartOfTask(task, cells, settings=found.task.settings)
    options = options or run_options_of(how, model, seed=task.design.seed)

    with Store(folder) as store:
        if store.has_answers(ANSWER_STEP):  # a run that begins has nothing to ask again
            options = replace(options, again=options.again or again_of(how))
        found.write(store, asked.describe(), options)
        summary = ask(part, asked, store, options, progress=progress)
        if not summary.total and ANSWER_STEP not in store.steps():
            raise DataError(
                "nothing is left to ask: the twins have answered all of it. Leave the simulation out."
            )
        return summary, collect_answers(store, point=how.point)


def _is_known(task: SurveyTask, group: str, persona: str, known: ResponseMatrix | None) -> bool:
    if known is None or persona not in known.respondent_ids:
        return False
    items = [item.id for item in task.groups[group]]
    if not set(items) <= set(known.item_ids):
        return False
    row = known.values[known.respondent_ids.index(persona)]
    return all(row[known.item_ids.index(i)] == row[known.item_ids.index(i)] for i in items)

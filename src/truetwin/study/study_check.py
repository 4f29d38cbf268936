"""Check a study for errors before anything is computed or paid for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from truetwin.data import Item, Panel, ResponseMatrix
from truetwin.data.person_design import check_design
from truetwin.errors import AlignmentError, DataError, ParameterError
from truetwin.estimation.raking import rake
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.io import read_items, read_personas
from truetwin.io.margin_files import read_margins
from truetwin.io.marginal_data import read_groups
from truetwin.io.readable_files import check_is_file
from truetwin.io.twin_files import read_twins
from truetwin.registry import closest
from truetwin.settings.declaration import EARLIER_STEP
from truetwin.settings.estimate_settings import Estimate
from truetwin.settings.plan_settings import Plan
from truetwin.settings.study_settings import Study
from truetwin.settings.value_kinds import ids_among
from truetwin.settings.voice_settings import Playing
from truetwin.simulation.survey.asked_arms import arms_in_words
from truetwin.simulation.survey.asked_personas import needs_portraits
from truetwin.simulation.survey.asked_survey import model_of
from truetwin.study.experiment_steps import check_experiment, wanted_steps
from truetwin.study.simulation_step import arm_files, given_source
from truetwin.study.step_work import Work, people_columns_of
from truetwin.study.study_answer import asked
from truetwin.study.study_file import files_of, named_in
from truetwin.study.voice_steps import check_earlier

if TYPE_CHECKING:
    from truetwin.data.persona import Persona
    from truetwin.simulation.survey.survey_task import SurveyTask

#: Sections that count people's answers if there is no file of marginals.
OF_ANSWERS = ("reweight", "evaluate_marginals")
OF_A_PANEL = ("evaluate", "calibrate", "estimate", "diagnose", "audit_twins", "plan")

#: Inputs that each section needs. Personas for a simulation may be made by the section personas instead.
NEEDS = {
    "personas": ("human",),
    "simulate": ("personas", "items"),
    "evaluate": ("human",),
    "calibrate": ("human",),
    "estimate": ("human",),
    "diagnose": ("human",),
    "audit_twins": ("human",),
    "plan": ("human",),
    "reweight": ("marginals",),
    "evaluate_marginals": ("marginals",),
}


def check_study(study: Study) -> list[str]:
    """Check that everything that a study names exists and fits together.

    Returns
    -------
    list of str
        Findings, in sentences for a reader.

    Raises
    ------
    TruetwinError
        If something is wrong. The message is about the first error.
    """
    _check_sections(study)
    _check_names(study)
    _check_files(study)
    found = []
    if study.personas is not None:
        found.append(_made_personas(study))
    asked = None if study.simulate is None else _task(study)
    of_a_panel = OF_A_PANEL if study.inputs.marginals is not None else (*OF_A_PANEL, *OF_ANSWERS)
    if study.inputs.human is not None and any(getattr(study, name) is not None for name in of_a_panel):
        found.append(_panel(study, asked))
    if study.simulate is not None and asked is not None:
        size = f"{len(asked.personas)} personas, {len(asked.items)} items"
        arms = arms_in_words(asked.questionnaire)
        found.append(
            f"{size}{arms and f' ({arms})'}: at most {asked.n_cells} calls of {model_of(study.simulate)}"
        )
    if study.inputs.marginals is not None:
        found.append(_marginals(study, asked))
    if study.inputs.groups is not None:
        read_groups(study.inputs.groups)
    if study.voice.results:
        found.append(_voice(study))
    if wanted_steps(study):
        with named_in("experiment"):
            found.append(f"experiment: {check_experiment(study, asked)}")
    found += _voice_steps(study)
    return found


def _check_files(study: Study) -> None:
    for _, path in files_of(study):
        check_is_file(path)


def _panel(study: Study, asked: SurveyTask | None) -> str:
    """Say what the study will predict. Answers that are still to be simulated count as missing."""
    from truetwin.estimation.wanted_items import with_sample

    work = Work(study, Path())
    panel = work.panel if asked is None else _panel_to_be(study, asked)
    check_design(panel, people_columns_of(study))
    raked = ""
    if study.inputs.margins is not None:
        raked = f"; {rake(panel, read_margins(study.inputs.margins), study.inputs.weights).summary()}"
    resolve_blocks(panel, work.blocks)
    if asked is None and work.sample is not None:
        with_sample(panel, work.sample)  # refuses one that does not belong to the panel
    if study.estimate is not None:
        _check_estimates(study, work, panel, answered=asked is None)
    if study.plan is not None and study.plan.precision is not None:
        _check_precision(study.plan, panel)
    if study.calibrate is not None and not (panel.new_items or panel.new_respondents):
        raise DataError("calibrate: there is nothing to predict: every item and respondent has human answers")
    n, m = panel.human_values.shape
    return (
        f"{n} respondents, {m} items: {len(panel.new_items)} items nobody has answered, "
        f"{len(panel.new_respondents)} respondents who have answered nothing{raked}"
    )


def _check_estimates(study: Study, work: Work, panel: Panel, *, answered: bool) -> None:
    """Refuse items and statistics that the step estimate would refuse."""
    from truetwin.estimation.statistics import check_admitted, named_statistics
    from truetwin.estimation.wanted_items import wanted_items

    part = study.estimate
    assert part is not None
    items = ids_among(part.items, panel.item_ids)
    unknown = [item for item in items or () if item not in panel.item_ids]
    if unknown:
        raise ParameterError(
            f"estimate.items: there is no item {unknown[0]!r} in the tables.{closest(unknown[0], list(panel.item_ids))}"
        )
    wanted = wanted_items(panel, items, work.sample) if answered else None
    if part.statistics is not None and wanted is not None:
        check_admitted(
            named_statistics(part.statistics), {item: wanted.panel.scales[item] for item in wanted.items}
        )


def _check_precision(plan: Plan, panel: Panel) -> None:
    """Refuse a precision that every estimate has: half of what the statistic can span, or more."""
    from truetwin.estimation.item_forecast import points_in_words

    assert plan.precision is not None
    named = ids_among(plan.targets, panel.item_ids) or list(panel.new_items)
    scales = [panel.scales[item] for item in named if item in panel.scales]
    spans = [s.high - s.low for s in scales] if plan.statistic == "mean" else [1.0]
    span = max(spans, default=np.inf)
    if plan.statistic != "nps" and plan.precision >= span / 2:
        hint = points_in_words(plan.precision) if span == 1 else ""
        raise ParameterError(
            f"plan.precision must be below {span / 2:g}, half of what {plan.statistic!r} can span; got "
            f"{plan.precision:g}.{hint}"
        )


def _panel_to_be(study: Study, asked: SurveyTask) -> Panel:
    """Make the panel that a simulation will lead to, with all its answers missing."""
    from truetwin.io.people_files import open_human

    inputs = study.inputs
    assert inputs.human is not None
    assert inputs.items is not None
    declared = read_items(inputs.items)
    human = open_human(
        inputs.human,
        id_column=inputs.id_column,
        items=declared,
        people=inputs.people,
        columns=people_columns_of(study),
        choices=inputs.reading,
    )
    first = given_source(inputs, declared)
    given = [] if first is None else [first]
    rows = list(dict.fromkeys([*(r for t in given for r in t.respondent_ids), *asked.personas]))
    columns = {
        **{item.id: item for table in given for item in table.items},
        **asked.questionnaire.columns,
    }
    nothing = np.full((len(rows), len(columns)), np.nan)
    twin = ResponseMatrix(nothing, rows, list(columns.values()), source="the simulation")
    return Panel(human.only_answers(declared).answers(), twin, people=human.people)


def _twins(study: Study, items: Mapping[str, Item] | None) -> dict[str, ResponseMatrix]:
    """Read the sources of twin answers that the study names."""
    inputs = study.inputs
    assert inputs.twin is not None
    return read_twins(inputs.twin, id_column=inputs.id_column, items=items, choices=inputs.reading)


def _marginals(study: Study, asked: SurveyTask | None) -> str:
    from truetwin.io.marginal_files import read_marginals

    inputs = study.inputs
    assert inputs.marginals is not None
    known = set(read_marginals(inputs.marginals, encoding=inputs.encoding).item_ids)
    if study.reweight is not None:
        twins = set() if asked is None else set(asked.questionnaire.columns)
        if inputs.twin is not None:
            items = read_items(inputs.items) if inputs.items else None
            twins |= {item for source in _twins(study, items).values() for item in source.item_ids}
        if not known & twins:
            raise AlignmentError(
                f"reweight: human marginals and twins must have items in common; none of the {len(known)} items of "
                f"{inputs.marginals.name}, such as {min(known)!r}, is one of the twins' {len(twins)}"
            )
    return f"human marginals of {len(known)} items"


def _voice(study: Study) -> str:
    from truetwin.voice.scoring.capability_results import read_annotations
    from truetwin.voice.scoring.leaderboard import read_results

    if study.inputs.annotations is not None:
        read_annotations(study.inputs.annotations)
    return f"{len(read_results(study.voice.results).standings)} results of voices"


def _voice_steps(study: Study) -> list[str]:
    """Say what the section voice will ask, without asking it."""
    from truetwin.voice.jobs.asked_judging import judging_protocols
    from truetwin.voice.jobs.asked_playing import check_judge

    voice, found = study.voice, []
    for name in ("annotate", "audit", "run", "generate", "judge", "score"):
        if getattr(voice, name) is None:
            continue
        with named_in(f"voice.{name}"):
            check_earlier(study, name)
            if name == "run" and voice.run is not None:
                check_judge(voice.run)
            if name == "judge" and voice.judge is not None:
                judging_protocols(voice.judge)
    for name in ("run", "generate"):
        part = getattr(voice, name)
        if part is not None:
            found.append(f"voice.{name}: {_n_items(part, name, study.seed)}, played by {part.model}")
    return found


def _n_items(part: Playing, step: str, seed: int) -> str:
    from truetwin.voice.protocols.item_selection import select_items
    from truetwin.voice.protocols.voice_task import check_rotations

    if part.items == EARLIER_STEP:
        return "the items of voice.build"
    chosen = select_items(
        part.items, control=part.control, seed=seed, limit=part.limit, profiles=part.profiles
    )
    for name in ("rotations", "repetitions"):
        check_rotations(chosen.items, getattr(part, name, 1), f"voice.{step}.{name}")
    return f"{len(chosen.items)} items"


def _check_sections(study: Study) -> None:
    wanted = [name for name in NEEDS if getattr(study, name) is not None]
    steps = [part for name, part in study.voice if name != "leaderboard"]
    if not wanted and not any(steps) and not wanted_steps(study):
        sections = ", ".join(NEEDS)
        raise DataError(f"a study must have at least one of the sections {sections}, experiment, voice")
    asked(study)
    for name in wanted:
        for role in NEEDS[name]:
            instead = {"personas": study.personas, "marginals": study.inputs.human}.get(role)
            if getattr(study.inputs, role) is None and instead is None:
                raise DataError(f"{name} needs inputs.{role}, which is missing")
        if study.inputs.twin is None and study.simulate is None and name != "personas":
            raise DataError(
                f"{name} needs twins' answers: name a file as inputs.twin, or add a section simulate"
            )


def _task(study: Study) -> SurveyTask:
    """Make the survey that will be asked, or None. This checks prompts and personas before a call is paid for."""
    from truetwin.simulation.survey.asked_arms import arm_plan
    from truetwin.simulation.survey.asked_survey import survey_of

    part, inputs = study.simulate, study.inputs
    assert part is not None
    assert inputs.items is not None
    with named_in("simulate"):
        arms = arm_plan(part, arm_files(inputs))
        return survey_of(part, _personas(study), read_items(inputs.items), seed=study.seed, arms=arms)


def _made_personas(study: Study) -> str:
    from truetwin.study.personas_step import persona_source

    assert study.personas is not None
    with named_in("personas"):
        needed = needs_portraits(study.personas)
        source = persona_source(study)
    by = f", with portraits by {study.personas.model}" if needed else ""
    return f"personas of {len(source.answers.respondent_ids)} people, {len(source.shown_columns)} items shown{by}"


def _personas(study: Study) -> list[Persona]:
    """Return the personas that will be asked. Personas that the study makes are made here without paid portraits."""
    from truetwin.simulation.personas.persona_builders import build_personas
    from truetwin.study.personas_step import persona_source

    if study.personas is None:
        assert study.inputs.personas is not None
        return read_personas(study.inputs.personas)
    builder = "text" if needs_portraits(study.personas) else study.personas.builder
    return build_personas(persona_source(study), builder)


def _check_names(study: Study) -> None:
    from truetwin.calibration.calibrators import check_preset
    from truetwin.evaluation.marginal_metrics import resolve_metric
    from truetwin.evaluation.metric_names import metrics_named
    from truetwin.reweighting import DISCREPANCIES, MARGINAL_METHODS
    from truetwin.reweighting import discrepancy as discrepancy_named

    for part in (study.evaluate, study.calibrate):
        if part is not None:
            check_preset(part.preset)
    _check_methods(study)
    if study.evaluate is not None:
        metrics_named(study.evaluate.metric).check(
            has_retest=study.inputs.retest is not None, has_groups=bool(study.inputs.by)
        )
    if study.evaluate_marginals is not None:
        for name in study.evaluate_marginals.methods:
            MARGINAL_METHODS.resolve(name)
        for name in study.evaluate_marginals.discrepancy:
            DISCREPANCIES.resolve(name)
        for name in study.evaluate_marginals.metrics or ():
            resolve_metric(name)
    if study.estimate is not None:
        _check_statistics(study.estimate, study.inputs.by)
    if study.reweight is not None:
        MARGINAL_METHODS.resolve(study.reweight.method)
        discrepancy_named(study.reweight.discrepancy)


def _check_statistics(part: Estimate, by: tuple[str, ...]) -> None:
    """Check the names of statistics, and that groups are named where they are needed."""
    from truetwin.estimation.statistics import named_statistics

    found = () if part.statistics is None else named_statistics(part.statistics)
    if any(each.kind == "gap" for each in found) and not by:
        raise ParameterError(
            "estimate.statistics: gaps between groups need columns of groups: name them in inputs.by"
        )
    if part.cross and len(by) < 2:
        raise ParameterError(
            f"estimate.cross: crossed groups need at least two columns of groups in inputs.by; there are {len(by)}"
        )


def _check_methods(study: Study) -> None:
    """Check names of methods and their settings by hand, which would otherwise fail after the paid simulation."""
    from truetwin.calibration.calibrators import (
        by_hand_among,
        methods,
        parameters_for,
        settings_by_hand,
    )

    if study.evaluate is not None:
        wanted = (*(study.evaluate.methods or ()), study.evaluate.baseline)
        among = by_hand_among(map(methods.resolve, wanted), study.evaluate.parameters)
        for name, values in among.items():
            settings_by_hand(name, values)
    if study.calibrate is not None:
        method = study.calibrate.method
        settings_by_hand(method, parameters_for(method, study.calibrate.parameters))

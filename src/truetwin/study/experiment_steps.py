"""Do the steps of a study's experiment: effects of arms, their calibration, its judgement, and the best option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truetwin.errors import DataError
from truetwin.settings.declaration import Settings, StudyKey, mark_of, study_record
from truetwin.settings.experiment_settings import ExperimentTables
from truetwin.settings.study_settings import Inputs, Study
from truetwin.study.simulation_step import ANSWERS
from truetwin.study.step_work import Work

if TYPE_CHECKING:
    from truetwin.experiments.experiment import Experiment
    from truetwin.report.files.effect_files import Origin
    from truetwin.simulation.survey.survey_task import SurveyTask

EFFECTS, CALIBRATED = "experiment-effects.csv", "experiment-calibrated.csv"
SCORES, OPTIONS = "experiment-scores.csv", "experiment-options.csv"
STEPS_OF_EXPERIMENT = ("effects", "calibrate", "evaluate", "rank")


def wanted_steps(study: Study) -> list[str]:
    """Name the steps of the experiment that a study asks for."""
    return [name for name in STEPS_OF_EXPERIMENT if getattr(study.experiment, name) is not None]


def experiment_tables(work: Work) -> ExperimentTables:
    """Return the tables of the experiment: those that the study names, and the twins that it has simulated."""
    values = _from_inputs(work.study.inputs)
    twin = values.pop("twin")
    if work.study.simulate is not None or twin is not None:
        tables = work.twin
        values["sources" if isinstance(tables, Mapping) else "twin"] = tables
    arms = _simulated_arms(work)
    if arms is not None:
        values["twin_conditions"] = arms
    return ExperimentTables(**values)


def _from_inputs(inputs: Inputs) -> dict[str, Any]:
    """Take the settings of an experiment's tables from the keys of a study's inputs."""
    found = {}
    for name, field in ExperimentTables.model_fields.items():
        key = mark_of(field, StudyKey)
        assert key is not None
        if name != "sources":
            found[name] = getattr(inputs, key.path.removeprefix("inputs."))
    return found


def _simulated_arms(work: Work) -> Path | None:
    """Return the file that says who of the simulated twins is in which arm, where the seed decides."""
    from truetwin.results.sidecars import companion_path

    study = work.study
    by_seed = study.inputs.arms is not None and study.inputs.conditions is None
    if study.simulate is None or not by_seed or study.simulate.every_arm:
        return None
    return companion_path(work.folder / ANSWERS, "conditions")


def experiment_files(work: Work) -> dict[str, Path]:
    """Return the files that a step of the experiment reads, by role."""
    return experiment_tables(work).files


def estimate_effects(work: Work) -> list[Path]:
    """Estimate the effects among people and twins. Returns the files."""
    from truetwin.experiments.asked_experiment import moderators_of
    from truetwin.report.files.effect_files import write_effects

    part = work.study.experiment.effects
    assert part is not None
    experiment, origin = _opened(work, part)
    effects = experiment.effects(
        moderators_of(work.study.inputs.by, experiment), level=part.level, correction=part.correction
    )
    return write_effects(work.folder / EFFECTS, effects, origin)


def calibrate_twin_effects(work: Work) -> list[Path]:
    """Calibrate the twin effects of new studies. Returns the files."""
    from truetwin.experiments.asked_experiment import calibrated_by
    from truetwin.report.files.effect_files import write_calibrated

    part = work.study.experiment.calibrate
    assert part is not None
    experiment, origin = _opened(work, part)
    return write_calibrated(work.folder / CALIBRATED, calibrated_by(part, experiment), origin)


def judge_effects(work: Work) -> list[Path]:
    """Leave out each study and score the predictions of its effects. Returns the files."""
    from truetwin.experiments.asked_experiment import moderators_of
    from truetwin.experiments.experiment_judging import judge_experiment
    from truetwin.report.files.effect_files import write_judgement

    part = work.study.experiment.evaluate
    assert part is not None
    experiment, origin = _opened(work, part)
    by = moderators_of(work.study.inputs.by, experiment)
    judged = judge_experiment(experiment, by=by, level=part.level, seed=work.study.seed)
    return write_judgement(work.folder / SCORES, judged, origin)


def rank_arms(work: Work) -> list[Path]:
    """Rank the options of each choice. Returns the files."""
    from truetwin.experiments.asked_experiment import calibrated_by
    from truetwin.experiments.experiment_ranking import rank_experiment
    from truetwin.report.files.effect_files import write_choices

    part = work.study.experiment.rank
    assert part is not None
    experiment, origin = _opened(work, part)
    result = calibrated_by(part, experiment)
    choices = rank_experiment(
        result, experiment.contrasts, people=part.pilot_n, lowest=part.lowest, seed=work.study.seed
    )
    return write_choices(work.folder / OPTIONS, choices, result, origin)


def check_experiment(study: Study, asked: SurveyTask | None) -> str:
    """Check contrasts, arms and answers before anything is computed or paid for, and say what there is.

    Raises
    ------
    DataError
        If a contrast cannot be answered from the tables, or by what the simulation will ask.
    """
    from truetwin.experiments.asked_experiment import calibrated_by, experiment_of

    steps = wanted_steps(study)
    if study.inputs.contrasts is None:
        raise DataError(f"experiment.{steps[0]} needs inputs.contrasts, which is missing")
    if asked is not None:
        return _experiment_to_be(study, asked)
    experiment = experiment_of(experiment_tables(Work(study, Path())))
    for name in ("calibrate", "rank"):
        part = getattr(study.experiment, name)
        if part is not None:
            calibrated_by(part, experiment)
    return _in_words(experiment.contrasts, [*experiment.sides])


def _experiment_to_be(study: Study, asked: SurveyTask) -> str:
    """Check the contrasts of twins that are still to be asked: their outcomes and their arms."""
    from truetwin.io.experiment_files import read_contrasts

    assert study.inputs.contrasts is not None
    _check_ids(study.inputs, list(asked.personas))
    table = read_contrasts(study.inputs.contrasts)
    table.problems.raise_any()
    contrasts = table.contrasts
    arms = asked.questionnaire.arms
    texts = {} if arms is None else arms.texts
    for one in contrasts:
        for outcome in (*one.outcomes, *one.minus_outcomes):
            if outcome not in asked.questionnaire.items and study.inputs.human is None:
                raise DataError(
                    f"contrast {one.contrast_id!r} must compare items that are asked; {outcome!r} is none of them"
                )
        for condition in one.condition if study.inputs.conditions is None else ():
            if condition not in texts:
                raise DataError(
                    f"contrast {one.contrast_id!r} needs the condition {condition!r}, which is neither in inputs.arms "
                    "nor in inputs.conditions"
                )
    return _in_words(contrasts, ["twins to be asked"])


def _check_ids(inputs: Inputs, personas: Sequence[str]) -> None:
    """Check that tables write the ids of people as personas do, which will be those of the twins."""
    from truetwin.experiments.experiment_ids import ExperimentIds
    from truetwin.io.answer_tables import open_answers
    from truetwin.io.experiment_files import read_study_columns

    ids = ExperimentIds(inputs.match)
    ids.changes(personas, "the file of personas")
    if inputs.human is not None:
        human = open_answers(inputs.human, inputs.id_column, None, choices=inputs.reading)
        ids.changes(human.ids(), human.source)
    for path in (inputs.conditions, inputs.people):
        if path is not None:
            ids.of_columns(
                read_study_columns(
                    path, id_column=inputs.id_column, tasks=inputs.tasks or (), choices=inputs.reading
                )
            )


def _in_words(contrasts: Any, sides: list[str]) -> str:
    studies = {one.study for one in contrasts}
    many = f" of {len(studies)} studies" if len(studies) > 1 else ""
    return f"{len(contrasts)} contrasts{many}; answers of {', '.join(sides)}"


def _opened(work: Work, part: Settings) -> tuple[Experiment, Origin]:
    """Read the experiment, and say where results come from."""
    from truetwin.experiments.asked_experiment import experiment_of
    from truetwin.report.files.effect_files import Origin

    tables = experiment_tables(work)
    further = {} if getattr(part, "past", None) is None else {"past": part.past}  # type: ignore[attr-defined]
    origin = Origin({**tables.files, **further}, study_record(part), disclosure_column=True)
    return experiment_of(tables), origin

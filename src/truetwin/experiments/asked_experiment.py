"""Do what the settings of an experiment ask for: read its tables, and calibrate its effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from truetwin.data.study_columns import StudyColumns
from truetwin.experiments.calibrated_effects import CalibratedEffects
from truetwin.experiments.experiment import Experiment
from truetwin.experiments.experiment_calibration import calibrate_experiment
from truetwin.experiments.paired_effects import PairedEffects
from truetwin.experiments.past_tables import past_effects_of_table
from truetwin.io import read_table
from truetwin.io.experiment_files import read_contrasts, read_experiment_answers, read_study_columns
from truetwin.settings.experiment_settings import ExperimentLearning, ExperimentTables
from truetwin.settings.value_kinds import ids_among


def experiment_of(settings: ExperimentTables, say: Callable[[str], None] | None = None) -> Experiment:
    """Read contrasts, arms and answers, and check that every contrast can be answered.

    ``say`` is called with each note about how the tables were read.
    """

    def columns(path: Path | None) -> StudyColumns | None:
        if path is None:
            return None
        return read_study_columns(
            path, id_column=settings.id_column, tasks=settings.tasks or (), choices=settings.reading
        )

    answers = read_experiment_answers(
        read_contrasts(settings.contrasts),
        settings.human,
        settings.twin_tables,
        id_column=settings.id_column,
        item_file=settings.item_file,
        tasks=settings.tasks or (),
        choices=settings.reading,
    )
    if say is not None:
        for text in answers.notes:
            say(text)
    experiment = Experiment(
        answers.human,
        answers.twins or None,
        columns(settings.conditions),
        answers.contrasts,
        people=columns(settings.people),
        weights=settings.weights,
        clusters=settings.clusters,
        strata=settings.strata,
        twin_conditions=columns(settings.twin_conditions),
        choices=settings.reading,
    )
    if say is not None:
        for text in experiment.notes:
            say(text)
    return experiment


def calibrated_by(settings: ExperimentLearning, experiment: Experiment) -> CalibratedEffects:
    """Calibrate the effects of an experiment as settings say."""
    return calibrate_experiment(
        experiment,
        settings.studies or (),
        past=past_of(settings),
        published=settings.with_published,
        human_sd=settings.human_sd,
        level=settings.level,
    )


def past_of(settings: ExperimentLearning) -> PairedEffects | None:
    """Read the table of past effects, if there is one."""
    if settings.past is None:
        return None
    return past_effects_of_table(read_table(settings.past), settings.past.name)


def moderators_of(by: Sequence[str], experiment: Experiment) -> Sequence[str]:
    """Read the names of moderators; a text may hold several."""
    known = [*(experiment.people.columns if experiment.people else ()), *experiment.conditions.columns]
    return ids_among(by, known) or []

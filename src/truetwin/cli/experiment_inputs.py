"""Read the tables of an experiment for a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from truetwin.data.study_columns import StudyColumns
    from truetwin.experiments.experiment import Experiment
    from truetwin.settings.experiment_settings import ExperimentTables


def experiment_of(settings: ExperimentTables) -> Experiment:
    """Read contrasts, arms and answers, and check that every contrast can be answered."""
    from truetwin.cli.output import note
    from truetwin.experiments.experiment import Experiment
    from truetwin.io.experiment_files import read_contrasts, read_experiment_answers, read_study_columns

    def columns(path: Path | None) -> StudyColumns | None:
        if path is None:
            return None
        return read_study_columns(
            path, id_column=settings.id_column, tasks=settings.tasks, choices=settings.reading
        )

    contrasts = read_contrasts(settings.contrasts)
    if not contrasts.contrasts:
        contrasts.problems.raise_any()
    answers = read_experiment_answers(
        contrasts.contrasts,
        settings.human,
        settings.twin_tables,
        id_column=settings.id_column,
        item_file=settings.item_file,
        tasks=settings.tasks,
        choices=settings.reading,
    )
    for text in answers.notes:
        note(text)
    return Experiment(
        answers.human,
        answers.twins or None,
        columns(settings.conditions),
        contrasts,
        people=columns(settings.people),
        weights=settings.weights,
        clusters=settings.clusters,
        strata=settings.strata,
        twin_conditions=columns(settings.twin_conditions),
    )

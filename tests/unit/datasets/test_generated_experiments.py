"""Generated experiments have the truth that they state, and the tables of an experiment."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from truetwin.datasets import generate_experiments
from truetwin.datasets.generated_experiments import NEW, SD, SLOPES
from truetwin.experiments.experiment import Experiment
from truetwin.io import read_table


def test_human_effects_are_the_stated_truth_within_their_errors() -> None:
    found = generate_experiments(6, 2000, pilot=2000, random_state=1)
    experiment = Experiment(found.human, found.twin, found.conditions, found.contrasts)
    human = experiment.effects().arrays("human")
    truth = np.array([found.truth[one.contrast_id] for one in experiment.contrasts])
    z = (human.effect - truth) / human.se
    assert np.abs(z).max() < 3.5
    assert 0.5 < z.std() < 1.5


def test_twin_effects_exaggerate_as_stated() -> None:
    found = generate_experiments(90, 400, random_state=2)
    experiment = Experiment(found.human, found.twin, found.conditions, found.contrasts)
    twin = experiment.effects().arrays("twin").effect / SD
    truth = np.array([found.truth[one.contrast_id] for one in experiment.contrasts]) / SD
    kinds = np.array([one.kind for one in experiment.contrasts])
    for kind, slope in SLOPES.items():
        here = kinds == kind
        estimate = twin[here] @ truth[here] / (twin[here] @ twin[here])
        assert abs(estimate - slope) < 0.1


def test_people_answer_the_new_study_in_a_pilot_only() -> None:
    found = generate_experiments(3, 50, pilot=7)
    new = [name for name in found.human.column_names if name.startswith(NEW)]
    assert len(new) == 2
    assert all(found.human.column(name).null_count == 43 for name in new)
    assert all(found.twin.column(name).null_count == 0 for name in new)


def test_the_same_seed_gives_the_same_tables_which_are_read_back(tmp_path: Path) -> None:
    first, second = (generate_experiments(3, 50, random_state=5) for _ in range(2))
    paths = first.write(tmp_path)
    for name, path in paths.items():
        table = getattr(first, name)
        assert table.equals(getattr(second, name))
        assert read_table(path).column_names == table.column_names
    conditions = first.conditions.column_names
    jobs = [f"study_3_job_{k}" for k in range(1, 5)]
    assert conditions == ["respondent_id", "study", "study_1_arm", *jobs, "message"]

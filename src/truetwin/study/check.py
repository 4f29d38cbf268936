"""Everything that can be wrong with a study, found before anything is computed or paid for."""

from __future__ import annotations

from pathlib import Path

from truetwin.errors import DataError
from truetwin.study.config import Study
from truetwin.study.work import Work

NEEDS = {
    "simulate": ("personas", "items"),
    "evaluate": ("human",),
    "calibrate": ("human",),
    "diagnose": ("human",),
    "reweight": ("marginals",),
}


def check_study(study: Study) -> list[str]:
    """Check that all that a study names exists and fits together.

    Returns
    -------
    list of str
        What was found, in sentences for a reader.

    Raises
    ------
    TruetwinError
        For the first thing that is wrong.
    """
    _check_sections(study)
    _check_names(study)
    found = []
    work = Work(study, Path())
    if study.inputs.human is not None and study.inputs.twin is not None and study.simulate is None:
        panel = work.panel
        n, m = panel.human_values.shape
        found.append(
            f"{n} respondents, {m} items: {len(panel.new_items)} items nobody has answered, "
            f"{len(panel.new_respondents)} respondents who have answered nothing"
        )
        if study.calibrate is not None and not (panel.new_items or panel.new_respondents):
            raise DataError(
                "calibrate: there is nothing to predict: every item and respondent has human answers"
            )
    if study.simulate is not None:
        found.append(_simulation(study))
    if study.inputs.marginals is not None:
        from truetwin.io.marginals import read_marginals

        marginals = read_marginals(study.inputs.marginals)
        found.append(f"human marginals of {len(marginals.item_ids)} items")
    _ = work.blocks
    return found


def _check_sections(study: Study) -> None:
    wanted = [name for name in NEEDS if getattr(study, name) is not None]
    if not wanted and not study.voice:
        raise DataError(
            "a study must have at least one of the sections simulate, evaluate, calibrate, diagnose, reweight"
        )
    for name in wanted:
        for role in NEEDS[name]:
            if getattr(study.inputs, role) is None:
                raise DataError(f"{name} needs inputs.{role}, which is not there")
        if study.inputs.twin is None and study.simulate is None:
            raise DataError(
                f"{name} needs twins' answers: name a file as inputs.twin, or add a section simulate"
            )


def _simulation(study: Study) -> str:
    """What would be asked; prompts and personas are checked as the run itself would, before a call is paid for."""
    from truetwin.io import read_items, read_personas
    from truetwin.simulation.survey import SurveyTask
    from truetwin.study.simulating import how

    part, inputs = study.simulate, study.inputs
    assert part is not None
    assert inputs.personas is not None
    assert inputs.items is not None
    design, sampling, _ = how(part, study.seed)
    task = SurveyTask(
        read_personas(inputs.personas), list(read_items(inputs.items).values()), design, sampling
    )
    calls = sum(1 for _ in task.cells())
    return f"{len(task.personas)} personas, {len(task.items)} items: at most {calls} calls of {part.model}"


def _check_names(study: Study) -> None:
    from truetwin.calibration.methods import check_preset, methods
    from truetwin.reweighting import MARGINAL_METHODS
    from truetwin.reweighting import discrepancy as discrepancy_named

    for part in (study.evaluate, study.calibrate):
        if part is not None:
            check_preset(part.preset)
    for name in study.evaluate.methods if study.evaluate else ():
        methods.resolve(name)
    if study.calibrate is not None:
        methods.resolve(study.calibrate.method)
    if study.reweight is not None:
        MARGINAL_METHODS.resolve(study.reweight.method)
        discrepancy_named(study.reweight.discrepancy)

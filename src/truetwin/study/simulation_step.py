"""Carry out the step of a study that asks twins the items that they have not answered yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from truetwin.data import Item, ResponseMatrix
from truetwin.data.frames import to_frame
from truetwin.errors import DataError, RunError
from truetwin.io import read_items, read_personas, write_table
from truetwin.io.twin_files import read_twins
from truetwin.settings.declaration import study_record
from truetwin.settings.study_settings import Inputs
from truetwin.study.step_work import TWINS, Work

if TYPE_CHECKING:
    import pyarrow as pa

    from truetwin.simulation.survey.asked_arms import ArmFiles

RUN = "simulation"
ANSWERS = "simulated.csv"


def run_simulation(work: Work) -> list[Path]:
    """Ask twins, write the simulated answers and the files that go with them, and join them with given answers.

    Raises
    ------
    RunError
        If the run ended early, or too few answers are valid. Replies that came are kept and not paid for again.
    """
    from truetwin.llm import Store
    from truetwin.llm.running.requested_run import run_options_of
    from truetwin.llm.store.run_file import FILE_NAME
    from truetwin.report.files.answer_files import companions, write_answers
    from truetwin.simulation.survey.asked_arms import arm_plan
    from truetwin.simulation.survey.asked_survey import model_of, survey_of, valid_share_of
    from truetwin.simulation.survey.simulation import carry_out_survey
    from truetwin.simulation.survey.survey_answers import ANSWER_STEP

    part, inputs = work.study.simulate, work.study.inputs
    assert part is not None
    assert inputs.items is not None
    items = read_items(inputs.items)
    given = given_source(inputs, items)
    arms = arm_plan(part, arm_files(inputs))
    task = survey_of(
        part, read_personas(work.personas, inputs.id_column), items, seed=work.study.seed, arms=arms
    )
    progress = work.progress
    summary, answers = carry_out_survey(
        task,
        part,
        work.folder / RUN,
        options=run_options_of(part, model_of(part), seed=task.design.seed),
        known=given,
        progress=None if progress is None else lambda state: progress(state.done, state.total),
    )
    output = work.folder / ANSWERS
    with Store(work.folder / RUN / FILE_NAME) as store:
        totals = store.totals(ANSWER_STEP)
    write_answers(answers, output, totals=totals, settings=study_record(part))
    share = valid_share_of(task, summary, answers)
    if not summary.complete:
        raise RunError(
            f"the simulation is not complete: {summary.remaining} of {summary.total} calls have no reply "
            f"({summary.stopped or 'they failed'}). Run the study again to go on; nothing is paid for twice."
        )
    if share is not None and share < part.validity_floor:
        raise RunError(
            f"at least {part.validity_floor:.0%} of the simulated answers must be valid; {share:.1%} are. Look at "
            f"{companions(output)[1]}, or lower simulate.validity_floor."
        )
    simulated = {
        k: _filled(given, ResponseMatrix(values, answers.respondent_ids, answers.item_ids))
        for k, values in answers.by_replicate.items()
    }
    write_table(_table_of(simulated, inputs.id_column or "respondent_id"), work.folder / TWINS)
    written = [output, *companions(output, answers), work.folder / TWINS]
    return [path for path in written if path.exists()]


def arm_files(inputs: Inputs) -> ArmFiles:
    """Return the files that say which arms a simulation has, and who is in them."""
    from truetwin.simulation.survey.asked_arms import ArmFiles

    return ArmFiles(inputs.arms, inputs.conditions, inputs.people, inputs.id_column)


def given_source(inputs: Inputs, items: Mapping[str, Item]) -> ResponseMatrix | None:
    """Read the answers that twins have given before the simulation, if there are any.

    Raises
    ------
    DataError
        If they are of several sources: nobody says which one the simulation goes on with.
    """
    if inputs.twin is None:
        return None
    sources = read_twins(inputs.twin, id_column=inputs.id_column, items=items, choices=inputs.reading)
    if len(sources) > 1:
        raise DataError(
            f"a simulation goes on with the answers of one source; inputs.twin has {len(sources)}: "
            f"{', '.join(sources)}. Name the table of one of them, or simulate by `truetwin simulate` and name its "
            "answers as a further source."
        )
    return next(iter(sources.values()))


def _filled(given: ResponseMatrix | None, simulated: ResponseMatrix) -> ResponseMatrix:
    """Return given answers, with simulated ones in their gaps."""
    tables = [table for table in (given, simulated) if table is not None]
    people = list(dict.fromkeys(r for table in tables for r in table.respondent_ids))
    items = list(dict.fromkeys(i for table in tables for i in table.item_ids))
    grids = [table.on_grid(people, items) for table in tables]
    joined = grids[0] if len(grids) == 1 else np.where(np.isnan(grids[0]), grids[1], grids[0])
    return ResponseMatrix(joined, people, items)


def _table_of(replicates: Mapping[int, ResponseMatrix], id_column: str) -> pa.Table:
    """Write one wide table; several replicates have rows of their own, numbered in a column ``replicate``."""
    import pyarrow as pa

    tables = {
        k: to_frame(source.values, source.respondent_ids, source.item_ids, id_column=id_column)
        for k, source in replicates.items()
    }
    if len(tables) == 1:
        return tables.popitem()[1]
    return pa.concat_tables(
        table.add_column(1, "replicate", pa.array([k] * table.num_rows, pa.int64()))
        for k, table in tables.items()
    )

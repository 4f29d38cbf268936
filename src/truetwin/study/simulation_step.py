"""Carry out the step of a study that asks twins the items that they have not answered yet."""

from __future__ import annotations

from pathlib import Path

from truetwin.data import ResponseMatrix
from truetwin.data.frames import to_frame
from truetwin.errors import RunError
from truetwin.io import read_items, read_personas, read_responses, write_table
from truetwin.settings.declaration import study_record
from truetwin.study.step_work import Work

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
    from truetwin.simulation.survey.asked_survey import model_of, survey_of, valid_share_of
    from truetwin.simulation.survey.simulation import carry_out_survey
    from truetwin.simulation.survey.survey_answers import ANSWER_STEP

    part, inputs = work.study.simulate, work.study.inputs
    assert part is not None
    assert inputs.items is not None
    items = read_items(inputs.items)
    given = (
        read_responses(
            inputs.twin,
            id_column=inputs.id_column,
            items=items,
            expectations=True,
            choices=inputs.reading,
        )
        if inputs.twin
        else None
    )
    task = survey_of(part, read_personas(work.personas), items, seed=work.study.seed)
    progress = work.progress
    summary, answers = carry_out_survey(
        task,
        part,
        work.folder / RUN,
        options=run_options_of(part, model_of(part)),
        known=given,
        progress=None if progress is None else lambda state: progress(state.done, state.total),
    )
    output = work.folder / ANSWERS
    with Store(work.folder / RUN / FILE_NAME) as store:
        totals = store.totals(ANSWER_STEP)
        share = valid_share_of(task, summary, store)
    write_answers(answers, output, totals=totals, settings=study_record(part))
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
    twins = ResponseMatrix(answers.values, answers.respondent_ids, answers.item_ids)
    _write_joined(twins, given, inputs.id_column or "respondent_id", work.twin)
    written = [output, *companions(output, with_distributions=bool(answers.shares)), work.twin]
    return [path for path in written if path.exists()]


def _write_joined(
    simulated: ResponseMatrix, given: ResponseMatrix | None, id_column: str, path: Path
) -> None:
    """Write one table of all twins' answers. Given answers are not changed."""
    import numpy as np

    tables = [table for table in (given, simulated) if table is not None]
    people = list(dict.fromkeys(r for table in tables for r in table.respondent_ids))
    items = list(dict.fromkeys(i for table in tables for i in table.item_ids))
    grids = [table.on_grid(people, items) for table in tables]
    joined = grids[0] if len(grids) == 1 else np.where(np.isnan(grids[0]), grids[1], grids[0])
    write_table(to_frame(joined, people, items, id_column=id_column), path)

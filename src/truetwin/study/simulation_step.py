"""The step that asks twins where their answers are missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.data import ResponseMatrix
from truetwin.data.frames import to_frame
from truetwin.errors import RunError
from truetwin.io import read_items, read_personas, read_responses, write_table
from truetwin.study.step_work import Work
from truetwin.study.study_file import Simulate

if TYPE_CHECKING:
    from truetwin.llm import RunOptions, Sampling
    from truetwin.simulation.questions.survey_design import SurveyDesign

RUN = "simulation"
ANSWERS = "simulated.csv"


def run_simulation(work: Work) -> list[Path]:
    """Ask, write the simulated answers with their companions, and join them with those that were given.

    Raises
    ------
    RunError
        If the run ended early, or too few answers are valid. What was answered is kept, and not paid for again.
    """
    from truetwin.llm import Store
    from truetwin.llm.store.run_file import FILE_NAME
    from truetwin.report.files.answer_files import companions, write_answers
    from truetwin.simulation.survey.simulation import simulate
    from truetwin.simulation.survey.survey_answers import ANSWER_STEP

    part, inputs = work.study.simulate, work.study.inputs
    assert part is not None
    assert inputs.personas is not None
    assert inputs.items is not None
    items = read_items(inputs.items)
    given = read_responses(inputs.twin, id_column=inputs.id_column, items=items) if inputs.twin else None
    design, sampling, options = how(part, work.study.seed)
    progress = work.progress
    summary, answers = simulate(
        read_personas(inputs.personas),
        list(items.values()),
        part.model,
        work.folder / RUN,
        design=design,
        sampling=sampling,
        options=options,
        known=given,
        progress=None if progress is None else lambda state: progress(state.done, state.total),
        base_url=part.base_url,
        engine=part.engine,
        key_variable=part.key_variable,
    )
    output = work.folder / ANSWERS
    with Store(work.folder / RUN / FILE_NAME) as store:
        totals = store.totals(ANSWER_STEP)
    write_answers(answers, output, totals=totals, settings=part.model_dump(mode="json"))
    if not summary.complete:
        raise RunError(
            f"the simulation is not complete: {summary.remaining} of {summary.total} calls have no reply "
            f"({summary.stopped or 'they failed'}). Run the study again to go on; nothing is paid for twice."
        )
    share = summary.valid_share
    if share is not None and share < part.validity_floor:
        raise RunError(
            f"at least {part.validity_floor:.0%} of the simulated answers must be valid; {share:.1%} are. Look at "
            f"{companions(output)[1]}, or lower simulate.validity_floor."
        )
    twins = ResponseMatrix(answers.values, answers.respondent_ids, answers.item_ids)
    _write_joined(twins, given, inputs.id_column or "respondent_id", work.twin)
    written = [output, *companions(output, with_distributions=bool(answers.shares)), work.twin]
    return [path for path in written if path.exists()]


def how(part: Simulate, seed: int) -> tuple[SurveyDesign, Sampling, RunOptions]:
    """Design, decoding and carrying out, as the study says."""
    from truetwin.llm import Caps, Prices, RunOptions, Sampling
    from truetwin.simulation.questions.survey_design import SurveyDesign

    prices = None
    if part.price_in is not None and part.price_out is not None:
        prices = Prices(part.price_in, part.price_out)
    design = SurveyDesign(
        strategy=part.strategy,
        reply=part.reply,
        per_call=part.per_call,
        order=part.order,
        replicates=part.replicates,
        seed=seed,
    )
    options = RunOptions(
        concurrency=part.concurrency,
        caps=Caps(part.cap_requests, part.cap_tokens, part.cap_cost),
        prices=prices,
    )
    return design, Sampling(temperature=part.temperature, max_tokens=part.max_tokens), options


def _write_joined(
    simulated: ResponseMatrix, given: ResponseMatrix | None, id_column: str, path: Path
) -> None:
    """One table of all twins' answers; what was given stays as it was."""
    import numpy as np

    tables = [table for table in (given, simulated) if table is not None]
    people = list(dict.fromkeys(r for table in tables for r in table.respondent_ids))
    items = list(dict.fromkeys(i for table in tables for i in table.item_ids))
    grids = [table.on_grid(people, items) for table in tables]
    joined = grids[0] if len(grids) == 1 else np.where(np.isnan(grids[0]), grids[1], grids[0])
    write_table(to_frame(joined, people, items, id_column=id_column), path)

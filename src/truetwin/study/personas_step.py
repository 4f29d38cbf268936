"""Carry out the step of a study that makes personas from people's own answers."""

from __future__ import annotations

from pathlib import Path

from truetwin.errors import RunError
from truetwin.io import write_personas
from truetwin.settings.study_settings import Study
from truetwin.simulation.personas.persona_builders import PersonaSource, build_personas
from truetwin.simulation.survey.asked_personas import (
    PersonaFiles,
    needs_portraits,
    source_of,
    write_portraits,
)
from truetwin.study.step_work import PERSONAS, Work, people_columns_of

RUN = "portraits"


def persona_source(study: Study) -> PersonaSource:
    """Read people's answers and attributes for personas. Items that the study will ask their twins are not shown."""
    part, inputs = study.personas, study.inputs
    assert part is not None
    assert inputs.human is not None
    will_be_asked = study.simulate.only if study.simulate is not None else ()
    files = PersonaFiles(
        inputs.human, inputs.items, inputs.id_column, inputs.people, people_columns_of(study), inputs.reading
    )
    return source_of(part, files, targets=will_be_asked)


def make_personas(work: Work) -> list[Path]:
    """Build personas and write them where the simulation looks for them.

    Raises
    ------
    RunError
        If a portrait is missing. Portraits that were written are kept and not paid for again.
    """
    from truetwin.llm import RunOptions, RunSummary, Store, run
    from truetwin.llm.store.run_file import FILE_NAME
    from truetwin.llm.task import ChatModel, Task

    part = work.study.personas
    assert part is not None
    source, texts = persona_source(work.study), None

    def ask(task: Task, model: ChatModel, store: Store, options: RunOptions) -> RunSummary:
        progress = work.progress
        show = None if progress is None else lambda state: progress(state.done, state.total)
        return run(task, model, store, options, progress=show)

    if needs_portraits(part):
        (work.folder / RUN).mkdir(exist_ok=True)
        with Store(work.folder / RUN / FILE_NAME) as store:
            portraits = write_portraits(part, source, store, ask)
        texts = portraits.texts
        left = len(source.answers.respondent_ids) - len(texts)
        if left:
            raise RunError(
                f"{left} respondents have no portrait ({portraits.stopped or 'their calls failed'}). Run the study "
                "again to go on; nothing is paid for twice."
            )
    output = work.folder / PERSONAS
    write_personas(build_personas(source, part.builder, portraits=texts), output)
    return [output]

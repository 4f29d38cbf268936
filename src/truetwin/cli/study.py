"""Verbs `truetwin study init`, `check`, `run` and `schema`."""

from __future__ import annotations

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.study_settings import (
    StudyCheckCommand,
    StudyInitCommand,
    StudyRunCommand,
    StudySchemaCommand,
)


@verb(StudyInitCommand)
def init_command(settings: StudyInitCommand) -> None:
    """Write a commented example study with generated data that runs without network or key."""
    from truetwin.cli.output import note
    from truetwin.study.example_study import write_example

    path = write_example(settings.folder, settings.seed)
    note(f"a study of a generated population, not of real people; run it with:\n  truetwin study run {path}")
    print_line(path)


@verb(StudyCheckCommand)
def check_command(settings: StudyCheckCommand) -> None:
    """Check the study file and everything that it refers to, before anything is computed or paid for."""
    from truetwin.cli.output import print_json
    from truetwin.settings.declaration import study_record
    from truetwin.study import read_study
    from truetwin.study.study_check import check_study
    from truetwin.study.study_steps import STEPS

    found = read_study(settings.study)
    sentences = check_study(found)
    steps = [step.name for step in STEPS if step.section(found) is not None]
    if settings.as_json:
        print_json("study check", study_record(found), [{"step": name} for name in steps])
        return
    for text in sentences:
        print_line(text)
    print_line(f"the study can run; its steps: {', '.join(steps)}")


@verb(StudyRunCommand)
def run_command(settings: StudyRunCommand) -> None:
    """Run the study: every step whose inputs have changed since the last run, and a report at the end."""
    from truetwin.cli.output import Column, note, print_json, print_table, progress_bar
    from truetwin.study import read_study, run_study

    found = read_study(settings.study)
    folder = settings.run or settings.study.with_name(f"{settings.study.stem}-run")
    result = run_study(found, folder, again=settings.again, n_jobs=settings.n_jobs, bar=progress_bar)
    rows = [
        {
            "step": step.name,
            "state": "unchanged, kept" if step.skipped else "done",
            "seconds": None if step.skipped else step.seconds,
            "files": ", ".join(path.name for path in step.outputs),
        }
        for step in result.steps
    ]
    if settings.as_json:
        print_json("study run", {"run": str(result.folder), "report": str(result.report)}, rows)
        return
    columns = [
        Column("step", "step"),
        Column("state", "state"),
        Column("seconds", "seconds", ".1f"),
        Column("files", "files", foldable=True, names=True),
    ]
    print_table(rows, columns)
    note(f"everything is in {result.folder}")
    print_line(f"report: {result.report}")


@verb(StudySchemaCommand)
def schema_command(settings: StudySchemaCommand) -> None:
    """Print the JSON Schema of study files, for editors that complete and check them."""
    from json import dumps

    from truetwin.settings.study_settings import study_schema

    print_line(dumps(study_schema(), indent=2))

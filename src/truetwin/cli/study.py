"""`truetwin study init`, `check`, `run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from truetwin.cli.shared_options import Jobs, Json

app = typer.Typer(
    help="One study from a file: simulate, evaluate, calibrate, diagnose, reweight, report.",
    no_args_is_help=True,
)
StudyFile = Annotated[
    Path, typer.Argument(metavar="STUDY.yaml", help="The study; `study init` writes an example.")
]


@app.command("init")
def init_command(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; made if need be.")] = Path("study"),
    seed: Annotated[int, typer.Option(help="Seed of the generated population.", min=0)] = 0,
) -> None:
    """Write a commented example study with generated data that runs without network or key."""
    from truetwin.cli.output import note
    from truetwin.study.example_study import write_example

    path = write_example(folder, seed)
    note(f"a study of a generated population, not of real people; run it with:\n  truetwin study run {path}")
    print(path)


@app.command("check")
def check_command(study: StudyFile, json: Json = False) -> None:
    """Check the study file and everything that it refers to, before anything is computed or paid for."""
    from truetwin.cli.output import print_json
    from truetwin.study import read_study
    from truetwin.study.study_check import check_study
    from truetwin.study.study_steps import STEPS

    found = read_study(study)
    sentences = check_study(found)
    steps = [step.name for step in STEPS if step.section(found) is not None]
    if json:
        print_json("study check", found.model_dump(mode="json"), [{"step": name} for name in steps])
        return
    for text in sentences:
        print(text)
    print(f"the study can run; its steps: {', '.join(steps)}")


@app.command("run")
def run_command(
    study: StudyFile,
    run: Annotated[
        Path | None, typer.Option(help="Folder of results. [default: STUDY-run beside the study file]")
    ] = None,
    again: Annotated[
        list[str] | None, typer.Option(help="Do this step even if nothing has changed; may be repeated.")
    ] = None,
    n_jobs: Jobs = 1,
    json: Json = False,
) -> None:
    """Run the study: every step whose inputs have changed since the last run, and a report at the end."""
    from truetwin.cli.output import Column, note, print_json, print_table, progress_bar
    from truetwin.study import read_study, run_study

    found = read_study(study)
    folder = run or study.with_name(f"{study.stem}-run")
    result = run_study(found, folder, again=again or (), n_jobs=n_jobs, bar=progress_bar)
    rows = [
        {
            "step": step.name,
            "state": "unchanged, kept" if step.skipped else "done",
            "seconds": None if step.skipped else step.seconds,
            "files": ", ".join(path.name for path in step.outputs),
        }
        for step in result.steps
    ]
    if json:
        print_json("study run", {"run": str(result.folder), "report": str(result.report)}, rows)
        return
    columns = [
        Column("step", "step"),
        Column("state", "state"),
        Column("seconds", "seconds", ".1f"),
        Column("files", "files", foldable=True),
    ]
    print_table(rows, columns)
    note(f"everything is in {result.folder}")
    print(f"report: {result.report}")

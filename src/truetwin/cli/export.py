"""Functions that `simulate` and `runs` share: print the table of states, and write answers to files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from truetwin.llm import ChatModel, State, Store
    from truetwin.settings.simulate_settings import Point
    from truetwin.simulation.survey.survey_answers import SurveyAnswers


def check_export(output: Path, inputs: Iterable[Path | None]) -> None:
    """Check before any call that the answers can be written."""
    from truetwin.io import check_output_ending, check_outputs
    from truetwin.report.files.answer_files import companions
    from truetwin.results.sidecars import check_sidecar

    check_outputs([output, *companions(output)], inputs)
    check_output_ending(output)
    check_sidecar(output)


def export_run(
    store: Store,
    answers: SurveyAnswers,
    output: Path,
    *,
    long: bool,
    point: Point,
    replicate: int | Literal["mean"] | None = None,
) -> list[Path]:
    """Write the answers of a run and the files that go with them. Returns all paths.

    ``point`` and ``replicate`` say how the answers were collected; "mean" writes one row for all repetitions of a
    person, and by default each has rows of its own.
    """
    from truetwin.report.files.answer_files import write_answers
    from truetwin.simulation.survey.survey_answers import ANSWER_STEP

    settings = {"point": point, "replicate": replicate, "long": long}
    beside = write_answers(
        answers,
        output,
        totals=store.totals(ANSWER_STEP),
        layout="long" if long else "wide",
        one_row=replicate == "mean",
        settings=settings,
    )
    return [output, *beside]


def print_states(counts: Mapping[State, int], total: int, *, title: str) -> None:
    """Print the number of replies in each state. States without replies are left out, except valid."""
    from truetwin.cli.output import Column, print_table
    from truetwin.llm import State

    rows: list[dict[str, Any]] = [
        {"state": str(s), "n": n, "share": n / total if total else None}
        for s, n in counts.items()
        if n or s is State.VALID
    ]
    rest = total - sum(counts.values())
    if rest:
        rows.append({"state": "not asked", "n": rest, "share": rest / total})
    rows.append({"state": "total", "n": total})
    print_table(
        rows,
        [Column("state", "state"), Column("n", "calls", ",d"), Column("share", "share", ".1%")],
        title=title,
    )


def disclose(model: ChatModel) -> None:
    """Print a note if no language model answered."""
    from truetwin.cli.output import note
    from truetwin.results.disclosure import STAND_INS_SAY

    text = STAND_INS_SAY.get(str(model.describe().get("engine")))
    if text:
        note(text)

"""Verb `truetwin update`."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from truetwin.cli.output import print_line
from truetwin.cli.panel_inputs import blocks_given, panel_of
from truetwin.cli.verbs import verb
from truetwin.settings.update_settings import LEVEL, PRECISION, STATISTIC, UpdateCommand

if TYPE_CHECKING:
    from truetwin.estimation.fieldwork import Fieldwork, FieldworkReport

SHOWN_LOOKS = 12


@verb(UpdateCommand)
def update_command(settings: UpdateCommand) -> None:
    """Append answers to a new item, show how the estimate narrows, and say when to stop asking.

    The intervals hold at all looks together, so that you may look after every batch and stop when they are narrow
    enough.
    """
    from truetwin.cli.output import note, print_json
    from truetwin.io import check_outputs
    from truetwin.io.atomic import taking_turns

    if settings.state:
        check_outputs([settings.state], [*settings.files.values(), settings.answers])
    with taking_turns(settings.state.parent) if settings.state else nullcontext():
        update = _updated(settings)
    work, report = update.work, update.report
    if settings.as_json:
        print_json("update", _described(settings, work, report), report.rows, notes=list(report.notes))
        return
    _print(settings.item, work, report)
    if update.n_missing:
        note(f"left out, because they have no valid answer: {update.n_missing} in {settings.answers}")
    if update.n_known:
        note(f"answers that were there already: {update.n_known}")
    for text in report.notes:
        note(f"note: {text}")


@dataclass(frozen=True)
class _Update:
    """Fieldwork with its new answers; people without a valid answer, and answers that were there already."""

    work: Fieldwork
    report: FieldworkReport
    n_missing: int
    n_known: int


def _updated(settings: UpdateCommand) -> _Update:
    """Begin or continue fieldwork, append the answers, and write the state."""
    from truetwin.estimation.fieldwork import fieldwork_record
    from truetwin.io import write_json
    from truetwin.io.fieldwork_files import KIND, read_item_answers

    work = _continued(settings) if settings.state and settings.state.exists() else _begun(settings)
    answers, n_missing = read_item_answers(
        settings.answers,
        settings.item,
        work.forecast.scale,
        id_column=settings.id_column,
        choices=settings.reading,
    )
    n_known = work.add(answers, str(settings.answers))
    report = work.report()
    if settings.state:
        write_json({"kind": KIND, "tables": _hashes(settings), **fieldwork_record(work)}, settings.state)
    return _Update(work, report, n_missing, n_known)


def _begun(settings: UpdateCommand) -> Fieldwork:
    """Begin fieldwork: forecast the item; answers in the human table count as the first look."""
    import numpy as np

    from truetwin.estimation.fieldwork import Fieldwork
    from truetwin.estimation.item_forecast import forecast_item

    panel = panel_of(settings)
    work = Fieldwork(
        forecast_item(panel, settings.item, blocks=blocks_given(settings.blocks)),
        settings.statistic or STATISTIC,
        settings.precision or PRECISION,
        settings.level or LEVEL,
    )
    given = panel.human_values[:, panel.item_ids.index(settings.item)]
    first = {
        who: float(answer)
        for who, answer in zip(panel.respondent_ids, given, strict=True)
        if np.isfinite(answer)
    }
    if first:
        work.add(first, str(settings.human))
    return work


def _continued(settings: UpdateCommand) -> Fieldwork:
    """Continue from the state file, after checking that it is about the same tables and settings."""
    from truetwin.errors import FileFormatError, ParameterError, TruetwinError
    from truetwin.estimation.fieldwork import fieldwork_from_record
    from truetwin.io.fieldwork_files import read_state

    assert settings.state is not None
    record = read_state(settings.state)
    now, before = _hashes(settings), record.get("tables")
    if not isinstance(before, dict):
        raise FileFormatError(
            f"{settings.state} is damaged: it does not say which tables it was begun with. Restore a copy of it, or "
            f"name another state file to begin again"
        )
    if now != before:
        changed = next(role for role in {**now, **before} if now.get(role) != before.get(role))
        raise ParameterError(
            f"{settings.state} must be continued with the tables that it was begun with; the {_role(changed)} differs. "
            f"Name another state file to begin again"
        )
    try:
        work = fieldwork_from_record(record)
    except TruetwinError as error:
        raise FileFormatError(
            f"{settings.state} is damaged: {error}. Restore a copy of it, or name another state file to begin again"
        ) from error
    for name, given, kept in (
        ("--item", settings.item, work.forecast.item),
        ("--statistic", settings.statistic, work.statistic),
        ("--precision", settings.precision, work.precision),
        ("--level", settings.level, work.level),
    ):
        if given is not None and given != kept:
            raise ParameterError(
                f"{name} must stay as it was at the first look, or the intervals would not hold; {settings.state} was "
                f"begun with {kept} and {given} is asked for. Name another state file to begin again"
            )
    return work


def _role(name: str) -> str:
    if name.startswith("twin."):
        return f"source {name.removeprefix('twin.')!r}"
    return {
        "human": "human table",
        "twin": "twin table",
        "item_file": "item file",
        "people": "people table",
    }.get(name, name)


def _hashes(settings: UpdateCommand) -> dict[str, str]:
    from truetwin.io import file_hash
    from truetwin.io.twin_files import files_by_role

    return {role: file_hash(path) for role, path in files_by_role(settings.files).items()}


def _described(settings: UpdateCommand, work: Fieldwork, report: FieldworkReport) -> dict[str, Any]:
    return {
        "item": settings.item,
        "statistic": work.statistic,
        "precision": work.precision,
        "level": work.level,
        "n_people": report.n_people,
        "n_answers": report.n_answers,
        "widest": report.widest,
        "enough": report.enough,
        "still_needed": report.still_needed,
    }


def _print(item: str, work: Fieldwork, report: FieldworkReport) -> None:
    from truetwin.cli.output import Column, print_table

    last = [row for row in report.rows if row["look"] == len(work.looks)]
    if len(work.looks) > 1:
        print_table(
            _by_look(report)[-SHOWN_LOOKS:],
            [Column("answers", "answers", "d"), Column("half_width", "widest +-", ".3f")],
            title=f"{item}: how the intervals narrow",
        )
    print_table(
        [{**row, "name": row["category"] or row["statistic"]} for row in last],
        [
            Column("name", "answer" if work.statistic == "share" else "statistic", foldable=True),
            Column("estimate", "estimate", ".3f"),
            Column("low", "low", ".3f"),
            Column("high", "high", ".3f"),
            Column("half_width", "+-", ".3f"),
        ],
        title=f"{item}: {report.n_answers} of {report.n_people} people have answered",
    )
    print_line(_verdict(work, report))


def _by_look(report: FieldworkReport) -> list[dict[str, Any]]:
    widest: dict[int, float] = {}
    for row in report.rows:
        widest[row["answers"]] = max(widest.get(row["answers"], 0.0), row["half_width"])
    return [{"answers": n, "half_width": width} for n, width in widest.items()]


def _verdict(work: Fieldwork, report: FieldworkReport) -> str:
    wanted = f"+-{report.precision:g} at {work.level:.0%}"
    if not report.n_answers:
        return f"nobody has answered yet; {wanted} is wanted"
    if report.enough:
        return f"stop: every interval is within {wanted}"
    more = "" if report.still_needed is None else f"; about {report.still_needed} more answers are needed"
    return f"go on: {wanted} is wanted{more}"

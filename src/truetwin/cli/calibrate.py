"""Verb `truetwin calibrate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.cli.panel_inputs import blocks_of, panel_of, weights_of, weights_record
from truetwin.cli.verbs import verb
from truetwin.settings.calibrate_settings import CalibrateCommand
from truetwin.settings.value_kinds import ids_among

if TYPE_CHECKING:
    from truetwin.calibration import Calibration
    from truetwin.calibration.draws import Draws
    from truetwin.data import Axis
    from truetwin.evaluation.calibration_gain import Gain

ELSEWHERE = "`truetwin evaluate` compares other methods; --method twin takes the twins as they are."
EXIT_INCOMPLETE = 1


@verb(CalibrateCommand)
def calibrate_command(settings: CalibrateCommand) -> int:
    """Predict what people would answer to items that only their twins have answered, and what new people would answer.

    Targets are the items that no human has answered, and the respondents who have answered nothing. Gaps in items that
    some people have answered are not filled. What new respondents would answer to new items is predicted by some
    methods only, auto among them. Never compare the arms of an experiment on predictions, which shrink differences
    between arms; `truetwin experiment` is for them. Beside OUTPUT, a file of the same name ending in .json records
    method, settings, versions, hashes of the inputs and notes on every target.
    """
    from truetwin.calibration.calibrators import check_preset, methods, parameters_for
    from truetwin.calibration.imputation_rank import prepared_at
    from truetwin.cli.output import note, progress_bar
    from truetwin.data.arm_names import arm_warning
    from truetwin.estimation.reconciliation import calibrate
    from truetwin.evaluation.calibration_gain import measure_gain
    from truetwin.io.atomic import together
    from truetwin.report.files.prediction_files import write_predictions

    name = methods.resolve(settings.method)
    check_preset(settings.preset)
    _check_outputs(settings)
    by_hand = parameters_for(name, settings.parameters)
    panel = panel_of(settings)
    warning = arm_warning(panel.people.columns if panel.people else ())
    if warning:
        note(f"note: {warning}")
    weights = weights_of(settings, panel)
    members, found_by = blocks_of(panel, settings.blocks)
    prepared = prepared_at(settings.imputation_rank, panel)
    with progress_bar("calibrating") as progress:
        result = calibrate(
            panel,
            name,
            items=ids_among(settings.items, panel.item_ids),
            respondents=ids_among(settings.respondents, panel.respondent_ids),
            preset=settings.preset,
            parameters=by_hand,
            preprocessing=prepared,
            blocks=members,
            point=settings.point,
            shares=settings.shares,
            weights=weights,
            n_jobs=settings.n_jobs,
            progress=progress,
        )
    asked = {
        "preset": settings.preset,
        "set": settings.parameters_in_words,
        "imputation_rank": prepared.imputation_rank,
        "round": settings.rounded,
        "point": settings.point,
        "blocks": found_by,
        **weights_record(settings),
    }
    drawn = None if settings.draws is None else result.draws(settings.draws, settings.seed)
    with together():
        sidecar = write_predictions(
            result,
            settings.output,
            id_column=settings.id_column or panel.human.id_name,
            rounded=settings.rounded,
            layout="long" if settings.long else "wide",
            inputs=settings.files,
            settings=asked,
            interval=settings.intervals,
            disclosure_column=settings.disclosure_column,
        )
        if drawn is not None:
            _write_draws(settings, result, drawn, asked)
    with progress_bar("measuring the gain") as progress:
        gain = measure_gain(
            result, settings.check, weights=weights, n_jobs=settings.n_jobs, progress=progress
        )
    for text in gain.notes:
        note(text)
    _show(settings, result, gain, asked, sidecar)
    return EXIT_INCOMPLETE if result.unpredicted else 0


def _write_draws(
    settings: CalibrateCommand, result: Calibration, drawn: Draws, asked: Mapping[str, object]
) -> None:
    """Write the completed data sets, and name what is missing in them."""
    from truetwin.cli.output import note
    from truetwin.report.files.draw_files import write_draws

    assert settings.draws_output is not None
    write_draws(
        result,
        drawn,
        settings.draws_output,
        inputs=settings.files,
        settings={**asked, "draws": settings.draws, "seed": settings.seed},
        disclosure_column=settings.disclosure_column,
    )
    for item, why in drawn.left_out.items():
        note(f"no draws of item {item!r}: {why}")


def _show(
    settings: CalibrateCommand,
    result: Calibration,
    gain: Gain,
    asked: Mapping[str, object],
    sidecar: Path,
) -> None:
    """Print the size of the predictions, their gain over the plain twins, and the files."""
    from truetwin.cli.output import note, print_json
    from truetwin.report.files.prediction_files import intervals_path

    parameters = {axis: model.get_params() for axis, model in result.calibrators.items()}
    if settings.as_json:
        described = {
            "method": result.method,
            "parameters": parameters,
            "output": str(settings.output),
            "sidecar": str(sidecar),
            "gain": list(gain.rows),
            **({"draws_output": str(settings.draws_output)} if settings.draws_output else {}),
            **asked,
        }
        print_json("calibrate", described, [{"method": result.method, **record} for record in result.notes()])
        return
    _print(result, gain, parameters)
    if any("blocks" in values for values in parameters.values()):
        note(f"batteries: {asked['blocks']}")
    if settings.intervals is not None:
        note(f"{settings.intervals:.0%} intervals: {intervals_path(settings.output)}")
    if settings.draws_output is not None:
        note(f"{settings.draws} draws: {settings.draws_output}; its rows belong to real persons")
    note(f"predictions: {settings.output}\nhow they were made: {sidecar}")


def _check_outputs(settings: CalibrateCommand) -> None:
    """Check before any work that the predictions, and the files beside them, can be written."""
    from truetwin.errors import OutputError
    from truetwin.io import check_output_ending, check_outputs
    from truetwin.report.files.prediction_files import intervals_path
    from truetwin.results.sidecars import check_sidecar, sidecar_path

    output = settings.output
    if not output.name:
        raise OutputError(f"the output must be a file; {str(output)!r} is not the name of one")
    beside = settings.intervals is not None and intervals_path(output) != output
    companions = [intervals_path(output)] if beside else []
    if settings.draws_output is not None:
        companions += [settings.draws_output, sidecar_path(settings.draws_output)]
        check_output_ending(settings.draws_output)
        check_sidecar(settings.draws_output)
    check_outputs([output, sidecar_path(output), *companions], settings.files.values())
    check_output_ending(output)
    check_sidecar(output)


def _print(result: Calibration, gain: Gain, parameters: Mapping[Axis, Mapping[str, object]]) -> None:
    from truetwin.calibration.left_alone import left_alone
    from truetwin.cli.output import Column, note, print_table
    from truetwin.cli.score_tables import gain_columns, gain_title
    from truetwin.evaluation.calibration_gain import gain_in_words, is_gain, score_in_words

    notes = [
        {**record, "scale": f"{record['scale']}{' (inferred)' if record['scale_inferred'] else ''}"}
        if "scale" in record
        else record
        for record in result.notes()
    ]
    for axis in parameters:
        here = [record for record in notes if record["axis"] == axis]
        done = sum(1 for record in here if record["target"] not in {t.id for t in result.unpredicted})
        shown = ", ".join(f"{k}={v}" for k, v in parameters[axis].items() if k != "blocks")
        note(f"{result.method}({shown}): predicted {done} of {len(here)} new {axis}s")
    columns = [
        Column("target", "target"),
        Column("scale", "scale"),
        Column("n_predicted", "predicted", "d"),
        Column("n_unpredicted", "missing", "d"),
        Column("reason", "note", foldable=True),
    ]
    remarkable = [record for record in notes if record.get("reason")]
    shown_notes = notes if len(notes) <= 20 else remarkable[:20]
    if shown_notes:
        print_table(shown_notes, columns, title="targets" if len(notes) <= 20 else "targets with a note")
    if len(remarkable) > 20 and len(notes) > 20:
        note(f"... and {len(remarkable) - 20} more targets with a note: see the sidecar")
    if gain.rows:
        title = gain_title(gain.rows, score_in_words(gain.rows[0]))
        print_table(gain.rows, gain_columns(gain.rows), title=title)
        for row in gain.rows:
            if row["method"] == result.method and "difference" in row:
                note(gain_in_words(row) if is_gain(row) else f"{gain_in_words(row)} {ELSEWHERE}")
    for text in left_alone(result):
        note(text)

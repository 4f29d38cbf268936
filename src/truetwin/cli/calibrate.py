"""`truetwin calibrate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.cli.shared_options import (
    DisclosureColumn,
    Human,
    IdColumn,
    InContext,
    ItemFile,
    Jobs,
    Json,
    Preset,
    Settings,
    Twin,
    blocks_of,
    ids_of,
    note_suspicious,
    parameters_of,
    read_panel,
)

if TYPE_CHECKING:
    from truetwin.calibration import Calibration
    from truetwin.data import Axis, Panel

ELSEWHERE = "`truetwin evaluate` compares other methods; --method twin takes the twins as they are."
CELLS_TO_CHECK = 5_000_000
EXIT_INCOMPLETE = 1


def calibrate_command(
    human: Human,
    twin: Twin,
    output: Annotated[
        Path, typer.Option(help="Where to write the predictions: CSV, TSV or Parquet, by ending.")
    ],
    id_column: IdColumn = None,
    method: Annotated[str, typer.Option(help="Method; `truetwin methods` lists all.")] = "auto",
    items: Annotated[
        list[str] | None, typer.Option(help="Predict only these items, separated by commas; may be repeated.")
    ] = None,
    respondents: Annotated[
        list[str] | None,
        typer.Option(help="Predict only these respondents, separated by commas; may be repeated."),
    ] = None,
    rounded: Annotated[
        bool, typer.Option("--round", help="Snap predictions to the answers on each scale.")
    ] = False,
    long: Annotated[
        bool, typer.Option("--long", help="Write one row a prediction (respondent_id,item_id,value).")
    ] = False,
    item_file: ItemFile = None,
    in_context: InContext = None,
    preset: Preset = "cv",
    settings: Settings = None,
    blocks: Annotated[
        str | None,
        typer.Option(
            help="Batteries: a table with the columns item_id,block, or 'auto' (by ids, missing answers and "
            "near-duplicate twin answers). [default: as declared, or by ids]"
        ),
    ] = None,
    check: Annotated[
        int | None,
        typer.Option(
            help="How many answered items (respondents) to hide and predict, to measure the gain; 0 for none. "
            "[default: 25, or 0 for tables of over 5 million cells]",
            min=0,
        ),
    ] = None,
    intervals: Annotated[
        float | None,
        typer.Option(
            help="Also write intervals of this level (such as 0.9), and category probabilities for new items, to a "
            "long table NAME.intervals.ENDING beside OUTPUT. Method auto only."
        ),
    ] = None,
    disclosure_column: DisclosureColumn = False,
    n_jobs: Jobs = 1,
    json: Json = False,
) -> None:
    """Predict what people would answer to items that only their twins have answered, and what new people would answer.

    Targets are the items that no human has answered, and the respondents who have answered nothing. Gaps in items that
    some people have answered are not filled, nor are new respondents' answers to new items. Beside OUTPUT, a
    file of the same name ending in .json records method, settings, versions, hashes of the inputs and notes on
    every target.
    """
    from truetwin.calibration import calibrate
    from truetwin.calibration.calibrators import check_preset, methods
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.errors import OutputError, ParameterError
    from truetwin.io import check_output_ending, check_outputs
    from truetwin.report.files.prediction_files import (
        check_sidecar,
        intervals_path,
        sidecar_path,
        write_predictions,
    )

    name = methods.resolve(method)
    check_preset(preset)
    if intervals is not None:
        if name != "auto":
            raise ParameterError(f"--intervals goes with --method auto; the method is {name!r}")
        if not 0 < intervals < 1:
            raise ParameterError(f"--intervals must lie between 0 and 1; got {intervals:g}")
    if not output.name:
        raise OutputError(f"the output must be a file; {str(output)!r} is not the name of one")
    companions = [intervals_path(output)] if intervals is not None else []
    check_outputs([output, sidecar_path(output), *companions], [human, twin, item_file, in_context])
    check_output_ending(output)
    check_sidecar(output)
    by_hand = parameters_of(settings)
    panel = read_panel(human, twin, id_column, item_file, in_context)
    members, found_by = blocks_of(panel, blocks)
    with progress_bar("calibrating") as progress:
        result = calibrate(
            panel,
            name,
            items=ids_of(items, panel.item_ids),
            respondents=ids_of(respondents, panel.respondent_ids),
            preset=preset,
            parameters=_only(by_hand, name),
            blocks=members,
            n_jobs=n_jobs,
            progress=progress,
        )
    inputs = {"human": human, "twin": twin, "item_file": item_file, "in_context": in_context}
    asked = {"preset": preset, "set": list(settings or ()), "round": rounded, "blocks": found_by}
    sidecar = write_predictions(
        result,
        output,
        id_column=id_column or panel.human.id_name,
        rounded=rounded,
        layout="long" if long else "wide",
        inputs={role: path for role, path in inputs.items() if path},
        settings=asked,
        interval=intervals,
        disclosure_column=disclosure_column,
    )
    gain = _gain(panel, result, name, check, n_jobs)
    parameters = {axis: model.get_params() for axis, model in result.calibrators.items()}
    if json:
        described = {
            "method": name,
            "parameters": parameters,
            "output": str(output),
            "sidecar": str(sidecar),
            "gain": gain,
            **asked,
        }
        print_json("calibrate", described, [{"method": name, **record} for record in result.notes()])
    else:
        _print(result, gain, parameters)
        if any("blocks" in model.get_params() for model in result.calibrators.values()):
            note(f"batteries: {found_by}")
        if intervals is not None:
            note(f"{intervals:.0%} intervals: {intervals_path(output)}")
        note(f"predictions: {output}\nhow they were made: {sidecar}")
    note_suspicious(panel)
    if result.unpredicted:
        raise typer.Exit(EXIT_INCOMPLETE)


def _only(by_hand: dict[str, dict[str, object]], name: str) -> dict[str, object] | None:
    from truetwin.calibration.calibrators import methods
    from truetwin.errors import ParameterError

    given = {methods.resolve(method): values for method, values in by_hand.items()}
    for method in given:
        if method != name:
            raise ParameterError(f"--set names method {method!r}, but the method is {name!r}")
    return given.get(name)


def _gain(
    panel: Panel, result: Calibration, name: str, check: int | None, n_jobs: int
) -> list[dict[str, object]]:
    """What the method gains over the twins where the truth is known: answered items (respondents) hidden in turn."""
    from truetwin.cli.output import note, progress_bar
    from truetwin.errors import NotPredictableError
    from truetwin.evaluation import evaluate

    most = check if check is not None else (25 if panel.human_values.size <= CELLS_TO_CHECK else 0)
    if not most:
        if check is None:
            note("a large table: what calibration gains was not measured; --check N measures it on N targets")
        return []
    rows: list[dict[str, object]] = []
    for axis, protocol in _protocols(result):
        model = result.calibrators[axis]
        trivial = "human-respondent-mean" if axis == "item" else "human-item-mean"
        wanted = dict.fromkeys(["twin", trivial, name])
        from truetwin.calibration.calibrators import methods

        models = {n: model if n == name else methods[n].make() for n in wanted}
        blocks = model.get_params().get("blocks") if protocol == "leave-block-out" else None
        try:
            with progress_bar("measuring the gain") as progress:
                scores = evaluate(
                    panel, models, protocol, blocks=blocks, max_folds=most, n_jobs=n_jobs, progress=progress
                )
        except NotPredictableError as error:
            note(f"what calibration gains cannot be measured: {error}")
            continue
        rows.extend({"protocol": protocol, **row} for row in scores.summary("twin"))
    return rows


def _protocols(result: Calibration) -> list[tuple[Axis, str]]:
    """How to hide answered targets so that they face what the new ones face."""
    from truetwin.calibration.auto.auto_calibrator import Auto, situation_of

    found: list[tuple[Axis, str]] = []
    for part in result.parts:
        if part.axis == "respondent":
            found.append(("respondent", "leave-one-respondent-out"))
            continue
        model = Auto(blocks=result.calibrators["item"].get_params().get("blocks"))
        faced = [situation_of(model, result.panel, t, part.target_ids) for t in part.target_ids]
        new = [text.startswith("new battery") for text in faced]
        if not all(new):
            found.append(("item", "leave-one-item-out"))
        if any(new):
            found.append(("item", "leave-block-out"))
    return found


def _print(
    result: Calibration, gain: list[dict[str, object]], parameters: Mapping[Axis, Mapping[str, object]]
) -> None:
    from truetwin.cli.output import GAIN_COLUMNS, Column, note, print_table

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
    if gain:
        gain_columns = [Column("protocol", "hidden in turn"), *GAIN_COLUMNS]
        print_table(gain, gain_columns, title="what calibration gains, where the truth is known")
        for row in gain:
            if row["method"] == result.method and "difference" in row:
                note(_in_words(row))
    for text in _left_alone(result):
        note(text)


def _in_words(row: Mapping[str, Any]) -> str:
    """What the measured gain means."""
    gain, error = row["difference"], row["difference_standard_error"]
    figures = f"{row['protocol']}: {gain:+.3f}, standard error {error:.3f}, over {row['n_paired']} targets"
    if row["protocol"] == "leave-block-out":
        figures = f"for new batteries, whole batteries hidden: {figures}"
    if error != error or abs(gain) <= 2 * error:
        return f"calibration shows no clear gain over the twins ({figures}). {ELSEWHERE}"
    if gain > 0:
        return f"calibration gains over the twins ({figures})"
    return f"calibration does harm here ({figures}). {ELSEWHERE}"


def _left_alone(result: Calibration) -> list[str]:
    """What a user might expect to be predicted and is not, and scales that limit predictions on thin grounds."""
    import numpy as np

    panel = result.panel
    texts = []
    missing = np.isnan(panel.human_values) & np.isfinite(panel.twin_values)
    new_items = [panel.item_ids.index(i) for i in panel.new_items]
    new_rows = [panel.respondent_ids.index(r) for r in panel.new_respondents]
    corner = int((missing & np.isnan(result.grid))[np.ix_(new_rows, new_items)].sum())
    missing[:, new_items], missing[new_rows, :] = False, False
    gaps = int(missing.sum())
    if gaps:
        texts.append(f"{gaps} gaps in items that other people have answered were left as they are")
    if corner:
        texts.append(
            f"{corner} answers of new respondents to new items were not predicted: they have no donor"
        )
    limited = [r for r in result.notes() if r.get("scale_inferred") and r.get("n_clipped")]
    if limited:
        worst = max(limited, key=lambda r: r["n_clipped"])
        texts.append(
            f"scales were inferred from the answers and limit predictions of {len(limited)} items, most of all "
            f"{worst['target']!r} ({worst['scale']}: {worst['n_clipped']} predictions); if the real scale is wider, "
            f"declare it in an --item-file with the columns item_id,low,high"
        )
    return texts

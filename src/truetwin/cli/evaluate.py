"""`truetwin evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truetwin.cli.shared_options import (
    Human,
    IdColumn,
    InContext,
    ItemFile,
    Jobs,
    Json,
    Preset,
    Settings,
    Twin,
    names_of,
    note_suspicious,
    parameters_of,
    read_panel,
)

if TYPE_CHECKING:
    from truetwin.evaluation import Evaluation

DEFAULT_METHODS = {
    "item": "twin,human-respondent-mean,ridge,elastic-net,synthetic-control,auto",
    "respondent": "twin,human-item-mean,ridge,elastic-net,synthetic-control,auto",
}


def evaluate_command(
    human: Human,
    twin: Twin,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Methods, separated by commas. [default: twin, the trivial mean, ridge, elastic-net, "
            "synthetic-control, auto]"
        ),
    ] = None,
    protocol: Annotated[
        str, typer.Option(help="leave-one-item-out, leave-one-respondent-out or leave-block-out.")
    ] = "leave-one-item-out",
    metric: Annotated[
        str,
        typer.Option(
            help="Scores, separated by commas: pearson, centred-pearson, spearman, mae, rmse, bias, variance-ratio."
        ),
    ] = "pearson",
    baseline: Annotated[str, typer.Option(help="Method that paired differences are against.")] = "twin",
    blocks: Annotated[
        str | None,
        typer.Option(
            help="For leave-block-out: a table with the columns item_id,block, or 'auto' (by ids, missing answers and "
            "near-duplicate twin answers). [default: as declared, or by ids]"
        ),
    ] = None,
    id_column: IdColumn = None,
    item_file: ItemFile = None,
    in_context: InContext = None,
    preset: Preset = "cv",
    settings: Settings = None,
    per_target: Annotated[
        Path | None, typer.Option("--per-target", help="Also write the score of every target to this file.")
    ] = None,
    n_jobs: Jobs = 1,
    json: Json = False,
) -> None:
    """Hide answers that people gave, predict them, and compare methods on what was hidden."""
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.errors import ParameterError
    from truetwin.evaluation import evaluate
    from truetwin.evaluation.hiding_protocols import protocols
    from truetwin.evaluation.target_metrics import metrics as known_metrics
    from truetwin.io import check_output_ending, check_outputs, read_blocks, write_table

    axis = protocols[protocol].axis
    wanted = names_of(DEFAULT_METHODS[axis] if methods is None else methods, "method")
    scored = names_of(metric, "metric")
    for name in scored:
        known_metrics.resolve(name)
    if blocks is not None and protocol != "leave-block-out":
        raise ParameterError(f"--blocks goes with --protocol leave-block-out; the protocol is {protocol}")
    if per_target:
        check_output_ending(per_target)
        check_outputs([per_target], [human, twin, item_file, in_context, Path(blocks) if blocks else None])
    panel = read_panel(human, twin, id_column, item_file, in_context)
    note_suspicious(panel)
    members = read_blocks(Path(blocks)) if blocks not in (None, "auto") else None
    with progress_bar("evaluating") as progress:
        result = evaluate(
            panel,
            wanted,
            protocol,
            metric=scored,
            baseline=baseline,
            blocks="auto" if blocks == "auto" else members,
            preset=preset,
            parameters=parameters_of(settings),
            n_jobs=n_jobs,
            progress=progress,
        )
    if per_target:
        import pyarrow as pa

        write_table(pa.Table.from_pylist(result.per_target()), per_target)
        note(f"scores of every target: {per_target}")
    if json:
        print_json("evaluate", result.settings, result.summary())
    else:
        print_evaluation(result, title=f"{protocol}; differences are paired, against {baseline!r}")
        if protocol == "leave-block-out":
            note(f"hidden together: {result.settings['n_folds']} blocks; {result.settings['blocks']}")


def print_evaluation(result: Evaluation, *, title: str) -> None:
    """The table of an evaluation, and the reasons behind what could not be scored."""
    from truetwin.cli.output import Column, note, print_table

    columns = [
        Column("method", "method"),
        Column("metric", "metric"),
        Column("mean", "mean", ".4f"),
        Column("standard_error", "SE", ".4f"),
        Column("n_scored", "n", "d"),
        Column("n_unscored", "unscored", "d"),
        Column("difference", "difference", "+.4f"),
        Column("difference_standard_error", "SE", ".4f"),
        Column("n_paired", "n paired", "d", optional=True),
        Column("seconds", "seconds", ".1f", optional=True),
    ]
    rows = result.summary()
    print_table(rows, columns, title=title)
    if any(row.get("n_paired", row["n_scored"]) < row["n_scored"] for row in rows):
        note("a difference is over the targets that both methods have a score for (n paired)")
    for method, reasons in result.reasons.items():
        counts: dict[str, list[str]] = {}
        for target, why in reasons.items():
            counts.setdefault(why, []).append(target)
        for why, targets in list(counts.items())[:5]:
            more = f", ... ({len(targets)} in all)" if len(targets) > 3 else ""
            note(f"{method}: not predicted: {', '.join(targets[:3])}{more}: {why}")
    for method, stopped in result.unconverged.items():
        if stopped:
            note(
                f"{method}: the solver stopped before it met its tolerance for {len(stopped)} targets (such as "
                f"{stopped[0]!r})"
            )
    for (method, metric), scores in result.scores.items():
        undefined = [
            target
            for target, score in zip(result.target_ids, scores.tolist(), strict=True)
            if score != score and target not in result.reasons[method]
        ]
        if undefined:
            note(
                f"{method}: {metric} is undefined for {len(undefined)} targets with predictions (such as "
                f"{undefined[0]!r}): constant or too few values, or not defined for this kind of target"
            )

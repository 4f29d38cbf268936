"""Verb `truetwin evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.cli.panel_inputs import blocks_given, panel_of
from truetwin.cli.verbs import verb
from truetwin.settings.evaluate_settings import EvaluateCommand

if TYPE_CHECKING:
    from truetwin.evaluation import Evaluation


@verb(EvaluateCommand)
def evaluate_command(settings: EvaluateCommand) -> None:
    """Hide answers that people gave, predict them, and compare methods on what was hidden."""
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.evaluation import evaluate
    from truetwin.evaluation.comparison import usual_methods
    from truetwin.evaluation.hiding_protocols import protocols
    from truetwin.evaluation.target_metrics import metrics
    from truetwin.io import write_table

    for name in settings.metric:
        metrics.resolve(name)
    _check_output(settings)
    panel = panel_of(settings)
    with progress_bar("evaluating") as progress:
        result = evaluate(
            panel,
            settings.methods or usual_methods(protocols[settings.protocol].axis),
            settings.protocol,
            metric=settings.metric,
            baseline=settings.baseline,
            blocks=blocks_given(settings.blocks),
            preset=settings.preset,
            parameters=settings.parameters,
            max_folds=settings.max_folds,
            n_jobs=settings.n_jobs,
            progress=progress,
        )
    if settings.per_target:
        import pyarrow as pa

        write_table(pa.Table.from_pylist(result.per_target()), settings.per_target)
        note(f"scores of every target: {settings.per_target}")
    if settings.as_json:
        print_json("evaluate", result.settings, result.summary())
        return
    print_evaluation(
        result, title=f"{settings.protocol}; differences are paired, against {settings.baseline!r}"
    )
    if settings.protocol == "leave-block-out":
        note(f"hidden together: {result.settings['n_folds']} blocks; {result.settings['blocks']}")


def _check_output(settings: EvaluateCommand) -> None:
    """Check before any work that the scores can be written."""
    from truetwin.io import check_output_ending, check_outputs

    if settings.per_target:
        check_output_ending(settings.per_target)
        blocks = Path(settings.blocks) if settings.blocks else None
        inputs = [settings.human, settings.twin, settings.item_file, settings.in_context, blocks]
        check_outputs([settings.per_target], inputs)


def print_evaluation(result: Evaluation, *, title: str) -> None:
    """Print the table of an evaluation, and the reasons why some targets could not be scored."""
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

"""Score estimates, for `truetwin evaluate --estimates`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.cli.panel_inputs import blocks_given, panel_of, weights_of, weights_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truetwin.settings.evaluate_settings import EvaluateCommand


def evaluate_estimates(settings: EvaluateCommand) -> None:
    """Score estimates of shares and means, by group and with samples as asked."""
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.data.people_columns import names_among
    from truetwin.errors import NotPredictableError
    from truetwin.evaluation.estimate_scores import score_estimates, score_summary

    panel = panel_of(settings)
    with progress_bar("evaluating estimates") as progress:
        scores = score_estimates(
            panel,
            settings.protocol,
            blocks=blocks_given(settings.blocks),
            weights=weights_of(settings, panel),
            by=names_among(settings.by, tuple(panel.people.columns)) if panel.people else (),
            asked=settings.asked,
            min_cell=settings.min_cell,
            progress=progress,
        )
    if not scores:
        raise NotPredictableError(
            "no item can be hidden and estimated: that needs items that people and their twins have answered, and "
            "others to learn from"
        )
    rows = score_summary(scores)
    if settings.per_target:
        from dataclasses import asdict

        import pyarrow as pa

        from truetwin.io import write_table

        write_table(pa.Table.from_pylist([asdict(each) for each in scores]), settings.per_target)
        note(f"scores of every target: {settings.per_target}")
    if settings.as_json:
        asked = {"protocol": settings.protocol, "by": list(settings.by), "asked": list(settings.asked)}
        print_json("evaluate", {**asked, **weights_record(settings)}, rows)
        return
    _print(settings.protocol, rows)


def _print(protocol: str, rows: Sequence[Mapping[str, Any]]) -> None:
    from truetwin.cli.output import Column, note, print_table

    columns = [
        Column("what", "known", foldable=True),
        Column("source", "source", foldable=True),
        Column("tv", "TV", ".3f"),
        Column("rmse", "RMSE", ".3f"),
        Column("coverage", "holds", ".0%"),
        Column("coverage_by_battery", "by battery", ".0%"),
        Column("width", "width", ".2f", optional=True),
    ]
    print_table(rows, columns, title=f"estimates of {rows[0]['n_items']} hidden items ({protocol})")
    note(
        "TV: total variation distance of the shares. RMSE, width: of the mean and its 90% interval, in sd of people's "
        "answers. holds: how often the interval does, over items and over batteries."
    )

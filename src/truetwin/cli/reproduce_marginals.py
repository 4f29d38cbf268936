"""Carry out `truetwin reproduce table-6` and `truetwin reproduce appendix-marginals`."""

from __future__ import annotations

from pathlib import Path

from truetwin.settings.program_settings import ReproduceCommand


def reproduce_marginal_table(settings: ReproduceCommand) -> None:
    """Recompute the table, print it, and draw figures 8 and 9 if the user asks for figures."""
    from truetwin.cli.output import Column, note, print_json, print_table, progress_bar
    from truetwin.datasets.marginal_sources import load_marginal_dataset
    from truetwin.errors import OutputError
    from truetwin.reproduction.marginal_tables import CLIP_NOTE, reproduce_marginals

    table, folder, figures = settings.table, settings.folder, settings.figures
    name = settings.dataset or "movielens"
    if figures is not None and not figures.is_dir():
        raise OutputError(f"--figures must be a folder; {figures} is not a folder. Create it first.")
    data = (
        load_marginal_dataset(name, folder, keep_off_scale=True)
        if folder or name not in ("movielens", "opinionqa")
        else None
    )
    with progress_bar(table) as progress:
        rows = list(
            reproduce_marginals(table, name, data=data, trained_on=settings.trained_on, progress=progress)
        )
    if figures is not None:
        note(f"figures and their data: {', '.join(_draw(name, data, figures))}")
    if settings.as_json:
        print_json(
            f"reproduce {table}",
            {"table": table, "dataset": name, "split": "seed 42, 80/20", "note": CLIP_NOTE},
            rows,
        )
        return
    columns = [
        Column("trained_on", "trained on"),
        Column("variant", "variant"),
        Column("metric", "metric"),
        Column("mean", "mean", ".4f"),
        Column("standard_error", "SE", ".4f"),
        Column("n_scored", "n", "d", optional=True),
        Column("paper", "paper", ".3f"),
        Column("difference", "difference", "+.4f"),
        Column("seconds", "seconds", ".1f", optional=True),
    ]
    print_table(rows, columns, title=f"{table}, {name}: test items of the paper's split")
    note(CLIP_NOTE)


def _draw(name: str, data: object, folder: Path) -> list[str]:
    import pyarrow as pa

    from truetwin.io import write_table
    from truetwin.report.figures.marginal_figures import example_item_figure, variance_ratio_figure
    from truetwin.report.figures.theme import save_figures
    from truetwin.reproduction.marginal_examples import figure_data

    found = figure_data(name, data)  # type: ignore[arg-type]
    written = []
    for label, figure, rows in (
        ("figure-8", example_item_figure(found.example), found.example.rows()),
        ("figure-9", variance_ratio_figure(found.ratios), found.ratios.rows()),
    ):
        picture, table = folder / f"{label}-{name}.png", folder / f"{label}-{name}.csv"
        save_figures({picture: figure})
        write_table(pa.Table.from_pylist(rows), table)
        written += [str(picture), str(table)]
    return written

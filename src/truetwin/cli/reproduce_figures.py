"""Carry out `truetwin reproduce figure-N` and `voice-figure-3`."""

from __future__ import annotations

from pathlib import Path

from truetwin.cli.output import print_line
from truetwin.settings.program_settings import ReproduceCommand


def reproduce_figure(settings: ReproduceCommand) -> None:
    """Recompute a figure and write it with its data."""
    import pyarrow as pa

    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.io import make_folder, write_table
    from truetwin.report.figures.paper_figures import PAPER_FIGURES, VOICE_FIGURE, voice_figure
    from truetwin.report.figures.theme import save_figures

    name, folder = settings.table, settings.figures or Path("figures")
    spec = (
        voice_figure(settings.answers, settings.annotations) if name == VOICE_FIGURE else PAPER_FIGURES[name]
    )
    make_folder(folder, "--figures")
    with progress_bar(name) as progress:
        figure, rows = spec.make(progress)
    paths = [folder / f"{name}.{each}" for each in settings.figure_format]
    save_figures(dict.fromkeys(paths, figure), dpi=200)
    table = folder / f"{name}.csv"
    write_table(pa.Table.from_pylist(rows), table)
    if settings.as_json:
        print_json(
            f"reproduce {name}", {"title": spec.title, "files": [str(p) for p in (*paths, table)]}, rows
        )
        return
    note(spec.title)
    for path in (*paths, table):
        print_line(path)

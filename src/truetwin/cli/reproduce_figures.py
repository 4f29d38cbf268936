"""`truetwin reproduce figure-N` and `voice-figure-3`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from truetwin.cli.shared_options import names_of

FORMATS = ("png", "svg", "pdf")


def reproduce_figure_command(
    name: str, folder: Path, formats: str, json: bool, answers: Sequence[Path], annotations: Path | None
) -> None:
    """Compute a figure anew and write it with its data."""
    import pyarrow as pa

    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.errors import ParameterError
    from truetwin.io import make_folder, write_table
    from truetwin.report.figures.paper_figures import PAPER_FIGURES, VOICE_FIGURE, voice_figure
    from truetwin.report.figures.theme import save_figures

    wanted = names_of(formats, "format")
    for each in wanted:
        if each not in FORMATS:
            raise ParameterError(f"--figure-format must name some of {', '.join(FORMATS)}; got {each!r}")
    spec = voice_figure(answers, annotations) if name == VOICE_FIGURE else PAPER_FIGURES[name]
    make_folder(folder, "--figures")
    with progress_bar(name) as progress:
        figure, rows = spec.make(progress)
    paths = [folder / f"{name}.{each}" for each in wanted]
    save_figures(dict.fromkeys(paths, figure), dpi=200)
    table = folder / f"{name}.csv"
    write_table(pa.Table.from_pylist(rows), table)
    if json:
        print_json(
            f"reproduce {name}", {"title": spec.title, "files": [str(p) for p in (*paths, table)]}, rows
        )
        return
    note(spec.title)
    for path in (*paths, table):
        print(path)

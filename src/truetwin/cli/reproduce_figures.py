"""`truetwin reproduce figure-N` and `voice-figure-3`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from truetwin.cli.options import names_of

FORMATS = ("png", "svg", "pdf")
_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def reproduce_figure_command(
    name: str, folder: Path, formats: str, json: bool, answers: Sequence[Path], annotations: Path | None
) -> None:
    """Compute a figure anew and write it with its data."""
    import pyarrow as pa

    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.errors import OutputError, ParameterError
    from truetwin.io import replacing, write_table
    from truetwin.report.paper_figures import PAPER_FIGURES, VOICE_FIGURE, voice_figure

    wanted = names_of(formats, "format")
    for each in wanted:
        if each not in FORMATS:
            raise ParameterError(f"--figure-format must name some of {', '.join(FORMATS)}; got {each!r}")
    spec = voice_figure(answers, annotations) if name == VOICE_FIGURE else PAPER_FIGURES[name]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"--figures must be a folder; {folder} cannot be made ({error.strerror})"
        ) from error
    with progress_bar(name) as progress:
        figure, rows = spec.make(progress)
    paths = [folder / f"{name}.{each}" for each in wanted]
    with replacing(*paths) as drafts:
        for draft, each in zip(drafts, wanted, strict=True):
            figure.savefig(draft, format=each, dpi=200, metadata=_UNDATED.get(each))
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

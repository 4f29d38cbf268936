"""`truetwin reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from truetwin.cli.shared_options import Jobs, Json, names_of

#: Which options go with which kind of table or figure; each of them is None unless it is given.
GOES_WITH = {
    "individual": {"--construction", "--dataset", "--methods"},
    "marginals": {"--dataset", "--trained-on", "--folder", "--figures"},
    "figure": {"--figures"},
    "voice": {"--answers"},
    "voice-figure": {"--answers", "--annotations", "--figures"},
}


def reproduce_command(
    table: Annotated[
        str,
        typer.Argument(
            help="Of paper A: table-2, table-4, table-5, table-6, appendix-marginals, figure-3 to figure-10; of "
            "paper B: voice-table-3, voice-table-5, voice-figure-3."
        ),
    ],
    construction: Annotated[
        str | None, typer.Option(help="Only this persona construction (`truetwin datasets list --json`).")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    methods: Annotated[str | None, typer.Option(help="Only these methods, separated by commas.")] = None,
    trained_on: Annotated[
        str | None,
        typer.Option("--trained-on", help="appendix-marginals: only these objectives, separated by commas."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="table-6, appendix-marginals: read the dataset's files from this folder."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            help="Write figures and their data to this folder. [default: figures, for a figure; else none]"
        ),
    ] = None,
    figure_format: Annotated[
        str, typer.Option("--figure-format", help="Of figures: png, svg, pdf, separated by commas.")
    ] = "png",
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            help="voice-*: stored answers; may be repeated. [default: the published ones on this machine]"
        ),
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="voice-figure-3: which capabilities the items test (JSONL).")
    ] = None,
    n_jobs: Jobs = 1,
    json: Json = False,
) -> None:
    """Compute a table of the papers anew, every cell beside the printed figure; or a figure, with its data."""
    from truetwin.errors import ParameterError

    kind = _kind(table)
    given = {
        "--construction": construction,
        "--dataset": dataset,
        "--methods": methods,
        "--trained-on": trained_on,
        "--folder": folder,
        "--figures": figures,
        "--answers": answers,
        "--annotations": annotations,
    }
    for option, value in given.items():
        if value is not None and option not in GOES_WITH[kind]:
            raise ParameterError(f"{option} does not go with {table}")
    if kind == "individual":
        from truetwin.cli.reproduce_individual import reproduce_individual_command

        reproduce_individual_command(table, construction, dataset, methods, n_jobs, json)
    elif kind == "marginals":
        from truetwin.cli.reproduce_marginals import reproduce_marginals_command

        wanted = names_of(trained_on, "objective") if trained_on else None
        reproduce_marginals_command(table, dataset, wanted, folder, figures, json)
    elif kind == "voice":
        from truetwin.cli.reproduce_voice import reproduce_voice_command

        reproduce_voice_command(table, answers or (), json)
    else:
        from truetwin.cli.reproduce_figures import reproduce_figure_command

        paths = (answers or (), annotations)
        reproduce_figure_command(table, figures or Path("figures"), figure_format, json, *paths)


def _kind(table: str) -> str:
    from truetwin.errors import UnknownNameError
    from truetwin.registry import closest
    from truetwin.report.figures.paper_figures import PAPER_FIGURES, VOICE_FIGURE
    from truetwin.reproduction import TABLES
    from truetwin.reproduction.marginal_tables import MARGINAL_TABLES
    from truetwin.reproduction.voice_tables import VOICE_TABLES

    kinds = {
        "individual": TABLES,
        "marginals": MARGINAL_TABLES,
        "figure": PAPER_FIGURES,
        "voice": VOICE_TABLES,
        "voice-figure": (VOICE_FIGURE,),
    }
    for kind, names in kinds.items():
        if table in names:
            return kind
    known = [name for names in kinds.values() for name in names]
    raise UnknownNameError(
        f"no table or figure named {table!r}.{closest(table, known)} There are {', '.join(known)}."
    )

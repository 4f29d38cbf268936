"""`truetwin reproduce`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from truetwin.cli.options import Jobs, Json, names_of


def reproduce_command(
    table: Annotated[
        str,
        typer.Argument(
            help="table-2, table-4, table-5, table-6 or appendix-marginals of paper A; voice-table-3 or "
            "voice-table-5 of paper B."
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
        typer.Option(help="table-6, appendix-marginals: write figures 8 and 9 and their data here."),
    ] = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option(
            help="voice tables: stored answers; may be repeated. [default: the published ones on this machine]"
        ),
    ] = None,
    n_jobs: Jobs = 1,
    json: Json = False,
) -> None:
    """Compute a table of the paper anew, every cell beside the printed figure."""
    from truetwin.cli.output import Column, note, print_json, print_table, progress_bar
    from truetwin.datasets import twin_2k_500
    from truetwin.errors import UnknownNameError
    from truetwin.registry import closest
    from truetwin.reproduction import TABLES, reproduce_table
    from truetwin.reproduction.marginals import MARGINAL_TABLES
    from truetwin.reproduction.voice import VOICE_TABLES

    if table in VOICE_TABLES:
        _refuse(
            table,
            {
                **{"--construction": construction, "--dataset": dataset, "--methods": methods},
                **{"--trained-on": trained_on, "--folder": folder, "--figures": figures},
            },
        )
        from truetwin.cli.reproduce_voice import reproduce_voice_command

        reproduce_voice_command(table, answers or (), json)
        return
    foreign = (
        {"--construction": construction, "--methods": methods}
        if table in MARGINAL_TABLES
        else {"--trained-on": trained_on, "--folder": folder, "--figures": figures}
    )
    _refuse(table, {**foreign, "--answers": answers})
    if table in MARGINAL_TABLES:
        from truetwin.cli.reproduce_marginals import reproduce_marginals_command

        wanted = names_of(trained_on, "objective") if trained_on else None
        reproduce_marginals_command(table, dataset, wanted, folder, figures, json)
        return
    if table not in TABLES:
        known = [*TABLES, *MARGINAL_TABLES, *VOICE_TABLES]
        raise UnknownNameError(
            f"no table named {table!r}.{closest(table, known)} Tables are {', '.join(known)}."
        )
    chosen = names_of(methods, "method") if methods else None
    with progress_bar(table) as progress:
        cells = reproduce_table(
            table, construction=construction, dataset=dataset, chosen=chosen, n_jobs=n_jobs, progress=progress
        )
        rows = list(cells)
    unavailable = []
    if table == "table-4" and construction is None:
        unavailable = [c for c in twin_2k_500.CONSTRUCTIONS if c not in {row["construction"] for row in rows}]
        if unavailable:
            note(f"not in the data mirror, left out: {', '.join(unavailable)}")
    if json:
        settings = {
            "table": table,
            "protocol": TABLES[table].protocol,
            "metric": "pearson-paper",
            "unavailable": unavailable or None,
        }
        print_json(f"reproduce {table}", {k: v for k, v in settings.items() if v is not None}, rows)
        return
    columns = [
        Column("dataset", "dataset", optional=True),
        Column("construction", "construction"),
        Column("method", "method"),
        Column("mean", "mean", ".4f"),
        Column("standard_error", "SE", ".4f"),
        Column("n_scored", "n", "d"),
        Column("n_unscored", "unscored", "d", optional=True),
        Column("paper", "paper", ".3f"),
        Column("difference", "difference", "+.4f"),
        Column("seconds", "seconds", ".1f", optional=True),
    ]
    print_table(
        rows, columns, title=f"{table}: mean correlation by the paper's rule ({TABLES[table].protocol})"
    )
    for name in dict.fromkeys((row["dataset"], row["construction"]) for row in rows):
        shared = next(r["shared_seconds"] for r in rows if (r["dataset"], r["construction"]) == name)
        note(f"{name[1] or name[0]}: {shared:.1f} s of preparation shared by the methods come on top")


def _refuse(table: str, options: Mapping[str, object]) -> None:
    """Refuse options that have a value but do not go with the table."""
    from truetwin.errors import ParameterError

    for option, value in options.items():
        if value is not None:
            raise ParameterError(f"{option} does not go with {table}")

"""`truetwin reproduce table-2`, `table-4` and `table-5`."""

from __future__ import annotations

from truetwin.cli.shared_options import names_of


def reproduce_individual_command(
    table: str, construction: str | None, dataset: str | None, methods: str | None, n_jobs: int, json: bool
) -> None:
    """Compute the table and print every cell beside the paper's."""
    from truetwin.cli.output import Column, note, print_json, print_table, progress_bar
    from truetwin.datasets import twin_2k_500
    from truetwin.reproduction import TABLES, reproduce_table

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

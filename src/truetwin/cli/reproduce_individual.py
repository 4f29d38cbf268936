"""Carry out `truetwin reproduce table-2`, `table-4` and `table-5`."""

from __future__ import annotations

from truetwin.settings.program_settings import ReproduceCommand


def reproduce_individual(settings: ReproduceCommand) -> None:
    """Recompute the table and print each cell beside the published value."""
    from truetwin.cli.output import Column, note, print_json, print_table, progress_bar
    from truetwin.datasets import twin_2k_500
    from truetwin.reproduction import TABLES, reproduce_table

    table = settings.table
    with progress_bar(table) as progress:
        cells = reproduce_table(
            table,
            construction=settings.construction,
            dataset=settings.dataset,
            chosen=settings.methods,
            n_jobs=settings.n_jobs,
            progress=progress,
        )
        rows = list(cells)
    unavailable = []
    if table == "table-4" and settings.construction is None:
        unavailable = [c for c in twin_2k_500.CONSTRUCTIONS if c not in {row["construction"] for row in rows}]
        if unavailable:
            note(f"not in the data mirror, left out: {', '.join(unavailable)}")
    if settings.as_json:
        described = {
            "table": table,
            "protocol": TABLES[table].protocol,
            "metric": "pearson-paper",
            "unavailable": unavailable or None,
        }
        print_json(f"reproduce {table}", {k: v for k, v in described.items() if v is not None}, rows)
        return
    columns = [
        Column("dataset", "dataset", optional=True),
        Column("construction", "construction"),
        Column("method", "method"),
        Column("mean", "mean", ".4f"),
        Column("standard_error", "SE", ".4f"),
        Column("fisher_mean", "by Fisher's z", ".4f", optional=True),
        Column("n_scored", "n", "d"),
        Column("n_unscored", "unscored", "d", optional=True),
        Column("paper", "paper", ".3f"),
        Column("difference", "difference", "+.4f"),
        Column("gain_over_twin", "over zero-shot %" if table == "table-2" else "over baseline %", "+.1f"),
        Column("paper_gain_over_twin", "in paper %", "+.1f", optional=True),
        Column("gain_over_in_context", "over in-context %", "+.1f"),
        Column("paper_gain_over_in_context", "in paper %", "+.1f", optional=True),
        Column("best_shown", "best"),
        Column("seconds", "seconds", ".1f", optional=True),
    ]
    rows = [{**row, "best_shown": _best(row)} for row in rows]
    print_table(
        rows, columns, title=f"{table}: mean correlation by the paper's rule ({TABLES[table].protocol})"
    )
    for name in dict.fromkeys((row["dataset"], row["construction"]) for row in rows):
        shared = next(r["shared_seconds"] for r in rows if (r["dataset"], r["construction"]) == name)
        note(f"{name[1] or name[0]}: {shared:.1f} s of preparation shared by the methods come on top")


def _best(row: dict[str, object]) -> str:
    if row["best"]:
        return "best, also in paper" if row["paper_best"] else "best"
    return "best in paper" if row["paper_best"] else ""

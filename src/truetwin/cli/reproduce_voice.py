"""Carry out `truetwin reproduce voice-table-3` and `truetwin reproduce voice-table-5`."""

from __future__ import annotations

from truetwin.settings.program_settings import ReproduceCommand


def reproduce_voice_table(settings: ReproduceCommand) -> None:
    """Recompute the table from stored answers and print it beside the published one."""
    from truetwin.cli.output import Column, note, print_json, print_table, progress_bar
    from truetwin.reproduction.voice_tables import METEOR_NOTE, cells_without_answers, reproduce_voice

    table = settings.table
    with progress_bar(table) as progress:
        rows = reproduce_voice(table, settings.answers, progress=progress)
    lacking = cells_without_answers(table, rows)
    if settings.as_json:
        described = {"table": table, "unit": "percent; scores 1 to 5", "without_answers": lacking}
        print_json(f"reproduce {table}", described, rows)
        return
    accuracy = [
        Column("accuracy_answered", "answered only", ".2f"),
        Column("accuracy_all", "all", ".2f"),
        Column("mean_score", "mean score", ".3f"),
    ]
    columns = [
        Column("model", "model"),
        Column("dimension", "dimension"),
        Column("metric", "metric"),
        Column("protocol", "protocol", optional=True),
        Column("n", "n", "d"),
        Column("n_answered", "answered", "d"),
        *(accuracy if table == "voice-table-3" else [Column("mean", "mean", ".2f")]),
        Column("paper", "paper", ".2f"),
        Column("difference", "difference", "+.2f"),
    ]
    print_table(rows, columns, title=f"{table}: stored answers beside the paper's figures, in percent")
    for row in rows:
        if "unavailable" in row:
            note(f"{row['metric']}: {row['unavailable']}")
    if any(row["metric"] == "meteor" for row in rows):
        note(METEOR_NOTE)
    if lacking:
        note(f"{len(lacking)} cells of the paper's table have no stored answers here, such as {lacking[0]}")

"""Carry out `truetwin reproduce table-7` and `truetwin reproduce table-8`."""

from __future__ import annotations

from truetwin.settings.program_settings import ReproduceCommand


def reproduce_hyperparameter_table(settings: ReproduceCommand) -> None:
    """Print the settings of each method in a preset beside the published ones."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.reproduction.hyperparameters import reproduce_hyperparameters

    rows = list(reproduce_hyperparameters(settings.table))
    if settings.as_json:
        print_json(f"reproduce {settings.table}", {"table": settings.table}, rows)
        return
    columns = [
        Column("predicts", "predicts"),
        Column("method", "method"),
        Column("setting", "setting"),
        Column("ours", "preset here"),
        Column("paper", "paper"),
        Column("agrees", "agrees"),
    ]
    shown = [
        {
            **row,
            **{who: _text(row[who]) for who in ("ours", "paper")},
            "agrees": "yes" if row["agrees"] else "no",
        }
        for row in rows
    ]
    print_table(shown, columns, title=f"{settings.table}: hyperparameters for {rows[0]['dataset']}")
    note(f"`--preset {rows[0]['dataset']}` uses them; the paper chose them on the columns that it scores")


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)

"""Carry out `truetwin reproduce voice-table-2` to `voice-table-6`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.settings.program_settings import ReproduceCommand


def reproduce_voice_table(settings: ReproduceCommand) -> None:
    """Recompute table 3 or 5 from stored answers and print it beside the published one."""
    from truetwin.cli.output import Column, note, print_json, print_table, progress_bar
    from truetwin.errors import ParameterError
    from truetwin.reproduction.voice_averages import averages, models_without_average
    from truetwin.reproduction.voice_tables import (
        BERT_NOTE,
        METEOR_NOTE,
        cells_without_answers,
        reproduce_voice,
        why_without_answers,
    )

    table = settings.table
    if settings.bert_model and table != "voice-table-5":
        raise ParameterError(f"--bert-model goes with voice-table-5, not with {table}")
    if settings.bert_layer and not settings.bert_model:
        raise ParameterError("--bert-layer goes with --bert-model")
    with progress_bar(table) as progress:
        rows = reproduce_voice(
            table,
            settings.answers,
            bert_model=settings.bert_model,
            bert_layer=settings.bert_layer,
            progress=progress,
        )
    lacking = cells_without_answers(table, rows)
    reasons = why_without_answers(lacking, given=bool(settings.answers))
    without = models_without_average(table, rows)
    rows += averages(table, rows)
    if settings.as_json:
        described = {
            "table": table,
            "unit": "percent; scores 1 to 5",
            "without_answers": lacking,
            "why_without_answers": reasons,
            "without_average": without,
        }
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
    if any(row["metric"] == "bertscore" for row in rows):
        note(BERT_NOTE)
    for reason, cells in reasons.items():
        some = f"{len(cells)} cells of the paper's table, such as {cells[0]}" if len(cells) > 1 else cells[0]
        note(f"{some}: {reason}")
    if without:
        note(f"no average over dimensions, as no answers were read for some of them: {'; '.join(without)}")


def reproduce_voice_statistics(settings: ReproduceCommand) -> None:
    """Count items, turns and tokens of the published dimensions, and print them beside table 2."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.reproduction.voice_statistics import TOKENS_NOTE, reproduce_statistics

    rows = reproduce_statistics()
    if settings.as_json:
        print_json(f"reproduce {settings.table}", {"table": settings.table, "note": TOKENS_NOTE}, rows)
        return
    columns = [
        Column("dimension", "dimension"),
        Column("statistic", "statistic"),
        Column("value", "here", ".1f"),
        Column("paper", "paper", ".1f"),
        Column("difference", "difference", "+.1f"),
    ]
    print_table(rows, columns, title=f"{settings.table}: published items beside the paper's figures")
    _print_reasons(rows, "dimension")
    note(TOKENS_NOTE)


def reproduce_voice_people(settings: ReproduceCommand) -> int:
    """Compare judges or models with people's labels beside table 4 or 6; 1 if there are no labels."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.reproduction.voice_people import NEEDS, reproduce_people

    rows = reproduce_people(settings.table, settings.key, settings.annotators, settings.answers)
    is_empty = any("unavailable" in row for row in rows)
    if settings.as_json:
        print_json(f"reproduce {settings.table}", {"table": settings.table}, rows)
        return int(is_empty)
    columns = [
        Column("protocol", "protocol"),
        Column("what", "figure"),
        Column("rater", "rater", optional=True),
        Column("value", "here", ".3f"),
        Column("ci_low", "low", ".3f"),
        Column("ci_high", "high", ".3f"),
        Column("n", "n", "d"),
        Column("paper", "paper", ".3f"),
        Column("difference", "difference", "+.3f"),
    ]
    print_table(rows, columns, title=f"{settings.table}: beside people's labels")
    if is_empty:
        note(f"printed figures only: {NEEDS}")
    return int(is_empty)


def _print_reasons(rows: Sequence[Mapping[str, Any]], name: str) -> None:
    from truetwin.cli.output import note

    for key in dict.fromkeys(row[name] for row in rows):
        reason = next((row["unavailable"] for row in rows if row[name] == key and row["unavailable"]), None)
        if reason:
            note(f"{key}: {reason}")

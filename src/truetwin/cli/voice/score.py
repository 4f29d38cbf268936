"""`truetwin voice score`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.cli.options import Json

if TYPE_CHECKING:
    from truetwin.voice.scoreboard import Scoreboard


def score_command(
    files: Annotated[
        list[Path], typer.Argument(help="Stored answers: our own outcomes, or a published layout (JSONL).")
    ],
    items: Annotated[
        str | None,
        typer.Option(help="The items that count, such as a matched subset: JSONL, 'narrative' or 'social'."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="What to call the model (one file). [default: what the file says]")
    ] = None,
    json: Json = False,
) -> int:
    """Score stored answers without any model: both denominators, intervals, baselines, positions, paired tests."""
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.errors import ParameterError
    from truetwin.voice.replay import read_answers
    from truetwin.voice.scoreboard import score_answers
    from truetwin.voice.sources import load_source

    if model and len(files) > 1:
        raise ParameterError(f"--model goes with one file; got {len(files)}")
    wanted = load_source(items).items if items else None
    with progress_bar("scoring") as progress:
        answers = [read_answers(path, model=model) for path in files]
        board = score_answers(answers, items=wanted, progress=progress)
    for line in board.notes:
        note(line)
    if json:
        print_json(
            "voice score",
            {"unit": "percent", "level": 95, "items": items, "notes": list(board.notes)},
            board.rows(),
            comparisons=list(board.comparisons),
        )
    else:
        print_score(board)
    return 1 if any(a.broken_lines for a in answers) else 0


def print_score(board: Scoreboard) -> None:
    """The tables for people: accuracies, positions, marks, comparisons."""
    from truetwin.cli.output import Column, note, print_table

    rows = board.rows()
    judged = [row for row in rows if row.get("accuracy_all") is not None]
    others = [row for row in rows if row.get("accuracy_all") is None]
    who = (
        Column("model", "model", foldable=True),
        Column("dimension", "dimension"),
        Column("protocol", "protocol"),
        Column("judge", "judge", optional=True),
    )
    counts = (
        Column("n", "n", "d"),
        Column("n_answered", "answered", "d"),
        Column("n_malformed", "malformed", "d", optional=True),
        Column("n_failed", "failed", "d"),
        Column("n_unscored", "unscored", "d", optional=True),
        Column("n_missing", "missing", "d"),
    )
    if judged:
        columns = [
            *who,
            *counts,
            Column("accuracy_answered", "answered only", ".2f"),
            Column("accuracy_all", "all", ".2f"),
            Column("interval", "95%"),
            Column("cluster_interval", "by persona", optional=True),
            Column("baseline", "best without persona", foldable=True),
            Column("baseline_accuracy", "its accuracy", ".2f"),
        ]
        shown = [_shown(row) for row in judged]
        print_table(
            shown, columns, title="Accuracy in percent (guessing: 25); 'all' counts failures as wrong"
        )
        _print_positions(shown)
        if not any(row.get("baseline") for row in judged):
            note(
                "the items are not known, so there is no baseline beside the figures; name them with --items"
            )
    if others:
        columns = [
            *who,
            *counts,
            Column("mean_score", "mean score", ".3f"),
            Column("normalised_score", "normalised", ".2f"),
        ]
        print_table(others, columns, title="Written replies and marks (1 to 5)")
    _print_comparisons(board)


def _print_positions(rows: list[dict[str, Any]]) -> None:
    from truetwin.cli.output import Column, print_table

    known = [row for row in rows if "recall_by_position" in row]
    if not known:
        return
    for row in known:
        for name in ("recall", "picked"):
            row |= {f"{name}_{k}": v for k, v in enumerate(row[f"{name}_by_position"])}
    columns = [
        Column("model", "model", foldable=True),
        Column("dimension", "dimension", optional=True),
        *(Column(f"recall_{k}", f"right if {'ABCD'[k]}", ".1f") for k in range(4)),
        *(Column(f"picked_{k}", f"picks {'ABCD'[k]}", ".1f") for k in range(4)),
        Column("flip_rate", "flips", ".1f"),
        Column("vote_accuracy", "vote", ".2f"),
    ]
    print_table(known, columns, title="By place of the option, in percent")


def _print_comparisons(board: Scoreboard) -> None:
    from truetwin.cli.output import Column, print_table

    if not board.comparisons:
        return
    columns = [
        Column("first", "first", foldable=True),
        Column("second", "second", foldable=True),
        Column("dimension", "dimension", optional=True),
        Column("n", "n", "d"),
        Column("difference", "difference", "+.2f"),
        Column("interval", "95% by persona"),
        Column("mcnemar_p", "McNemar p", ".2g"),
        Column("cluster_p", "clustered p", ".2g"),
        Column("cluster_p_holm", "Holm", ".2g", optional=True),
        Column("same_pick", "same pick", ".1f", optional=True),
    ]
    rows = [{**row, "interval": _interval(row, "")} for row in board.comparisons]
    print_table(rows, columns, title="Paired differences in percentage points, failures counted as wrong")


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "interval": _interval(row, ""), "cluster_interval": _interval(row, "cluster_")}


def _interval(row: Mapping[str, Any], prefix: str) -> str | None:
    low, high = row.get(f"{prefix}ci_low"), row.get(f"{prefix}ci_high")
    return None if low is None or high is None else f"{low:.1f} to {high:.1f}"

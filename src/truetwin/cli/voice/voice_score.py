"""`truetwin voice score`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from truetwin.cli.verbs import verb
from truetwin.settings.voice_settings import VoiceScoreCommand

if TYPE_CHECKING:
    from truetwin.cli.output import Column
    from truetwin.voice.scoring.score_table import Scoreboard


@verb(VoiceScoreCommand)
def score_command(settings: VoiceScoreCommand) -> int:
    """Score stored answers without any model: accuracies with intervals, baselines, positions, paired tests."""
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.voice.jobs.asked_scores import score_asked

    with progress_bar("scoring") as progress:
        scored = score_asked(settings, progress=progress)
    board = scored.board
    for line in board.notes:
        note(line)
    if settings.as_json:
        print_json(
            "voice score",
            {"unit": "percent", "level": 95, "items": settings.items, "notes": list(board.notes)},
            board.rows(),
            comparisons=list(board.comparisons),
            text_metrics=scored.texts,
        )
    else:
        print_score(board)
        print_texts(scored.texts)
    if scored.lacks_items:
        note("the items of some replies are not known, so no text metric is given; name them with --items")
    return 1 if scored.is_damaged else 0


def print_score(board: Scoreboard) -> None:
    """Print accuracies, baselines, places, marks and comparisons as tables for people."""
    rows = board.rows()
    judged = [row for row in rows if row.get("accuracy_all") is not None]
    others = [row for row in rows if row.get("accuracy_all") is None]
    who = _who_columns(one_protocol=len({row["protocol"] for row in rows}) == 1)
    if judged:
        _print_accuracies(judged, who)
    if others:
        _print_marks(others, who)
    print_comparisons(board.comparisons)
    _note_counts(rows)


def _who_columns(*, one_protocol: bool) -> list[Column]:
    """Make the columns that say who was asked what, and how it ended."""
    from truetwin.cli.output import Column

    return [
        Column("model", "model", foldable=True),
        Column("dimension", "dimension", optional=True),
        Column("protocol", "protocol", optional=one_protocol),
        Column("judge", "judge", optional=True),
        Column("n", "n", "d"),
        Column("n_answered", "answered", "d"),
        Column("n_malformed", "malformed", "d", optional=True),
        Column("n_failed", "failed", "d", optional=True),
        Column("n_unscored", "unscored", "d", optional=True),
        Column("n_missing", "missing", "d"),
    ]


def _print_accuracies(rows: Sequence[Mapping[str, Any]], who: Sequence[Column]) -> None:
    from truetwin.cli.output import Column, note, print_table

    columns = [
        *who,
        Column("accuracy_answered", "answered %", ".2f"),
        Column("accuracy_all", "all %", ".2f"),
        Column("interval", "95%"),
        Column("cluster_interval", "by persona", optional=True),
        Column("baseline_accuracy", "baseline", ".2f"),
    ]
    shown = [
        {**row, "interval": interval(row, ""), "cluster_interval": interval(row, "cluster_")} for row in rows
    ]
    print_table(shown, columns, title=f"Right answers ({guessing(rows)}), of those answered and of all")
    _print_baselines(rows)
    print_positions([row for row in rows if "recall_by_position" in row])
    chosen = [row for row in rows if row["protocol"] == "choice"]
    if chosen and not any(row.get("baseline") for row in chosen):
        note("the items are not known, so there is no baseline beside the figures; name them with --items")


def _print_marks(rows: Sequence[Mapping[str, Any]], who: Sequence[Column]) -> None:
    from truetwin.cli.output import Column, print_table
    from truetwin.voice.scoring.pillars import PILLAR_COLUMNS

    lost = ("n_malformed", "n_failed", "n_unscored")
    columns = [
        *(column for column in who if column.field not in lost or any(row[column.field] for row in rows)),
        Column("n_imputed", "imputed", "d", optional=True),
        Column("mean_score", "mean score", ".3f"),
        Column("score_0_to_1", "0 to 1", ".3f"),
        Column("interval", "95% by persona"),
        Column("judged_mean_score", "judged only", ".3f", optional=True),
    ]
    shown = [
        {
            **row,
            "interval": interval(row, "normalised_", scale=0.01),
            "judged_mean_score": row.get("judged_mean_score") if row.get("n_imputed") else None,
            "n_imputed": row.get("n_imputed") or None,
        }
        for row in rows
    ]
    print_table(shown, columns, title="Written replies, and marks from 1 to 5")
    judged = [row for row in rows if any(name in row for name in PILLAR_COLUMNS.values())]
    if judged:
        pillars = [Column(name, name, ".1f") for name in PILLAR_COLUMNS.values()]
        whose = [column for column in who if not column.field.startswith("n")]
        print_table(
            judged, [*whose, *pillars], title="What the marks rest on: the judge's verdicts, in percent"
        )


def _note_counts(rows: Sequence[Mapping[str, Any]]) -> None:
    """Say what was not answered in words; on a narrow terminal the columns that say it are left out."""
    from truetwin.cli.output import note

    for row in rows:
        lost = [
            f"{row[f'n_{name}']} {name}" for name in ("malformed", "failed", "unscored") if row[f"n_{name}"]
        ]
        if lost:
            note(f"{row['model']}, {row['protocol']}: of {row['n']}, {', '.join(lost)}")
        if row.get("n_imputed"):
            note(f"{row['model']}, {row['protocol']}: {imputed_in_words(row)}")


def imputed_in_words(row: Mapping[str, Any]) -> str:
    """Say how many marks no judge gave, and what the mean of the others is."""
    own = row.get("judged_mean_score")
    return (
        f"{row['n_imputed']} of {row['n_scored']} marks are imputed: those replies were cut off, refused or malformed, "
        "no judge saw them, and each counts as the lowest mark; "
        + ("the judge gave no mark" if own is None else f"the mean of the judge's own marks is {own:.3f}")
    )


def print_texts(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print text metrics of written replies, and which of them are not available."""
    from truetwin.cli.output import Column, note, print_table

    shown = [{**row, "interval": interval(row, "")} for row in rows if "unavailable" not in row]
    if shown:
        columns = [
            Column("model", "model", foldable=True),
            Column("dimension", "dimension", optional=True),
            Column("language", "language", optional=True),
            Column("metric", "metric"),
            Column("n", "n", "d"),
            Column("n_failed", "failed", "d", optional=True),
            Column("n_unscored", "unscored", "d", optional=True),
            Column("mean", "mean", ".2f"),
            Column("interval", "95% by persona"),
        ]
        print_table(shown, columns, title="Written replies beside the true ones, in percent")
    for reason in dict.fromkeys(f"{r['metric']}: {r['unavailable']}" for r in rows if "unavailable" in r):
        note(reason)


def _print_baselines(rows: Sequence[Mapping[str, Any]]) -> None:
    from truetwin.cli.output import Column, print_table

    shown = [
        {**row, "interval": interval(row, "baseline_"), "over": _over(row)}
        for row in rows
        if row.get("baseline")
    ]
    if shown:
        columns = [
            Column("model", "model", foldable=True),
            Column("dimension", "dimension", optional=True),
            Column("baseline", "best guess"),
            Column("baseline_accuracy", "right %", ".2f"),
            Column("interval", "95%"),
            Column("over", "model over it, by persona"),
        ]
        print_table(shown, columns, title="The best guess without persona, on the same items")


def print_positions(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print recall and picks by place, from rows that hold both as lists."""
    from truetwin.cli.output import Column, print_table
    from truetwin.voice.items.voice_items import LETTERS

    most = max((len(row["recall_by_position"]) for row in rows), default=0)
    for name, title, more in (
        ("recall", "Right answers by place of the right option, in percent", ()),
        (
            "picked",
            "Options picked by place, in percent",
            (Column("flip_rate", "flips %", ".1f"), Column("vote_accuracy", "right by vote %", ".2f")),
        ),
    ):
        shown = [{**row, **dict(zip(LETTERS, row[f"{name}_by_position"], strict=False))} for row in rows]
        columns = [
            Column("model", "model", foldable=True),
            Column("dimension", "dimension", optional=True),
            Column("protocol", "protocol", optional=len({row.get("protocol") for row in rows}) == 1),
            *(Column(letter, letter, ".1f") for letter in LETTERS[:most]),
            *more,
        ]
        if shown:
            print_table(shown, columns, title=title)


def print_comparisons(comparisons: Sequence[Mapping[str, Any]]) -> None:
    """Print paired tests of two models on the same items."""
    from truetwin.cli.output import Column, print_table

    if not comparisons:
        return
    columns = [
        Column("first", "first", foldable=True),
        Column("second", "second", foldable=True),
        Column("dimension", "dimension", optional=True),
        Column("protocol", "protocol", optional=len({row["protocol"] for row in comparisons}) == 1),
        Column("n", "n", "d", optional=True),
        Column("difference", "points", "+.2f"),
        Column("interval", "95% by persona"),
        Column("mcnemar_p", "McNemar p", ".2g"),
        Column("cluster_p", "clustered", ".2g"),
        Column("cluster_p_holm", "Holm", ".2g", optional=True),
        Column("same_pick", "same pick", ".1f", optional=True),
    ]
    rows = [{**row, "interval": interval(row, "")} for row in comparisons]
    print_table(
        rows,
        columns,
        title="Paired differences in percentage points (failures count as wrong; marks are put on 0 to 100)",
    )


def guessing(rows: Iterable[Mapping[str, Any]]) -> str:
    """Say in words how often guessing is right."""
    found = sorted({round(row["chance"], 1) for row in rows if row.get("chance") is not None})
    if not found:
        return "guessing: unknown"
    return f"guessing: {found[0]:g}%" if len(found) == 1 else f"guessing: {found[0]:g} to {found[-1]:g}%"


def _over(row: Mapping[str, Any]) -> str | None:
    ends = interval(row, "over_baseline_")
    return None if ends is None else f"{row['over_baseline']:+.1f} ({ends})"


def interval(row: Mapping[str, Any], prefix: str, *, scale: float = 1) -> str | None:
    """Write the two ends of an interval in a row as one text; None where it is undefined."""
    low, high = row.get(f"{prefix}ci_low"), row.get(f"{prefix}ci_high")
    if low is None or high is None or low != low or high != high:
        return None
    low, high, digits = low * scale, high * scale, 1 if scale == 1 else 3
    return f"{low:.{digits}f} to {high:.{digits}f}"

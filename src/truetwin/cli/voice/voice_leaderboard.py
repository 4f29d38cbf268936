"""Verb `truetwin voice leaderboard`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truetwin.cli.verbs import verb
from truetwin.settings.voice_settings import VoiceLeaderboardCommand

if TYPE_CHECKING:
    from truetwin.voice.scoring.leaderboard import Standing


@verb(VoiceLeaderboardCommand)
def leaderboard_command(settings: VoiceLeaderboardCommand) -> int:
    """Rank models by results, beside the best rule that does not know the person; draw their capabilities."""
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.cli.voice.voice_score import print_comparisons
    from truetwin.io import check_folder
    from truetwin.report.files.leaderboard_files import check_leaderboard_ending, write_leaderboard
    from truetwin.voice.scoring.leaderboard import UNIT, ranked, read_results

    if settings.figures:
        check_folder(settings.figures, "--figures")
    if settings.output:
        check_leaderboard_ending(settings.output)
    with progress_bar("scoring") as progress:
        results = read_results(settings.files, progress=progress)
    for line in results.notes:
        note(line)
    standings = ranked(results.standings)
    if any(s.protocol == "choice" and not s.baseline for s in standings):
        note(
            "some choices have no best guess without persona beside them, as their items are not known: give what "
            "`truetwin voice score FILE --items ITEMS --json` prints instead of the answers"
        )
    comparisons = results.comparisons
    rows = _capabilities(settings)
    if settings.output:
        write_leaderboard(settings.output, standings, comparisons)
        note(f"leaderboard: {settings.output}")
    _write_figures(settings, rows)
    if settings.as_json:
        described = {
            "unit": UNIT,
            "level": 95,
            "files": [str(path) for path in settings.files],
            "by": settings.by if settings.annotations else None,
        }
        print_json(
            "voice leaderboard",
            described,
            [s.to_row() for s in standings],
            capabilities=rows,
            comparisons=list(comparisons),
        )
    else:
        _print(standings, rows)
        print_comparisons(comparisons)
    return 1 if results.is_damaged else 0


def _capabilities(settings: VoiceLeaderboardCommand) -> list[dict[str, Any]]:
    from truetwin.cli.output import note
    from truetwin.voice.jobs.asked_scores import capability_table

    if settings.annotations is None:
        return []
    table = capability_table(settings.files, settings.annotations, settings.by)
    for text in table.notes:
        note(f"note: {text}")
    return table.rows


def _write_figures(settings: VoiceLeaderboardCommand, rows: list[dict[str, Any]]) -> None:
    from truetwin.cli.output import note

    if settings.figures is None:
        return
    from truetwin.report.figures.voice_figures import write_capability_figures

    settings.figures.mkdir(exist_ok=True)
    for path in write_capability_figures(rows, settings.figures, f".{settings.figure_format}"):
        note(f"figure: {path}")


def _print(standings: list[Standing], rows: list[dict[str, Any]]) -> None:
    from truetwin.cli.output import Column, print_table
    from truetwin.cli.voice.voice_score import guessing

    columns = [
        Column("dimension", "dimension"), Column("protocol", "protocol"), Column("model", "model", foldable=True),
        Column("judge", "judge", optional=True), Column("accuracy_all", "all", ".1f"),
        Column("mean_score", "mean mark", ".2f"), Column("interval", "95%"),
        Column("opinion", "opinion", ".0f", optional=True), Column("logic", "logic", ".0f", optional=True),
        Column("style", "style", ".0f", optional=True), Column("n_imputed", "imputed", "d", optional=True),
        Column("accuracy_answered", "answered only", ".1f", optional=True), Column("n", "n", "d"),
        Column("n_answered", "answered", "d", optional=True), Column("baseline_accuracy", "without persona", ".1f"),
        Column("baseline", "by", optional=True),
    ]  # fmt: skip
    shown = [
        {
            **s.to_row(),
            "n_imputed": s.n_imputed or None,
            "judge": s.judge or None,
            "baseline": s.baseline or None,
            "interval": _interval(s),
        }
        for s in standings
    ]
    print_table(shown, columns, title=f"accuracy in percent ({guessing(shown)}), or mean mark from 1 to 5")
    if rows:
        columns = [
            Column("dimension", "dimension"), Column("capability", "capability"), Column("protocol", "protocol"),
            Column("ranking", "with ranking", optional=True), Column("model", "model", foldable=True),
            Column("value", "value", ".1f"), Column("ci_low", "low", ".1f"), Column("ci_high", "high", ".1f"),
            Column("n", "n", "d"),
        ]  # fmt: skip
        print_table(rows, columns, title="by capability (percent; marks are put on 0 to 100)")


def _interval(standing: Standing) -> str | None:
    low, high = standing.ci_low, standing.ci_high
    if low is None or high is None or low != low:
        return None
    digits = 1 if standing.mean_score is None else 2
    return f"{low:.{digits}f} to {high:.{digits}f}"

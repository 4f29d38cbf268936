"""`truetwin voice leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truetwin.cli.shared_options import Json

if TYPE_CHECKING:
    from truetwin.voice.scoring.leaderboard import Standing


def leaderboard_command(
    files: Annotated[
        list[Path],
        typer.Argument(help="Results: stored answers, or what `truetwin voice score --json` printed."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the table: .md, .csv or .html.")
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option("--annotations", help="Capabilities of the items (JSONL), for results by capability."),
    ] = None,
    by: Annotated[
        str, typer.Option(help="An item counts for all its capabilities ('labels') or one ('primary').")
    ] = "labels",
    figures: Annotated[
        Path | None, typer.Option(help="Folder for radars and bars of capabilities; made if missing.")
    ] = None,
    figure_format: Annotated[str, typer.Option("--figure-format", help="png, svg or pdf.")] = "png",
    json: Json = False,
) -> int:
    """Order models by their results, beside the best rule that knows no persona; draw their capabilities."""
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.errors import ParameterError
    from truetwin.io import check_folder
    from truetwin.report.files.leaderboard_files import check_leaderboard_ending, write_leaderboard
    from truetwin.voice.scoring.leaderboard import UNIT, ranked, read_results

    if figure_format not in ("png", "svg", "pdf"):
        raise ParameterError(f"--figure-format must be png, svg or pdf; got {figure_format!r}")
    if figures and not annotations:
        raise ParameterError("--figures needs --annotations: radars show results by capability")
    if figures:
        check_folder(figures, "--figures")
    if output:
        check_leaderboard_ending(output)
    with progress_bar("scoring") as progress:
        results = read_results(files, progress=progress)
    for line in results.notes:
        note(line)
    standings = ranked(results.standings)
    if any(s.protocol == "choice" and not s.baseline for s in standings):
        note(
            "some choices have no best guess without persona beside them, as their items are not known: give what "
            "`truetwin voice score FILE --items ITEMS --json` prints instead of the answers"
        )
    rows = _capabilities(files, annotations, by) if annotations else []
    if output:
        write_leaderboard(output, standings)
        note(f"leaderboard: {output}")
    if figures:
        from truetwin.report.figures.voice_figures import write_capability_figures

        figures.mkdir(exist_ok=True)
        for path in write_capability_figures(rows, figures, f".{figure_format}"):
            note(f"figure: {path}")
    if json:
        settings = {
            "unit": UNIT,
            "level": 95,
            "files": [str(p) for p in files],
            "by": by if annotations else None,
        }
        print_json("voice leaderboard", settings, [s.to_row() for s in standings], capabilities=rows)
    else:
        _print(standings, rows)
    return 1 if results.is_damaged else 0


def _capabilities(files: list[Path], annotations: Path, by: str) -> list[dict[str, Any]]:
    """Results by capability of the files that hold stored answers; tables of scores know no items."""
    from truetwin.cli.output import note
    from truetwin.voice.scoring.capability_results import capability_results, read_annotations
    from truetwin.voice.scoring.leaderboard import score_rows
    from truetwin.voice.scoring.stored_answers import read_answers

    stored = [path for path in files if score_rows(path) is None]
    for path in files:
        if path not in stored:
            note(f"note: {path} holds scores, no answers: it has no results by capability")
    outcomes = [outcome for path in stored for outcome in read_answers(path).outcomes]
    known = read_annotations(annotations)
    without = len({o.item_id for o in outcomes} - set(known))
    if without:
        note(f"note: {without} items are not annotated and count for no capability")
    return capability_results(outcomes, known, by=by)  # type: ignore[arg-type]


def _print(standings: list[Standing], rows: list[dict[str, Any]]) -> None:
    from truetwin.cli.output import Column, print_table

    columns = [
        Column("dimension", "dimension"), Column("protocol", "protocol"), Column("model", "model", foldable=True),
        Column("judge", "judge", optional=True), Column("accuracy_all", "all", ".1f"),
        Column("mean_score", "mean mark", ".2f"), Column("interval", "95%"),
        Column("accuracy_answered", "answered only", ".1f", optional=True), Column("n", "n", "d"),
        Column("n_answered", "answered", "d", optional=True), Column("baseline_accuracy", "without persona", ".1f"),
        Column("baseline", "by", optional=True),
    ]  # fmt: skip
    shown = [
        {**s.to_row(), "judge": s.judge or None, "baseline": s.baseline or None, "interval": _interval(s)}
        for s in standings
    ]
    print_table(shown, columns, title="accuracy in percent (guessing: 25), or mean mark from 1 to 5")
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

"""Verb `truetwin voice report`."""

from __future__ import annotations

from pathlib import Path

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.errors import FileFormatError
from truetwin.settings.voice_settings import VoiceReportCommand


@verb(VoiceReportCommand)
def report_command(settings: VoiceReportCommand) -> int:
    """Show runs on one page: leaderboard, comparisons, capabilities, and every item to look at.

    The page is one file that needs no network: what was said to the person, the options, what each model chose or
    wrote, the judge's words, and what was right; items can be chosen by wrong answers, disagreement and capability.
    """
    from truetwin.cli.output import note, print_json, progress_bar
    from truetwin.io import check_outputs
    from truetwin.report.page import write_page
    from truetwin.report.sections.voice_page import verdict_in_words, voice_page
    from truetwin.voice.jobs.asked_report import report_asked
    from truetwin.voice.scoring.stored_answers import files_of

    output = settings.output or _beside(settings.runs[0])
    if output.suffix.lower() not in (".html", ".htm"):
        raise FileFormatError(f"a report's name must end in .html; got {output.name!r}")
    given = [*files_of(settings.runs), settings.annotations]
    check_outputs([output], [*given, Path(settings.items) if settings.items else None])
    with progress_bar("scoring") as progress:
        found = report_asked(settings, progress=progress)
    page = voice_page(found)
    write_page(page, output)
    for line in found.board.notes:
        note(line)
    if found.cases.n_unknown:
        note(f"{found.cases.n_unknown} answers are to items that are not known; name the items with --items")
    if settings.as_json:
        rows = [standing.to_row() for standing in found.standings]
        described = {"output": str(output), "runs": [str(run) for run in settings.runs], "unit": "percent"}
        comparisons = list(found.board.comparisons)
        shown = {"n_items": len(found.cases.cases), "n_unknown": found.cases.n_unknown}
        print_json("voice report", {**described, **shown}, rows, comparisons=comparisons, steps=found.steps)
    else:
        print_line(page.answer)
        if verdict := verdict_in_words(found):
            print_line(verdict)
        note(f"report: {output} ({len(found.cases.cases)} items)")
    return 1 if found.is_damaged else 0


def _beside(run: Path) -> Path:
    return run / "report.html" if run.is_dir() else run.with_suffix(".html")

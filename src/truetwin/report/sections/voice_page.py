"""Page on voice runs: leaderboard, comparisons, capabilities, how it was asked, and every item to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from truetwin.report.figures.leaderboard_figure import leaderboard_figure
from truetwin.report.page import VOICE_WORDS, Field, Page, Picture, Section, Table
from truetwin.report.sections.case_section import case_section
from truetwin.report.sections.voice_section import (
    capability_section,
    leaderboard_table,
    paired_table,
    voice_in_words,
)
from truetwin.voice.protocols.outcomes import Protocol

if TYPE_CHECKING:
    from truetwin.voice.jobs.asked_report import ReportedRuns
    from truetwin.voice.scoring.leaderboard import Standing

TITLE = "Voices: who speaks as one given person"
WARNING = (
    "Compare a model with the best rule that knows no person before crediting it with knowing the person. The two "
    "rankings are different estimands and are never averaged."
)
#: With fewer persons, no test that turns round the signs of whole persons can reach p = .05: 2 / 2**5 is .0625.
FEWEST_PERSONS = 6
_STEPS = (
    Field("run", "run"),
    Field("step", "step"),
    Field("model", "model"),
    Field("items", "items"),
    Field("control", "control"),
    Field("history", "earlier replies shown", "d"),
    Field("calls", "calls", "d"),
    Field("prompts", "prompts"),
)


def voice_page(found: ReportedRuns) -> Page:
    """Make the page of a report on voice runs."""
    standings = found.standings
    models = dict.fromkeys(s.model for s in standings)
    sections = [
        *([_results(standings)] if standings else []),
        *([_comparisons(found.board.comparisons)] if found.board.comparisons else []),
        case_section(found.cases),
        *([capability_section(found.capabilities)] if found.capabilities else []),
        *([_asked(found.steps)] if found.steps else []),
        *([Section("Notes", found.board.notes)] if found.board.notes else []),
    ]
    facts = (
        ("models", ", ".join(models) or "none"),
        ("items", str(len(found.cases.cases))),
        ("persons", str(len({case.item.persona.id for case in found.cases.cases}))),
    )
    return Page(
        TITLE,
        "Which model speaks most like the person that it plays?",
        voice_in_words(standings),
        verdict_in_words(found),
        facts,
        sections,
        WARNING,
        words=VOICE_WORDS,
    )


def verdict_in_words(found: ReportedRuns) -> str:
    """Say whether the best model under choice is above the best rule without persona, beyond chance."""
    rows = [row for row in found.board.rows() if row["protocol"] == Protocol.CHOICE.value]
    known = [row for row in rows if row.get("over_baseline") is not None]
    if not known:
        return ""
    best = max(known, key=lambda row: row["over_baseline"])
    low, high = best.get("over_baseline_ci_low"), best.get("over_baseline_ci_high")
    points = f"{best['over_baseline']:+.1f} points"
    n_persons = best["n_personas"] or 0
    if low is None or high is None or n_persons < FEWEST_PERSONS:
        return (
            f"{best['model']} against the best rule without persona ({best['baseline']}): {points} "
            f"(persons: {n_persons}, too few to tell this from chance)."
        )
    says = "above" if low > 0 else "below" if high < 0 else "not clearly above"
    return (
        f"{best['model']} is {says} the best rule without persona ({best['baseline']}): {points} "
        f"(95%: {low:+.1f} to {high:+.1f})."
    )


def _results(standings: Sequence[Standing]) -> Section:
    """Show the leaderboard, and a figure of each dimension and protocol."""
    pictures = []
    right = [s for s in standings if s.accuracy_all is not None]
    for number, ((dimension, protocol, judge), group) in enumerate(
        groupby(right, lambda s: (s.dimension, s.protocol, s.judge))
    ):
        rows = list(group)
        where = dimension or "unknown dimension"
        by = f", judged by {judge}" if judge else ""
        n = f"{rows[0].n} answers" if len({s.n for s in rows}) == 1 else "answers of each in the data"
        pictures.append(
            Picture(
                f"leaderboard-{number}",
                leaderboard_figure(rows),
                f"{where.capitalize()}, {protocol}{by}: share right with 95% intervals ({n}).",
                [s.to_row() for s in rows],
            )
        )
    return Section("Results", (), [leaderboard_table(standings), *pictures])


def _comparisons(comparisons: Sequence[Mapping[str, Any]]) -> Section:
    return Section("Model against model", (), [paired_table(comparisons)])


def _asked(steps: Sequence[Mapping[str, Any]]) -> Section:
    caption = (
        "Results are comparable where items, control, history and prompts (version and hash) are the same."
    )
    return Section("How it was asked", (), [Table("Steps of the runs", _STEPS, list(steps), caption)])

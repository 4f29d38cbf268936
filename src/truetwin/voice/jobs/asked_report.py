"""Gather what a report on voice runs shows, as its settings say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from truetwin.llm.store.run_file import FILE_NAME, RunFile
from truetwin.settings.voice_settings import VoiceReport
from truetwin.voice.items.item_sources import load_source
from truetwin.voice.protocols.outcomes import Protocol
from truetwin.voice.scoring.capability_results import (
    Annotation,
    capability_results,
    merge_annotations,
    read_annotations,
)
from truetwin.voice.scoring.cases import Cases, collect_cases
from truetwin.voice.scoring.leaderboard import Standing, ranked, standings_of
from truetwin.voice.scoring.score_table import Scoreboard, score_answers
from truetwin.voice.scoring.stored_answers import files_of, read_answers


@dataclass(frozen=True)
class ReportedRuns:
    """Content of a report on voice runs.

    Attributes
    ----------
    standings : list of Standing
        Leaderboard.
    board : Scoreboard
        Scores with baselines, paired comparisons and notes.
    capabilities : list of dict
        Results by capability; none without annotations.
    cases : Cases
        Items beside what models made of them.
    steps : list of dict
        How each step of each run was asked: model, control, history, prompts.
    is_damaged : bool
        Whether a file has lines that cannot be read.
    """

    standings: list[Standing]
    board: Scoreboard
    capabilities: list[dict[str, Any]]
    cases: Cases
    steps: list[dict[str, Any]]
    is_damaged: bool


def report_asked(
    settings: VoiceReport, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> ReportedRuns:
    """Score runs, and put their items beside what models made of them.

    Parameters
    ----------
    settings : VoiceReport
        Runs, and what is known of their items.
    progress : callable
        Called with the number of scored and of all files.
    """
    answers = [read_answers(path) for path in files_of(settings.runs)]
    items = load_source(settings.items, remove_leaks=True).items if settings.items else []
    board = score_answers(answers, items=items or None, progress=progress)
    standings, notes = standings_of(board)
    cases = collect_cases(answers, items)
    known = _annotations(settings, cases)
    if known:
        played = {case.item.item_id for case in cases.cases}
        known = {name: annotation for name, annotation in known.items() if name in played}
    scored = [o for o in cases.outcomes() if o.protocol is not Protocol.REPLY and o.item_id in known]
    rows = capability_results(scored, known, by=settings.by) if scored else []
    if known:
        annotated = merge_annotations([case.item for case in cases.cases], known)
        shown = tuple(replace(c, item=i) for c, i in zip(cases.cases, annotated, strict=True))
        cases = Cases(shown, cases.models, cases.n_unknown)
    board = Scoreboard(board.entries, board.comparisons, (*board.notes, *notes))
    folders = list(dict.fromkeys(a.path.parent for a in answers))
    return ReportedRuns(
        ranked(standings) if standings else [],
        board,
        rows,
        cases,
        steps_of(folders),
        any(a.broken_lines for a in answers),
    )


def _annotations(settings: VoiceReport, cases: Cases) -> dict[str, Annotation]:
    """Find which capabilities items test: in a file, in the folder of a run, or in the items themselves."""
    files = [run / "annotations.jsonl" for run in settings.runs if run.is_dir()]
    path = settings.annotations or next((file for file in files if file.is_file()), None)
    if path is not None:
        return read_annotations(path)
    return {
        case.item.item_id: Annotation.from_record({"item_id": case.item.item_id, **case.item.capabilities})
        for case in cases.cases
        if case.item.capabilities
    }


def steps_of(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Describe how each step of the runs in these folders was asked; folders without a run are left out."""
    rows = []
    for folder in folders:
        if not (folder / FILE_NAME).is_file():
            continue
        with RunFile(folder) as run:
            for step in run.steps():
                settings = run.settings(step)
                task = settings["task"]
                prompts = [
                    f"{p['name']} v{p['version']} ({p['digest'][:8]})" for p in task.get("prompts", ())
                ]
                rows.append(
                    {
                        "run": folder.name,
                        "step": step,
                        "model": settings["model"].get("name"),
                        "items": task.get("items", {}).get("source"),
                        "control": task.get("items", {}).get("control"),
                        "history": task.get("history"),
                        "calls": sum(run.counts(step).values()),
                        "prompts": ", ".join(prompts),
                    }
                )
    return rows

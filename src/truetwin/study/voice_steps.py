"""The steps of the section ``voice``: annotate, play, judge, audit and score a benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from truetwin.errors import RunError
from truetwin.io import make_folder, write_json
from truetwin.llm import Progress, Store
from truetwin.llm.store.run_file import FILE_NAME
from truetwin.study.step_work import Work
from truetwin.voice.auditing.benchmark_audit import audit
from truetwin.voice.items.item_sources import load_source
from truetwin.voice.jobs.asked_playing import (
    Heard,
    PlayedItems,
    annotate_asked,
    is_complete,
    judge_asked,
    play_asked,
    write_annotated,
    write_played,
)
from truetwin.voice.scoring.score_table import score_answers
from truetwin.voice.scoring.stored_answers import read_answers
from truetwin.voice.scoring.stored_reply_metrics import text_rows

ANNOTATIONS, AUDIT, SCORES = "voice-annotations.jsonl", "voice-audit.json", "voice-scores.json"
#: Folders of the runs, by step.
PLAYED = {"run": "voice-run", "generate": "voice-replies", "judge": "voice-judgements"}


def annotate_items(work: Work) -> list[Path]:
    """Say which capabilities items test.

    Raises
    ------
    RunError
        If an item has no readable annotation. What was answered is kept, and not paid for again.
    """
    part = work.study.voice.annotate
    assert part is not None
    with _store(work, "voice-annotating") as store:
        found = annotate_asked(part, store, heard=_heard(work))
    if found.n_missing:
        raise RunError(
            f"{found.n_missing} items have no readable annotation. Run the study again to go on; nothing is paid for "
            "twice."
        )
    write_annotated(work.folder / ANNOTATIONS, found)
    return [work.folder / ANNOTATIONS]


def play_items(work: Work) -> list[Path]:
    """Play a benchmark, and have replies judged where the settings say so."""
    part = work.study.voice.run
    assert part is not None
    with _store(work, PLAYED["run"]) as store:
        return _written(work, "run", play_asked(part, store, seed=work.study.seed, heard=_heard(work)))


def generate_replies(work: Work) -> list[Path]:
    """Have a model write replies."""
    part = work.study.voice.generate
    assert part is not None
    with _store(work, PLAYED["generate"]) as store:
        return _written(work, "generate", play_asked(part, store, seed=work.study.seed, heard=_heard(work)))


def judge_written(work: Work) -> list[Path]:
    """Have a model judge replies."""
    part = work.study.voice.judge
    assert part is not None
    with _store(work, PLAYED["judge"]) as store:
        return _written(work, "judge", judge_asked(part, store, seed=work.study.seed, heard=_heard(work)))


def audit_items(work: Work) -> list[Path]:
    """Find what a benchmark gives away."""
    part = work.study.voice.audit
    assert part is not None
    loaded = load_source(part.source, profiles=part.profiles)
    report = audit(loaded.items, histories_known=loaded.layout != "social answers")
    answers = [read_answers(path) for path in part.answers]
    board = score_answers(answers, items=loaded.items, with_baseline=False) if answers else None
    record = {
        "source": Path(part.source).name,
        "layout": loaded.layout,
        "n_items": report.n_items,
        "n_personas": report.n_personas,
        "rows": report.rows(),
        "findings": report.finding_rows(),
        "positions": report.balance.rows(),
        "models": board.rows() if board else [],
    }
    write_json(record, work.folder / AUDIT)
    return [work.folder / AUDIT]


def score_stored(work: Work) -> list[Path]:
    """Score stored answers without any model."""
    part = work.study.voice.score
    assert part is not None
    items = load_source(part.items).items if part.items else None
    answers = [read_answers(path, model=part.model) for path in part.files]
    board = score_answers(answers, items=items)
    record = {
        "rows": board.rows(),
        "comparisons": list(board.comparisons),
        "text_metrics": text_rows(answers, items=items, with_bert_score=part.bert_score),
        "notes": list(board.notes),
    }
    write_json(record, work.folder / SCORES)
    return [work.folder / SCORES]


def played_outcomes(work: Work) -> list[Path]:
    """Outcomes that this study has played or judged, for its leaderboard; free replies have no score."""
    voice = work.study.voice
    folders = [PLAYED[step] for step in ("run", "judge") if getattr(voice, step) is not None]
    found = [path for name in folders for path in sorted((work.folder / name).glob("*.jsonl"))]
    return [path for path in found if path.stem != "reply"]


@contextmanager
def _store(work: Work, name: str) -> Iterator[Store]:
    folder = work.folder / name
    make_folder(folder, "the run")
    with Store(folder / FILE_NAME) as store:
        yield store


def _heard(work: Work) -> Heard | None:
    progress = work.progress
    if progress is None:
        return None

    def heard(step: str, state: Progress) -> None:
        progress(state.done, state.total)

    return heard


def _written(work: Work, step: str, done: PlayedItems) -> list[Path]:
    """The files of outcomes; an incomplete run is an error, and kept."""
    outcomes = done.played.outcomes
    written = write_played(work.folder / PLAYED[step], outcomes)
    if not is_complete(outcomes):
        raise RunError(
            f"voice.{step} is not complete ({done.played.stopped or 'calls failed'}). Run the study again to go on; "
            "nothing is paid for twice."
        )
    return written

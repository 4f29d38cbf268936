"""Carry out the steps of the section ``voice``: build, annotate, play, judge, audit and score a benchmark.

A step that names no items, replies or answers takes those that an earlier step has made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from truetwin.errors import DataError, RunError
from truetwin.io import make_folder, write_json
from truetwin.llm import Progress
from truetwin.settings.declaration import EARLIER_STEP, RuleBrokenError, Settings
from truetwin.settings.study_settings import Study
from truetwin.settings.voice_build_settings import AnyBuild
from truetwin.study.step_work import Work
from truetwin.voice.items.voice_items import VoiceItem, write_voice_items
from truetwin.voice.jobs.asked_annotation import annotate_asked
from truetwin.voice.jobs.asked_audit import audit_asked, write_matched, write_repaired
from truetwin.voice.jobs.asked_judging import judge_asked
from truetwin.voice.jobs.asked_playing import Heard, PlayedItems, asked_run, play_asked, protocols_of
from truetwin.voice.jobs.asked_scores import score_asked
from truetwin.voice.protocols.item_selection import select_items
from truetwin.voice.protocols.outcomes import Protocol
from truetwin.voice.scoring.leaderboard import UNIT
from truetwin.voice.scoring.score_table import Scoreboard, score_answers
from truetwin.voice.scoring.stored_answers import read_answers

S = TypeVar("S", bound=Settings)

ANNOTATIONS, ANNOTATED_ITEMS = "voice-annotations.jsonl", "voice-items-annotated.jsonl"
AUDIT, MATCHED, REPAIRED = "voice-audit.json", "voice-items-matched.jsonl", "voice-items-repaired.jsonl"
SCORES = "voice-scores.json"
#: Folders, by step: of the items that are built, and of the runs.
BUILT, ANNOTATING = "voice-items", "voice-annotating"
PLAYED = {"run": "voice-run", "generate": "voice-replies", "judge": "voice-judgements"}


def build_items(work: Work) -> list[Path]:
    """Make benchmark items; the seed is the study's, unless the section has one of its own."""
    from truetwin.voice_sets.asked_build import make_set

    part, progress = work.study.voice.build, work.progress
    assert part is not None
    folder = work.folder / BUILT
    make_folder(folder, "the set of items")
    make_set(
        _seeded(part.chosen, work.study.seed),
        folder,
        None if progress is None else lambda stage, done, total: progress(done, total),
    )
    return [folder / name for name in ("items.jsonl", "datasheet.md", "datasheet.json")]


def _seeded(build: AnyBuild, seed: int) -> AnyBuild:
    """Give a build the study's seed, unless it has one of its own."""
    if "seed" in build.build.model_fields_set:
        return build
    return build.model_copy(update={"build": build.build.model_copy(update={"seed": seed})})


def annotate_items(work: Work) -> list[Path]:
    """Annotate which capabilities each item tests.

    Raises
    ------
    RunError
        If an item has no readable annotation. Replies that came are kept and not paid for again.
    """
    assert work.study.voice.annotate is not None
    part = _resolved(work, work.study.voice.annotate, "items")
    found = annotate_asked(part, work.folder / ANNOTATING, heard=_heard(work))
    if found.n_missing:
        raise RunError(
            f"{found.n_missing} items have no readable annotation. Run the study again to go on; nothing is paid for "
            "twice."
        )
    found.write(work.folder / ANNOTATIONS)
    write_voice_items(work.folder / ANNOTATED_ITEMS, found.merged)
    return [work.folder / ANNOTATIONS, work.folder / ANNOTATED_ITEMS]


def play_items(work: Work) -> list[Path]:
    """Have a model play the persons of a benchmark, and have written replies judged if the settings ask for it."""
    assert work.study.voice.run is not None
    return _play(work, "run", _resolved(work, work.study.voice.run, "items"))


def generate_replies(work: Work) -> list[Path]:
    """Have a model write replies."""
    assert work.study.voice.generate is not None
    return _play(work, "generate", _resolved(work, work.study.voice.generate, "items"))


def _play(work: Work, step: str, part: Any) -> list[Path]:
    run = asked_run(part, seed=work.study.seed)
    return _written(work, step, play_asked(run, work.folder / PLAYED[step], heard=_heard(work)))


def judge_written(work: Work) -> list[Path]:
    """Have a model judge written replies."""
    assert work.study.voice.judge is not None
    part = _resolved(work, work.study.voice.judge, "items", "replies")
    folder = work.folder / PLAYED["judge"]
    return _written(work, "judge", judge_asked(part, folder, seed=work.study.seed, heard=_heard(work)))


def audit_items(work: Work) -> list[Path]:
    """Find out how well a benchmark can be solved without knowing the person, and write the items that are sound."""
    assert work.study.voice.audit is not None
    part = _resolved(work, work.study.voice.audit, "source")
    found = audit_asked(part)
    written = [work.folder / AUDIT, work.folder / REPAIRED]
    more: dict[str, Any] = {"repaired": write_repaired(found.source.items, written[1], work.study.seed)}
    try:
        more["matched"] = write_matched(found.source.items, work.folder / MATCHED)
    except DataError as error:
        more["matched"] = {"n": 0, "summary": str(error)}
    else:
        written.append(work.folder / MATCHED)
    about = {"source": Path(part.source).name, "layout": found.source.layout}
    write_json({**about, "rows": found.report.rows(), **found.details(), **more}, written[0])
    return written


def score_stored(work: Work) -> list[Path]:
    """Score stored answers without any model."""
    assert work.study.voice.score is not None
    part, items = _resolved(work, work.study.voice.score, "items"), None
    if _is_open(part, "files"):
        part = part.model_copy(update={"files": tuple(made_outcomes(work.study, work.folder))})
        items = _played_items(work)
    scored = score_asked(part, items)
    more = {"comparisons": list(scored.board.comparisons), "text_metrics": scored.texts}
    write_json({**_score_record(scored.board), **more}, work.folder / SCORES)
    return [work.folder / SCORES]


def _played_items(work: Work) -> list[VoiceItem] | None:
    """Select the items that this study has played or judged, if they all come from one source."""
    voice = work.study.voice
    parts = [part for part in (voice.run, voice.generate, voice.judge) if part is not None]
    resolved = [_resolved(work, part, "items") for part in parts]
    if len({(part.items, part.limit, part.profiles) for part in resolved}) != 1:
        return None
    first = resolved[0]
    return select_items(first.items, limit=first.limit, profiles=first.profiles).items


def made_outcomes(study: Study, folder: Path) -> list[Path]:
    """List the files of outcomes that this study writes, including those of written replies."""
    voice, found = study.voice, []
    if voice.run is not None:
        found += [f"{PLAYED['run']}/{protocol.value}.jsonl" for protocol in protocols_of(voice.run.protocol)]
    if voice.generate is not None:
        found.append(f"{PLAYED['generate']}/{Protocol.REPLY.value}.jsonl")
    if voice.judge is not None:
        found += [
            f"{PLAYED['judge']}/{protocol.value}.jsonl" for protocol in protocols_of(voice.judge.protocol)
        ]
    return [folder / name for name in found]


def played_outcomes(work: Work) -> list[Path]:
    """List the files of outcomes that have a score. Those of written replies have none."""
    return [path for path in made_outcomes(work.study, work.folder) if path.stem != Protocol.REPLY.value]


def played_scores(work: Work) -> list[Path]:
    """List the tables of scores of the benchmarks that this study has played or judged, for its leaderboard."""
    steps = {path.parent for path in played_outcomes(work)}
    return sorted(folder / SCORES for folder in steps)


def earlier_files(*names: str) -> Callable[[Work], Mapping[str, Path]]:
    """Make a function that lists the files of earlier steps that a step reads, for its settings that name no file."""

    def files(work: Work) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for name in names:
            section, _, key = name.rpartition(".")
            part = getattr(work.study.voice, section)
            if part is None or not _is_open(part, key):
                continue
            for k, path in enumerate(_earlier(work.study, work.folder, key)):
                found[f"{key}-{k}"] = path
        return found

    return files


def check_earlier(study: Study, section: str) -> None:
    """Check that an earlier step makes the items, replies or answers that a section does not name.

    Raises
    ------
    ParameterError
        If there is no such step.
    """
    part = getattr(study.voice, section)
    for key in ("items", "source", "replies", "files"):
        if key in type(part).model_fields and _is_open(part, key):
            _earlier(study, Path(), key)


def _resolved(work: Work, part: S, *keys: str) -> S:
    """Put what earlier steps have made in place of the settings that name nothing."""
    found: dict[str, Any] = {}
    for key in keys:
        if _is_open(part, key):
            (path,) = _earlier(work.study, work.folder, key)
            found[key] = path if key == "replies" else str(path)
    return part.model_copy(update=found)


def _is_open(part: Settings, key: str) -> bool:
    """Test whether a setting is left to an earlier step."""
    value = getattr(part, key)
    return str(value[0] if isinstance(value, tuple) and value else value) == EARLIER_STEP


def _earlier(study: Study, folder: Path, key: str) -> list[Path]:
    """List what an earlier step makes for a setting."""
    voice = study.voice
    if key in ("items", "source"):
        if voice.build is None:
            raise RuleBrokenError(
                f"{{{key}}} is missing: name the items, or make them in a section voice.build"
            )
        return [folder / BUILT / "items.jsonl"]
    made = made_outcomes(study, folder)
    if key == "replies":
        written = [path for path in made if path.stem == Protocol.REPLY.value]
        if len(written) != 1:
            raise RuleBrokenError(
                "{replies} is missing: name the file, or write replies in one section voice.generate or voice.run "
                "(protocol reply)"
            )
        return written
    if not made:
        raise RuleBrokenError(
            "{files} is missing: name the files, or play a benchmark in a section voice.run or voice.judge"
        )
    return made


def _heard(work: Work) -> Heard | None:
    progress = work.progress
    if progress is None:
        return None

    def heard(step: str, state: Progress) -> None:
        progress(state.done, state.total)

    return heard


def _written(work: Work, step: str, done: PlayedItems) -> list[Path]:
    """List the files of outcomes, and write their scores; an incomplete run is an error, and its replies are kept."""
    if not done.played.complete:
        raise RunError(
            f"voice.{step} is not complete ({done.played.stopped or 'calls failed'}). Run the study again to go on; "
            "nothing is paid for twice."
        )
    scores = work.folder / PLAYED[step] / SCORES
    write_json(_score_record(score_answers(list(map(read_answers, done.files)), items=done.items)), scores)
    return [*done.files, scores]


def _score_record(board: Scoreboard) -> dict[str, Any]:
    """Make a table of scores as `truetwin voice score --json` prints it, which a leaderboard can read."""
    settings = {"unit": UNIT, "level": 95, "notes": list(board.notes)}
    return {"command": "voice score", "settings": settings, "rows": board.rows()}

"""The step that makes benchmark items from raw material."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from truetwin.errors import OutputError
from truetwin.llm import ChatModel, open_model
from truetwin.settings.declaration import Settings
from truetwin.settings.voice_build_settings import (
    BuildModel,
    InterpersonalBuild,
    InterpersonalSettings,
    NarrativeBuild,
    NarrativeSettings,
    RepairBuild,
    RepairOptions,
    SocialBuild,
    SocialSettings,
    VoiceBuild,
)
from truetwin.study.step_work import Work
from truetwin.voice_sets.common.set_repair import repair
from truetwin.voice_sets.conversations.interpersonal_build import build_interpersonal
from truetwin.voice_sets.conversations.social_build import build_social
from truetwin.voice_sets.novels.novel_pipeline import build_narrative

S = TypeVar("S", bound=Settings)
Build = Callable[..., Any]


def build_items(work: Work) -> list[Path]:
    """Make each set that the section names, in a folder of its own.

    Raises
    ------
    DataError, GateError
        If the material cannot be read, or a set does not pass its gate.
    """
    part = work.study.voice.build
    assert part is not None
    written: list[Path] = []
    for name, build in _builds(work, part):
        folder = work.folder / f"voice-build-{name}"
        if folder.is_file():
            raise OutputError(f"the folder of a built set must be a folder; {folder} is a file")
        built = build(output=folder, progress=_heard(work))
        written += [
            path for path in sorted(built.folder.iterdir()) if path.suffix in (".jsonl", ".json", ".md")
        ]
    return written


def _builds(work: Work, part: VoiceBuild) -> list[tuple[str, Build]]:
    makers: dict[str, Callable[[Any, int], Build]] = {
        "narrative": _narrative,
        "interpersonal": _interpersonal,
        "social": _social,
        "repair": _repair,
    }
    named = [(name, make, getattr(part, name)) for name, make in makers.items()]
    return [(name, make(each, work.study.seed)) for name, make, each in named if each is not None]


def _narrative(part: NarrativeBuild, seed: int) -> Build:
    settings = _as(NarrativeSettings, part, seed)
    return partial(build_narrative, part.books, settings=settings, model=_model(part.model, part))


def _interpersonal(part: InterpersonalBuild, seed: int) -> Build:
    settings = _as(InterpersonalSettings, part, seed)
    return partial(build_interpersonal, part.log, settings=settings, model=_model(part.model, part))


def _social(part: SocialBuild, seed: int) -> Build:
    settings = _as(SocialSettings, part, seed)
    return partial(build_social, part.replies, settings=settings, model=_model(part.model, part))


def _repair(part: RepairBuild, seed: int) -> Build:
    settings = _as(RepairOptions, part, seed)
    return partial(repair, part.source, options=settings, profiles=part.profiles)


def _as(kind: type[S], part: Any, seed: int) -> S:
    """The settings of a build without its material; its seed is the study's unless it has one of its own."""
    values = {name: getattr(part, name) for name in kind.model_fields}
    if "seed" not in part.build.model_fields_set:
        values["build"] = part.build.model_copy(update={"seed": seed})
    return kind(**values)


def _model(name: str | None, part: BuildModel) -> ChatModel | None:
    return None if name is None else open_model(name, base_url=part.base_url)


def _heard(work: Work) -> Callable[[str, int, int], None] | None:
    progress = work.progress
    return None if progress is None else lambda stage, done, total: progress(done, total)

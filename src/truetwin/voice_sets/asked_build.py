"""Make a set of benchmark items as the settings of a build say."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from truetwin.llm import open_model
from truetwin.settings.declaration import values_of
from truetwin.settings.voice_build_settings import (
    AnyBuild,
    InterpersonalBuild,
    InterpersonalSettings,
    NarrativeBuild,
    NarrativeSettings,
    RepairBuild,
    RepairOptions,
    SocialSettings,
)
from truetwin.voice_sets.common.finishing import Built
from truetwin.voice_sets.common.set_repair import repair
from truetwin.voice_sets.common.stages import Progress
from truetwin.voice_sets.conversations.interpersonal_build import build_interpersonal
from truetwin.voice_sets.conversations.social_build import build_social
from truetwin.voice_sets.novels.novel_pipeline import build_narrative


def make_set(settings: AnyBuild, folder: Path, progress: Progress | None = None) -> Built:
    """Make items and write them to a folder; a build that was stopped goes on.

    Parameters
    ----------
    settings : NarrativeBuild, InterpersonalBuild, SocialBuild or RepairBuild
        What is built, of which raw material.
    folder : Path
        Folder for ``items.jsonl`` and the datasheet.
    progress : callable, optional
        Called with the name of a stage, and the number of finished and of all parts.
    """
    if isinstance(settings, RepairBuild):
        options = RepairOptions(**values_of(settings, RepairOptions))
        return repair(settings.source, folder, options, profiles=settings.profiles, progress=progress)
    model = None if settings.model is None else open_model(settings.model, base_url=settings.base_url)
    if isinstance(settings, NarrativeBuild):
        chosen = NarrativeSettings(**values_of(settings, NarrativeSettings))
        build = partial(build_narrative, settings.books, folder, chosen)
    elif isinstance(settings, InterpersonalBuild):
        build = partial(
            build_interpersonal,
            settings.log,
            folder,
            InterpersonalSettings(**values_of(settings, InterpersonalSettings)),
        )
    else:
        build = partial(
            build_social, settings.replies, folder, SocialSettings(**values_of(settings, SocialSettings))
        )
    return build(model=model, progress=progress)

"""Annotate items with the capabilities that they test, as the settings of a job say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from truetwin.llm import RunSummary
from truetwin.llm.running.requested_run import sampling_of
from truetwin.llm.store.run_folder import run_store
from truetwin.settings.voice_settings import VoiceAnnotate
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.jobs.asked_playing import Heard, open_player
from truetwin.voice.protocols.capability_annotation import CAPABILITIES, write_annotations
from truetwin.voice.protocols.item_selection import select_items
from truetwin.voice.protocols.playing import annotate, blocking, stored_prompts
from truetwin.voice.protocols.voice_prompts import VoicePrompts
from truetwin.voice.protocols.voice_task import Setup
from truetwin.voice.scoring.capability_results import Annotation, merge_annotations, read_annotations


@dataclass(frozen=True)
class AnnotatedItems:
    """Items, and the capabilities of those that have a readable annotation.

    Attributes
    ----------
    items : sequence of VoiceItem
        The items, without annotations.
    about : mapping
        Record by which a stored run recognises the items.
    known : mapping from item id to Annotation
        Annotations.
    summary : RunSummary, optional
        What asking a model used; None if the annotations come from a file.
    prompts : mapping
        Prompts of the step: name, version and hash.
    """

    items: Sequence[VoiceItem]
    about: Mapping[str, Any]
    known: Mapping[str, Annotation]
    summary: RunSummary | None = None
    prompts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_missing(self) -> int:
        """Number of items without a readable annotation."""
        return len(self.items) - len(self.known)

    @property
    def merged(self) -> list[VoiceItem]:
        """Items that carry their annotations."""
        return merge_annotations(self.items, self.known)

    def rows(self) -> list[dict[str, Any]]:
        """Count for each capability the items that test it, and those that test it primarily."""
        primary = Counter(annotation.primary for annotation in self.known.values())
        return [
            {
                "capability": name,
                "n": len(self.known),
                "primary": primary[name],
                "labelled": sum(annotation.labels[name] for annotation in self.known.values()),
            }
            for name in CAPABILITIES
        ]

    def write(self, path: Path) -> None:
        """Write the annotations as JSON lines."""
        write_annotations(path, [asdict(annotation) for annotation in self.known.values()])


def annotate_asked(
    settings: VoiceAnnotate, folder: Path | None, *, heard: Heard | None = None
) -> AnnotatedItems:
    """Say which capabilities items test: by asking a model, or as a file of annotations says.

    Parameters
    ----------
    settings : VoiceAnnotate
        Items, and who annotates them.
    folder : Path, optional
        Folder (or ``.sqlite`` file) that keeps the model's replies; None if the annotations come from a file.
    heard : callable, optional
        Called with the name of the step and its progress.
    """
    selected = select_items(settings.items, limit=settings.limit, profiles=settings.profiles)
    if settings.annotations is not None:
        return AnnotatedItems(selected.items, selected.about, read_annotations(settings.annotations))
    assert settings.model is not None
    assert folder is not None
    setup = Setup(
        settings.history,
        structured=settings.structured,
        sampling=sampling_of(settings),
        items=selected.about,
        prompts=VoicePrompts(settings.prompts),
    )
    player = open_player(settings, settings.model, heard, seed=setup.seed)
    with run_store(folder) as store:
        records, summary = blocking(annotate(selected.items, player, store, setup), player)
        prompts = stored_prompts(store)
    known = {record["item_id"]: Annotation.from_record(record) for record in records}
    return AnnotatedItems(selected.items, selected.about, known, summary, prompts)

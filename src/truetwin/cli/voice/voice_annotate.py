"""Verb `truetwin voice annotate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truetwin.cli.verbs import verb
from truetwin.cli.voice.voice_playing import step_lines
from truetwin.settings.voice_settings import VoiceAnnotateCommand

if TYPE_CHECKING:
    from truetwin.voice.jobs.asked_annotation import AnnotatedItems


@verb(VoiceAnnotateCommand)
def annotate_command(settings: VoiceAnnotateCommand) -> int:
    """Annotate which of the six capabilities each item tests, by a model or by people; merge that into the items."""
    from truetwin.cli.output import print_json
    from truetwin.io import check_outputs
    from truetwin.llm.store.run_folder import folder_of
    from truetwin.voice.items.voice_items import write_voice_items
    from truetwin.voice.jobs.asked_annotation import annotate_asked

    given = [Path(settings.items) if Path(settings.items).is_file() else None, settings.annotations]
    check_outputs([file for file in (settings.output, settings.merged) if file], given)
    with step_lines() as heard:
        found = annotate_asked(settings, settings.run, heard=heard)
    together = found.merged
    path = settings.output
    if path is None and settings.run:
        path = folder_of(settings.run) / "annotations.jsonl"
        check_outputs([path], [])
    if path:
        found.write(path)
    if settings.merged:
        write_voice_items(settings.merged, together)
    written = {"output": path, "merged": settings.merged}
    if settings.as_json:
        described = {
            "items": dict(found.about),
            "model": settings.model,
            "n_missing": found.n_missing,
            "prompts": dict(found.prompts),
            **{name: str(file) for name, file in written.items() if file},
        }
        steps = [found.summary.to_row("annotate")] if found.summary else []
        print_json("voice annotate", described, found.rows(), steps=steps)
    else:
        _print(found, {"annotations": path, "items": settings.merged})
    return 1 if found.n_missing else 0


def _print(found: AnnotatedItems, files: dict[str, Path | None]) -> None:
    from truetwin.cli.output import Column, note, print_table
    from truetwin.llm import State

    columns = [
        Column("capability", "capability"),
        Column("primary", "primary", "d"),
        Column("labelled", "true", "d"),
    ]
    print_table(found.rows(), columns, title=f"{len(found.known)} of {len(found.items)} items annotated")
    if found.n_missing:
        counts = found.summary.counts if found.summary else {}
        states = [f"{n} {state.value}" for state, n in counts.items() if n and state is not State.VALID]
        note(f"{found.n_missing} items have no readable annotation: {', '.join(states) or 'none is given'}")
    for what, file in files.items():
        if file:
            note(f"{what}: {file}")

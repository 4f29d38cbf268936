"""Annotate with a model which capability an item tests (paper B, section 4.2, appendix B)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from truetwin.io.json_lines import write_json_lines
from truetwin.llm import Cell, Parsed, Reply
from truetwin.llm.json_replies import object_schema
from truetwin.voice.items.voice_dimensions import voice_dimensions
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.item_rendering import history_block, language_note, persona_block, quoted
from truetwin.voice.protocols.judgement_reading import read_capabilities
from truetwin.voice.protocols.voice_task import VoiceTask

#: Three of mindset, three of language.
CAPABILITIES = (
    "opinion_consistency",
    "memory_recall",
    "logical_reasoning",
    "lexical_fidelity",
    "persona_tone",
    "syntactic_style",
)


class AnnotationTask(VoiceTask):
    """Task of annotating items: one primary capability, and for each of the six whether the item tests it.

    The parsed value is ``{"primary": name, "labels": {name: bool}}``.
    """

    step = "annotate"

    def prompt_name(self, item: VoiceItem) -> str:
        """Name of the prompt, the same for all items."""
        return "annotate"

    def values(self, item: VoiceItem, rotation: int) -> Mapping[str, str]:
        """Fill the placeholders of the prompt."""
        return {
            "language": language_note(item.language),
            "kind": self.words[voice_dimensions[item.dimension].reply],
            "persona": persona_block(item.persona, "Who the person is", self.words),
            "history": history_block(item, self.setup.history, self.words),
            "stimulus": quoted(self.words["situation"], item.stimulus),
            "reference": quoted(self.words["true reply"], item.true_option.text),
        }

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON schema of six booleans and a name."""
        return object_schema(
            {
                "labels": object_schema({name: {"type": "boolean"} for name in CAPABILITIES}),
                "primary": {"type": "string", "enum": list(CAPABILITIES)},
            }
        )

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read the annotation from a reply."""
        return read_capabilities(reply, CAPABILITIES)


def annotation_record(item_id: str, annotation: Mapping[str, Any]) -> dict[str, Any]:
    """Make one line of an annotation file; it can be merged with items on ``item_id``."""
    return {"item_id": item_id, "primary": annotation["primary"], "labels": dict(annotation["labels"])}


def write_annotations(path: str | Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write annotations as JSONL, whole or not at all."""
    write_json_lines(Path(path), records)

"""Which capability an item tests: annotation by a model (paper B, section 4.2, appendix B)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from truetwin.io.json_lines import write_json_lines
from truetwin.llm import Cell, Parsed, Reply
from truetwin.llm.json_replies import object_schema
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.item_rendering import KINDS, history_block, language_note, persona_block, quoted
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
    """One primary capability and six booleans; the parsed value is ``{"primary": name, "labels": {name: bool}}``."""

    step = "annotate"

    def prompt_name(self, item: VoiceItem) -> str:
        """One prompt for all."""
        return "annotate"

    def values(self, item: VoiceItem, rotation: int) -> Mapping[str, str]:
        """What goes into the prompt."""
        return {
            "language": language_note(item.language),
            "kind": KINDS[item.dimension],
            "persona": persona_block(item.persona, "Who the person is"),
            "history": history_block(item, self.setup.history),
            "stimulus": quoted("situation", item.stimulus),
            "reference": quoted("true reply", item.true_option.text),
        }

    @property
    def schema(self) -> Mapping[str, Any]:
        """Six booleans and a name."""
        return object_schema(
            {
                "labels": object_schema({name: {"type": "boolean"} for name in CAPABILITIES}),
                "primary": {"type": "string", "enum": list(CAPABILITIES)},
            }
        )

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """The annotation that a reply holds."""
        return read_capabilities(reply, CAPABILITIES)


def annotation_record(item_id: str, annotation: Mapping[str, Any]) -> dict[str, Any]:
    """An annotation as a line of a file, to be merged with items on ``item_id``."""
    return {"item_id": item_id, "primary": annotation["primary"], "labels": dict(annotation["labels"])}


def write_annotations(path: str | Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write annotations as JSONL, whole or not at all."""
    write_json_lines(Path(path), records)

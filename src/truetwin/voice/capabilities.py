"""Which capability an item tests: annotation by a model (paper B, section 4.2, appendix B)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truetwin.llm import Cell, Parsed, Reply
from truetwin.voice.items import VoiceItem
from truetwin.voice.reading import read_capabilities
from truetwin.voice.rendering import KINDS, history_block, language_note, persona_block, quoted
from truetwin.voice.task import VoiceTask, object_schema

#: Three of mindset, three of language. In prompts and replies they have underscores for spaces.
CAPABILITIES = (
    "opinion consistency",
    "memory recall",
    "logical reasoning",
    "lexical fidelity",
    "persona tone",
    "syntactic style",
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
        words = [name.replace(" ", "_") for name in CAPABILITIES]
        return object_schema(
            labels=object_schema(**{word: {"type": "boolean"} for word in words}),
            primary={"type": "string", "enum": words},
        )

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """The annotation that a reply holds."""
        return read_capabilities(reply, CAPABILITIES)


def annotation_record(item_id: str, annotation: Mapping[str, Any]) -> dict[str, Any]:
    """An annotation as a line of a file, to be merged with items on ``item_id``."""
    return {"item_id": item_id, "primary": annotation["primary"], "labels": dict(annotation["labels"])}

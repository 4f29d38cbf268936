"""Convert questions of any common layout to items, as the settings of a job say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from truetwin.settings.voice_settings import VoiceConvert
from truetwin.voice.items.item_faults import find_faults
from truetwin.voice.items.question_records import (
    Reading,
    first_index_of,
    questions_as_items,
    read_questions,
)
from truetwin.voice.items.voice_items import VoiceItem, chance


@dataclass(frozen=True)
class Converted:
    """Items made of questions.

    Attributes
    ----------
    items : list of VoiceItem
        The items, in the file's order.
    first_index : int, optional
        Number of the first option where answers are numbers; None if no answer told.
    """

    items: list[VoiceItem]
    first_index: int | None

    def facts(self) -> dict[str, Any]:
        """Count what is known of the items, by name."""
        sizes = Counter(len(item.options) for item in self.items)
        return {
            "n": len(self.items),
            "n_personas": len({item.persona.id for item in self.items}),
            "n_with_history": sum(bool(item.history) for item in self.items),
            "dimensions": sorted({item.dimension for item in self.items}),
            "languages": sorted({item.language for item in self.items}),
            "options": {str(size): n for size, n in sorted(sizes.items())},
            "chance": 100 * chance(self.items),
            "first_index": self.first_index,
        }

    def faults(self) -> dict[str, int]:
        """Count faults of items that a benchmark should not have, by kind; kinds without items are left out."""
        return {found.name: found.n for found in find_faults(self.items) if found.n}


def convert_asked(settings: VoiceConvert) -> Converted:
    """Read questions as items.

    Raises
    ------
    DataError, FileFormatError
        If a question cannot be read; the message names its place.
    """
    records = read_questions(settings.questions)
    first = settings.first_index if settings.first_index is not None else first_index_of(records)
    reading = Reading(
        settings.dimension, settings.language, first, "say with --dimension, or in the field 'dimension'"
    )
    return Converted(list(questions_as_items(records, reading)), first)

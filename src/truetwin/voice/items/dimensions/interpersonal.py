"""Interpersonal personas: members of Telegram channels, 2500 items in several languages (paper B, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from truetwin.errors import FileFormatError
from truetwin.voice.items.dimensions.loading import (
    Loaded,
    indexed_options,
    load_records,
    marked_turn,
    text_field,
)
from truetwin.voice.items.script_language import language_of
from truetwin.voice.items.voice_dimensions import Layout, VoiceDimension
from truetwin.voice.items.voice_items import VoiceItem, VoicePersona

DIMENSION = "interpersonal"
MARKS = ("Context:", "UserReply:")
DISTRACTOR_SOURCE = "model"


def load(path: Path, *, remove_leaks: bool = True) -> Loaded:
    """Load items from a file in the published layout.

    Parameters
    ----------
    path : Path
        JSONL with ``user_id, context, history, choices, answer_idx``.
    remove_leaks : bool, default=True
        Remove history turns and places of the context that hold the true reply; if false they are only counted.
    """
    return load_records(path, record_to_item, remove_leaks=remove_leaks)


def load_published(*, remove_leaks: bool = True) -> Loaded:
    """Load the published items, fetched if need be."""
    from truetwin.datasets.twinvoice import INTERPERSONAL, twinvoice

    return load(twinvoice.fetch(INTERPERSONAL), remove_leaks=remove_leaks)


def record_to_item(record: Mapping[str, Any], number: int, where: str) -> VoiceItem:
    """Convert one published record to an item; its language is guessed from the letters of context and true reply."""
    user, context = (text_field(record, name, where) for name in ("user_id", "context"))
    options, answer = indexed_options(record, "answer_idx", DISTRACTOR_SOURCE, where)
    history = record.get("history")
    if not isinstance(history, list):
        raise FileFormatError(f"{where}: 'history' must be a list of turns; got {history!r:.80}")
    true = next(option.text for option in options if option.id == answer)
    return VoiceItem(
        f"{DIMENSION}-{number:04d}",
        DIMENSION,
        language_of(f"{context} {true}"),
        VoicePersona(user),
        context,
        options,
        answer,
        history=tuple(marked_turn(text, MARKS, k, where) for k, text in enumerate(history, 1)),
        provenance={"dataset": "twinvoice", "line": number},
    )


VOICE_DIMENSION = VoiceDimension(
    DIMENSION,
    reply="message",
    turn=("Message", "Reply"),
    layouts=(Layout(DIMENSION, ("user_id", "context", "choices", "answer_idx"), load),),
    published=load_published,
)

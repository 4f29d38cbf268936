"""Find which items stored answers belong to, by content: a line's number is the item's only in a file that is whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from truetwin.datasets.twinvoice import CHOICES, INTERPERSONAL, PROFILES, SOCIAL, twinvoice
from truetwin.voice.items.dimensions import interpersonal, narrative, social
from truetwin.voice.items.voice_items import VoiceItem

#: What two descriptions of one item have in common.
Content = Hashable


def content_of(item: VoiceItem) -> Content:
    """Return what tells an item from others: its stimulus, its options in any order, and the true reply."""
    options = tuple(sorted(option.text.strip() for option in item.options))
    return item.dimension, item.stimulus.strip(), options, item.true_option.text.strip()


def said_where(item: VoiceItem) -> Content:
    """Return what a choice in a novel repeats of its item: the passage and the true reply."""
    return item.provenance.get("chunk_id"), item.true_option.text.strip()


def matched(
    wanted: Sequence[tuple[str, Content]], items: Sequence[VoiceItem], content: Any = content_of
) -> list[VoiceItem | None]:
    """Find the item of each of some answers.

    The item that has the answer's own id is taken if its content agrees, else the first of that content that no other
    answer has taken.

    Parameters
    ----------
    wanted : sequence of (id, content)
        The answers.
    items : sequence of VoiceItem
        Items among which to look.
    content : callable
        What is compared.
    """
    by_content: dict[Content, list[VoiceItem]] = defaultdict(list)
    for item in items:
        by_content[content(item)].append(item)
    found: list[VoiceItem | None] = [
        next((item for item in by_content.get(known, ()) if item.item_id == own), None)
        for own, known in wanted
    ]
    taken = {item.item_id for item in found if item is not None}
    for place, (_, known) in enumerate(wanted):
        if found[place] is None:
            found[place] = next((i for i in by_content.get(known, ()) if i.item_id not in taken), None)
            if (one := found[place]) is not None:
                taken.add(one.item_id)
    return found


def published_items(dimension: str) -> list[VoiceItem]:
    """Return the published items of a dimension, with their histories, if they are on this machine; else none."""
    files = {"social": (SOCIAL,), "interpersonal": (INTERPERSONAL,), "narrative": (CHOICES, PROFILES)}
    paths = files.get(dimension, ())
    if not paths or not all(map(twinvoice.is_available, paths)):
        return []
    return list(_loaded(dimension, *((str(p), p.stat().st_mtime_ns) for p in map(twinvoice.fetch, paths))))


@lru_cache(maxsize=4)
def _loaded(dimension: str, *files: tuple[str, int]) -> tuple[VoiceItem, ...]:
    loaders: Mapping[str, Any] = {
        "social": social.load, "interpersonal": interpersonal.load, "narrative": narrative.load,
    }  # fmt: skip
    return tuple(loaders[dimension](*(Path(name) for name, _ in files), remove_leaks=False).items)

"""Which items a run plays: a published dimension or a file, whole or in part, as they are or as a control."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import ParameterError, UnknownNameError
from truetwin.registry import closest
from truetwin.voice.controls import with_swapped_history, without_history
from truetwin.voice.items import DIMENSIONS, VoiceItem, read_voice_items
from truetwin.voice.task import describe_items

#: What is taken away from items before they are played, by name.
CONTROLS: Mapping[str, Callable[[Sequence[VoiceItem], int], list[VoiceItem]]] = {
    "none": lambda items, seed: list(items),
    "no-history": lambda items, seed: without_history(items, keep_profile=True),
    "no-persona": lambda items, seed: without_history(items),
    "swapped": lambda items, seed: with_swapped_history(items, seed=seed),
}


@dataclass(frozen=True)
class Selected:
    """Items to play, and the record by which a run knows them; the record does not depend on the limit."""

    items: list[VoiceItem]
    about: Mapping[str, Any]


def select_items(
    source: str | Path, *, control: str = "none", seed: int = 0, limit: int | None = None
) -> Selected:
    """Items of a published dimension, by name, or of a file in our own format.

    Parameters
    ----------
    source : str or Path
        ``"narrative"``, or a JSONL file of items.
    control : {"none", "no-history", "no-persona", "swapped"}
        Control condition: without the history, also without the profile, or with another person's.
    seed : int
        Seed of the swap.
    limit : int, optional
        Only the first so many.

    Raises
    ------
    UnknownNameError
        If there is no such control.
    ParameterError
        If the limit is below 1, or the dimension is not published as a file that can be fetched.
    """
    if control not in CONTROLS:
        raise UnknownNameError(
            f"the control must be one of {', '.join(CONTROLS)}; got {control!r}.{closest(control, list(CONTROLS))}"
        )
    if limit is not None and limit < 1:
        raise ParameterError(f"the limit must be at least 1 item; got {limit}")
    items = CONTROLS[control](_load(source), seed)
    return Selected(items[:limit], describe_items(items, source=Path(source).name, control=control))


def _load(source: str | Path) -> list[VoiceItem]:
    if source == "narrative":
        from truetwin.voice.dimensions.narrative import load

        return load().items
    if source in DIMENSIONS:
        raise ParameterError(
            f"the {source} items are not published as a file that can be fetched; give a file of items of your own"
        )
    return read_voice_items(source)

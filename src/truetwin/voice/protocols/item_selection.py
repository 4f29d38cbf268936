"""Select the items of a run: a published dimension or a file, whole or in part, as they are or as a control."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.settings.voice_settings import Control, ControlledItems
from truetwin.voice.items.controls import with_swapped_history, without_history
from truetwin.voice.items.item_sources import load_source
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.protocols.voice_task import describe_items

#: What is taken away from items before they are played, by name.
CONTROLS: Mapping[Control, Callable[[Sequence[VoiceItem], int], list[VoiceItem]]] = {
    "none": lambda items, seed: list(items),
    "no-history": lambda items, seed: without_history(items, keep_profile=True),
    "no-persona": lambda items, seed: without_history(items),
    "swapped": lambda items, seed: with_swapped_history(items, seed=seed),
}


@dataclass(frozen=True)
class Selected:
    """Items to play, and the record that identifies them in a stored run; the record does not depend on the limit."""

    items: list[VoiceItem]
    about: Mapping[str, Any]


def select_items(
    source: str | Path,
    *,
    control: Control = "none",
    seed: int = 0,
    limit: int | None = None,
    profiles: Path | None = None,
) -> Selected:
    """Select items of a published dimension, by name, or of a file in any known layout.

    Leaks of the true reply are removed.

    Parameters
    ----------
    source : str or Path
        See :func:`truetwin.voice.items.item_sources.load_source`.
    control : {"none", "no-history", "no-persona", "swapped"}
        Control condition: without the history, also without the profile, or with another person's.
    seed : int
        Seed of the swap.
    limit : int, optional
        Number of items to keep, from the first.
    profiles : Path, optional
        Profiles that go with a file of narrative items in the published layout.

    Raises
    ------
    ParameterError
        If there is no such control, or the limit is below 1.
    """
    ControlledItems(control=control, limit=limit, profiles=profiles)
    loaded = load_source(str(source), profiles=profiles, remove_leaks=True)
    items = CONTROLS[control](loaded.items, seed)
    about = describe_items(items, source=Path(source).name, layout=loaded.layout, control=control)
    return Selected(items[:limit], about)

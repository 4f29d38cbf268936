"""Select the items of a run: a published dimension or a file, whole or in part, as they are or as a control."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import DataError
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
    """Items to play, and the record that identifies them in a stored run; the record does not depend on the limit.

    Attributes
    ----------
    items : list of VoiceItem
        Items to play.
    about : mapping
        The record.
    label : str
        What tables must say of a model that plays them, if it does not know the persons as they are; empty otherwise.
    remarks : tuple of str
        What is to be said of the items, in sentences.
    """

    items: list[VoiceItem]
    about: Mapping[str, Any]
    label: str = ""
    remarks: tuple[str, ...] = ()

    def labelled(self, model: str) -> str:
        """Name a model that plays these items, with the label.

        Examples
        --------
        >>> Selected([], {}, "no persona known").labelled("gpt-4o")
        'gpt-4o (no persona known)'
        """
        return f"{model} ({self.label})" if self.label else model


def select_items(
    source: str | Path,
    *,
    control: Control | None = "none",
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
    control : {"none", "no-history", "no-persona", "swapped"}, optional
        Control condition: without the history, also without the profile, or with another person's. ``None`` takes the
        items as they are and refuses those that tell nothing of their person; ``"none"`` lets them be played, labelled.
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
    DataError
        If persons are to be played of whom the items tell nothing.
    """
    ControlledItems(control=control, limit=limit, profiles=profiles)
    loaded = load_source(str(source), profiles=profiles, remove_leaks=True)
    items = CONTROLS[control or "none"](loaded.items, seed)
    about = describe_items(items, source=Path(source).name, layout=loaded.layout, control=control or "none")
    chosen = items[:limit]
    remarks = [loaded.report.remark] if loaded.report.remark else []
    unknown = [item.item_id for item in chosen if not item.knows_persona]
    if control is None:
        emptied = set(unknown) & set(loaded.report.found["leak in history"])
        _refuse_unknown([i for i in unknown if i not in emptied], len(chosen), source, loaded.report.remark)
        if emptied:
            remarks.append(
                f"{len(emptied)} of {len(chosen)} items tell nothing of their person, since every earlier reply gave "
                "the true one away and was removed"
            )
    label = _label(control, len(unknown), len(chosen))
    if label and control == "none":
        remarks.append(f"{label}: what the model gets right does not come from the person")
    return Selected(chosen, about, label, tuple(remarks))


def _label(control: Control | None, n_unknown: int, n: int) -> str:
    if control in (None, "none"):
        if control is None or not n_unknown:
            return ""
        return "no persona known" if n_unknown == n else f"no persona known in {n_unknown} of {n} items"
    return f"control: {control}"


def _refuse_unknown(ids: Sequence[str], n: int, source: str | Path, reason: str) -> None:
    """Refuse to have persons played of whom nothing is known."""
    if ids:
        why = f" ({reason.removesuffix('.')})" if reason else ""
        raise DataError(
            f"a persona can be played only if its items tell something of the person (earlier replies, or a profile); "
            f"{len(ids)} of {n} items of {source} tell nothing, first {ids[0]!r}{why}. Give items with histories, or "
            "have them played without a persona, labelled so in every table, by --control none."
        )

"""Dimensions of the voice benchmark: what each is called, where its items come from, and its words in prompts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from truetwin.registry import Registry, must_be


@dataclass(frozen=True)
class Layout:
    """One way in which files of a dimension's items are laid out: JSON lines, one record an item.

    Attributes
    ----------
    name : str
        What it is called in reports.
    fields : tuple of str
        A file whose first record has all of these fields has this layout.
    load : callable
        ``load(path, *, remove_leaks)`` returns a :class:`truetwin.voice.items.dimensions.Loaded`.
    takes_profiles : bool, default=False
        Whether a second file goes with it, which ``load`` takes as ``profiles`` (a path, or None).
    """

    name: str
    fields: tuple[str, ...]
    load: Callable[..., Any]
    takes_profiles: bool = False


@dataclass(frozen=True)
class VoiceDimension:
    """One part of the benchmark (paper B, section 3.2): a kind of persona and of text.

    Attributes
    ----------
    name : str
        What users and items call it.
    reply : str
        What a reply is called in prompts, such as "message".
    turn : tuple of str
        What a turn's stimulus and its reply are called in the history that a model sees, such as ("Post", "Reply").
    layouts : tuple of Layout
        The files that are known as items of this dimension, by the fields of their first record.
    published : callable, optional
        ``published(*, remove_leaks)`` returns the published items (a ``Loaded``), fetched if need be; without it the
        dimension's name alone is no source of items.
    published_layout : str, optional
        Name of the layout of the published items; by default the dimension's.
    prompts : str, default="truetwin.voice"
        The package with the folder ``prompts`` in which ``choose-NAME.txt`` and ``generate-NAME.txt`` are.
    """

    name: str
    reply: str
    turn: tuple[str, str]
    layouts: tuple[Layout, ...] = ()
    published: Callable[..., Any] | None = None
    published_layout: str = ""
    prompts: str = "truetwin.voice"


voice_dimensions: Registry[VoiceDimension] = Registry(
    "dimension",
    hint="Dimensions are {names}.",
    entry_point_group="truetwin.voice_dimensions",
    check=must_be(VoiceDimension),
)
for _name in ("social", "interpersonal", "narrative"):
    voice_dimensions.add_place(_name, f"truetwin.voice.items.dimensions.{_name}:VOICE_DIMENSION")

"""Load items by name, or from a file of any known layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import DataError, DatasetError, FileFormatError, UnknownNameError
from truetwin.registry import closest
from truetwin.voice.items.dimensions import Loaded, LoadReport
from truetwin.voice.items.dimensions.loading import finish, load_records, read_lines
from truetwin.voice.items.question_records import (
    ANSWER,
    OPTIONS,
    TABLES,
    Reading,
    item_of_question,
    json_list,
)
from truetwin.voice.items.voice_dimensions import Layout, VoiceDimension, voice_dimensions
from truetwin.voice.items.voice_items import VoiceItem, read_voice_items


@dataclass(frozen=True)
class Source:
    """Loaded items, and where they come from.

    ``layout`` is ``"own"``, ``"generic"``, or a layout of a dimension, such as ``"social answers"``.
    """

    name: str
    layout: str
    items: list[VoiceItem]
    report: LoadReport


def load_source(source: str, *, profiles: Path | None = None, remove_leaks: bool = False) -> Source:
    """Load the items of a published dimension, or of a file.

    Parameters
    ----------
    source : str
        ``"social"``, ``"interpersonal"`` or ``"narrative"`` (the pinned published items; social ones without their
        histories where only the published answers can be read), or a JSONL file: our own items, a published layout, or
        the generic layout of :func:`generic_item`.
    profiles : Path, optional
        Profiles that go with a file of narrative items; by default ``profiles.jsonl`` beside it.
    remove_leaks : bool, default=False
        Whether leaks of the true reply are removed. Audits need the items as they are; runs do not.

    Raises
    ------
    DatasetError
        For a dimension without published items, or whose published file is not at hand.
    FileFormatError, DataError
        If the file has no known layout, or an item in it is damaged.
    """
    if source in voice_dimensions and not Path(source).is_file():
        return _published(voice_dimensions[source], remove_leaks)
    path = Path(source)
    if not path.is_file():
        known = voice_dimensions.names()
        raise UnknownNameError(
            f"no dimension and no file named {source!r}.{closest(source, known)} Dimensions are {', '.join(known)}."
        )
    if path.suffix.lower() in TABLES or json_list(path) is not None:
        raise FileFormatError(
            f"items must be JSON lines; {path.name} is another kind of file. Make items of it with `truetwin voice "
            f"items convert {path} --dimension NAME --output items.jsonl`."
        )
    first = next((record for _, record in read_lines(path)), None)
    if first is None:
        raise DataError(f"{path} must hold at least one item; it has none")
    layout = _layout_of(first, path)
    more = {"profiles": profiles} if layout.takes_profiles else {}
    loaded = layout.load(path, remove_leaks=remove_leaks, **more)
    return Source(str(path), layout.name, loaded.items, loaded.report)


def generic_item(record: Mapping[str, Any], number: int, where: str) -> VoiceItem:
    """Read a multiple-choice question of any origin as an item.

    Required fields: ``dimension``, ``question`` (or ``stimulus``, ``context``), ``options`` (a list of 2 to 10 texts,
    or letters to texts) and ``answer`` (position from 0, letter, or the text itself). Optional fields: ``id``,
    ``persona`` (or ``user_id``), ``group``, ``language`` and ``history`` (texts, or objects with ``reply`` and
    ``context``).

    Examples
    --------
    >>> question = {"question": "Hi?", "options": ["a", "b", "c"], "answer": "B", "dimension": "social"}
    >>> generic_item(question, 1, "line 1").answer
    'o2'
    """
    remedy = "name it in the field 'dimension', or with `truetwin voice items convert FILE --dimension NAME`"
    return item_of_question(record, number, where, Reading(remedy=remedy))


def _published(dimension: VoiceDimension, remove_leaks: bool) -> Source:
    if dimension.published is None:
        fields = "; or ".join(", ".join(layout.fields) for layout in dimension.layouts)
        raise DatasetError(
            f"the published {dimension.name} items have no pinned file that could be fetched; give the file instead of "
            f"the dimension's name; its records have {fields}"
        )
    loaded = dimension.published(remove_leaks=remove_leaks)
    layout = loaded.layout or dimension.published_layout or dimension.name
    return Source(dimension.name, layout, loaded.items, loaded.report)


def _own(path: Path, *, remove_leaks: bool) -> Loaded:
    return finish(read_voice_items(path), {}, remove_leaks=remove_leaks)


def _generic(path: Path, *, remove_leaks: bool) -> Loaded:
    return load_records(path, generic_item, remove_leaks=remove_leaks)


_OWN = Layout("own", ("item_id", "stimulus", "options", "answer", "persona"), _own)
_GENERIC = Layout("generic", ("answer",), _generic)


def _layout_of(record: Mapping[str, Any], path: Path) -> Layout:
    """The first layout whose fields are all there: our own, then those of the dimensions, then the generic one."""
    known = [_OWN, *(layout for _, dimension in voice_dimensions.items() for layout in dimension.layouts)]
    for layout in known:
        if set(layout.fields) <= set(record):
            return layout
    if any(name in record for name in ANSWER) and any(name in record for name in OPTIONS):
        return _GENERIC
    raise FileFormatError(
        f"{path} must hold multiple-choice items, at least with 'question', 'options' and 'answer'; its first line has "
        f"{', '.join(sorted(record)) or 'no fields'}. `truetwin voice items convert` reads more layouts."
    )

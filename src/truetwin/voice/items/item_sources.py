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
from truetwin.voice.items.script_language import language_of
from truetwin.voice.items.voice_dimensions import Layout, VoiceDimension, voice_dimensions
from truetwin.voice.items.voice_items import (
    FEWEST_OPTIONS,
    LETTERS,
    MOST_OPTIONS,
    Option,
    Turn,
    VoiceItem,
    VoicePersona,
    read_voice_items,
)


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
    first = next((record for _, record in read_lines(path)), None)
    if first is None:
        raise DataError(f"{path} must hold at least one item; it has none")
    layout = _layout_of(first, path)
    more = {"profiles": profiles} if layout.takes_profiles else {}
    loaded = layout.load(path, remove_leaks=remove_leaks, **more)
    return Source(str(path), layout.name, loaded.items, loaded.report)


def generic_item(record: Mapping[str, Any], number: int, where: str) -> VoiceItem:
    """Read a four-option question of any origin as an item.

    Required fields: ``question`` (or ``stimulus``, ``context``), ``options`` (a list of four texts, or letters to
    texts) and ``answer`` (position from 0, letter, or the text itself). Optional fields: ``id``, ``persona`` (or
    ``user_id``), ``group``, ``language`` and ``history`` (texts, or objects with ``reply`` and ``context``). The
    dimension is interpersonal unless given.

    Examples
    --------
    >>> generic_item({"question": "Hi?", "options": ["a", "b", "c", "d"], "answer": "B"}, 1, "line 1").answer
    'o2'
    """
    question = next(
        (record[n] for n in ("question", "stimulus", "context") if record.get(n) is not None), None
    )
    if not isinstance(question, str):
        raise FileFormatError(f"{where}: 'question' must be a text; got {question!r:.80}")
    listed = record.get("options", record.get("choices"))
    texts = list(listed.values()) if isinstance(listed, dict) else listed
    letters = [str(k) for k in listed] if isinstance(listed, dict) else list(LETTERS)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise FileFormatError(f"{where}: 'options' must be texts; got {listed!r:.80}")
    if not FEWEST_OPTIONS <= len(texts) <= MOST_OPTIONS:
        raise DataError(
            f"{where}: an item must have {FEWEST_OPTIONS} to {MOST_OPTIONS} options; got {len(texts)}"
        )
    letters = letters[: len(texts)]
    answer = _answer_place(record.get("answer"), texts, letters, where)
    dimension = record.get("dimension", "interpersonal")
    if dimension not in voice_dimensions:
        raise DataError(
            f"{where}: 'dimension' must be one of {', '.join(voice_dimensions)}; got {dimension!r:.80}"
        )
    return VoiceItem(
        str(record.get("id", record.get("item_id", f"item-{number:04d}"))),
        dimension,
        str(record.get("language") or language_of(f"{question} {texts[answer]}")),
        VoicePersona(str(record.get("persona", record.get("user_id", f"item-{number:04d}")))),
        question,
        tuple(
            Option(f"o{k}", text, "true" if k == answer + 1 else "distractor")
            for k, text in enumerate(texts, 1)
        ),
        f"o{answer + 1}",
        history=tuple(_turn(turn, k, where) for k, turn in enumerate(record.get("history") or (), 1)),
        group=str(record.get("group") or ""),
        provenance={"line": number},
    )


def _answer_place(answer: object, texts: list[str], letters: list[str], where: str) -> int:
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(texts):
        return answer
    if isinstance(answer, str) and answer in letters:
        return letters.index(answer)
    if isinstance(answer, str) and texts.count(answer) == 1:
        return texts.index(answer)
    raise DataError(
        f"{where}: 'answer' must be a place from 0 to {len(texts) - 1}, one of {', '.join(letters)}, or the text "
        f"of one option; got {answer!r:.80}"
    )


def _turn(turn: object, position: int, where: str) -> Turn:
    if isinstance(turn, str):
        return Turn(turn, "", str(position))
    if isinstance(turn, dict) and isinstance(turn.get("reply"), str):
        return Turn(turn["reply"], str(turn.get("context") or ""), str(position))
    raise FileFormatError(f"{where}: a history turn must be a text or have a 'reply'; got {turn!r:.80}")


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
    if "answer" in record and ("options" in record or "choices" in record):
        return _GENERIC
    raise FileFormatError(
        f"{path} must hold multiple-choice items, at least with 'question', 'options' and 'answer'; its first line has "
        f"{', '.join(sorted(record)) or 'no fields'}"
    )

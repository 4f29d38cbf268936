"""Narrative personas: 49 characters of eight novels, 1187 items, distractors by a model (paper B, section 4.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from truetwin.errors import DataError, FileFormatError
from truetwin.voice.items.dimensions.loading import Loaded, finish, read_lines, text_field
from truetwin.voice.items.voice_dimensions import Layout, VoiceDimension
from truetwin.voice.items.voice_items import N_OPTIONS, Option, Turn, VoiceItem, VoicePersona

DIMENSION = "narrative"
LANGUAGE = "en"
LETTERS = "ABCD"
DISTRACTOR_SOURCE = "model"

Profile = Mapping[str, Any]
#: Speaker, chunk and words of an utterance.
Place = tuple[str, str, str]


def load(choices: Path | None = None, profiles: Path | None = None, *, remove_leaks: bool = True) -> Loaded:
    """Load the published items, each with what its character said earlier in the same novel.

    Parameters
    ----------
    choices, profiles : Path, optional
        Files in the published layout; without them the pinned published files are fetched.
    remove_leaks : bool, default=True
        Remove history turns and places of the stimulus that hold the true reply. If false they are only counted; an
        audit of the published benchmark needs this.

    Raises
    ------
    FileFormatError, DataError
        If a line is damaged, an option or the right letter is missing, or a speaker has no profile.
    """
    if choices is None or profiles is None:
        from truetwin.datasets.twinvoice import CHOICES, PROFILES, twinvoice

        choices, profiles = choices or twinvoice.fetch(CHOICES), profiles or twinvoice.fetch(PROFILES)
    people = read_profiles(profiles)
    lines = list(read_lines(choices))
    places: dict[Place, set[str]] = {}
    for where, record in lines:
        speaker, chunk, words, novel = (
            text_field(record, name, where)
            for name in ("speaker_match_key", "chunk_id", "utterance", "source_novel")
        )
        places.setdefault((speaker, chunk, words), set()).add(novel)
    items: list[VoiceItem] = []
    later: dict[str, int] = {}
    for number, (where, record) in enumerate(lines, 1):
        item, n_later = record_to_item(record, number, people, places, where)
        items.append(item)
        if n_later:
            later[item.item_id] = n_later
    if not items:
        raise DataError(f"{choices} must hold at least one item; it has none")
    return finish(items, later, remove_leaks=remove_leaks)


def load_file(path: Path, *, profiles: Path | None = None, remove_leaks: bool = True) -> Loaded:
    """Items of a file in the published layout; without ``profiles`` those are in ``profiles.jsonl`` beside it."""
    beside = profiles or path.with_name("profiles.jsonl")
    if not beside.is_file():
        raise FileFormatError(
            f"narrative items need their characters' profiles; there is no {beside}. Name the file with --profiles."
        )
    return load(path, beside, remove_leaks=remove_leaks)


def read_profiles(path: Path) -> dict[str, Profile]:
    """Read profiles by canonical name; the file is one JSON document, whatever its name says."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        listed = content["characterList"]
        people: dict[str, Profile] = {p["NameCanonical"]: {**p, "id": key} for key, p in listed.items()}
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{path} must be one JSON document with characters in 'characterList': {error!r}"
        ) from error
    if len(people) != len(listed):
        raise DataError(f"{path}: canonical names must be unique; {len(listed) - len(people)} occur again")
    return people


def record_to_item(
    record: Mapping[str, Any],
    number: int,
    people: Mapping[str, Profile],
    places: Mapping[Place, set[str]],
    where: str,
) -> tuple[VoiceItem, int]:
    """Convert one published record to an item; also count the turns of its history that are not from before it.

    ``chunk_id`` starts anew in every novel. A turn counts as earlier only if the character says it in the item's
    novel, in an earlier chunk.
    """
    novel, chunk = (text_field(record, name, where) for name in ("source_novel", "chunk_id"))
    speaker = text_field(record, "speaker_match_key", where)
    if speaker not in people:
        raise DataError(f"{where}: the speaker must have a profile; {speaker!r} has none")
    profile = people[speaker]
    options, answer = _options(record, where)
    history, n_later = [], 0
    for turn in profile.get("UtteranceHistory", ()):
        novels = places.get((speaker, turn["chunk_id"], turn["utterance"])) or set(
            profile.get("AppearInNovels", ())
        )
        if novels == {novel} and is_before(turn["chunk_id"], chunk):
            history.append(Turn(turn["utterance"], turn.get("context", ""), turn["chunk_id"]))
        elif turn["chunk_id"] != chunk or turn["utterance"] != record["utterance"]:
            n_later += 1
    provenance = {
        "dataset": "twinvoice",
        "line": number,
        "chunk_id": chunk,
        "speaker": record.get("speaker", speaker),
        "distractor_by": list(record.get("distractor_by", ())),
    }
    item = VoiceItem(
        f"{DIMENSION}-{number:04d}",
        DIMENSION,
        LANGUAGE,
        _persona(profile),
        text_field(record, "context", where),
        options,
        answer,
        history=tuple(sorted(history, key=lambda turn: turn.position)),
        group=novel,
        provenance=provenance,
    )
    return item, n_later


def is_before(chunk: str, other: str) -> bool:
    """Test whether a chunk is surely earlier than another chunk of the same novel.

    Ids are numbers with leading zeros. One has a digit too many ("006001"), so its place is not known for sure. A
    chunk is earlier only if it is so both as a number and as a text.

    Examples
    --------
    >>> is_before("00599", "00601"), is_before("00700", "006001"), is_before("00009", "00009")
    (True, False, False)
    """
    return chunk < other and (not (chunk.isdigit() and other.isdigit()) or int(chunk) < int(other))


def _options(record: Mapping[str, Any], where: str) -> tuple[tuple[Option, ...], str]:
    question = record.get("mcq")
    texts = question.get("options") if isinstance(question, dict) else None
    if not isinstance(question, dict) or not isinstance(texts, dict) or sorted(texts) != list(LETTERS):
        found = sorted(texts) if isinstance(texts, dict) else texts
        raise DataError(
            f"{where}: an item must have {N_OPTIONS} options, {', '.join(LETTERS)}; got {found!r:.80}"
        )
    right = question.get("answer")
    if not isinstance(right, str) or right not in texts:
        raise DataError(f"{where}: the answer must be one of {', '.join(LETTERS)}; got {right!r:.80}")
    if texts[right] != record.get("utterance"):
        raise DataError(f"{where}: the right option must be the utterance itself; it is another text")
    options = tuple(
        Option(f"o{k}", str(texts[letter]), "true" if letter == right else DISTRACTOR_SOURCE)
        for k, letter in enumerate(LETTERS, 1)
    )
    return options, f"o{LETTERS.index(right) + 1}"


def _persona(profile: Profile) -> VoicePersona:
    details = profile.get("Additional Details") or {}
    return VoicePersona(
        profile["id"],
        profile["NameCanonical"],
        traits=tuple(profile.get("Personality Traits", ())),
        goals=tuple(profile.get("Motivation and Goals", ())),
        details=tuple(f"{name}: {_listed(value)}" for name, value in details.items()),
    )


def _listed(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


VOICE_DIMENSION = VoiceDimension(
    DIMENSION,
    reply="line",
    turn=("Scene", "Line"),
    layouts=(Layout(DIMENSION, ("mcq", "speaker_match_key"), load_file, takes_profiles=True),),
    published=load,
)

"""List the characters of a book: from a file, or found by rules, with the forms of their names."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from truetwin.errors import DataError, FileFormatError
from truetwin.voice_sets.novels.word_classes import EXCLUSIVE_TITLES, NO_NAMES, SPEECH_VERBS, TITLES

FEWEST_MENTIONS = 3
#: Mentions that make somebody a person who may speak, where no verb of speech ever stands beside the name.
OFTEN = 10
PLACE_TITLES = ("St", "Saint")
_NAME = r"[A-Z][A-Za-zÀ-ÿ]+(?:[’'-][A-Za-zÀ-ÿ]{2,})*|[A-Z][’'][A-Z][A-Za-zÀ-ÿ]+"
_NAME = rf"(?:{_NAME})"
_TITLE = r"(?:" + "|".join(sorted(TITLES, key=len, reverse=True)) + r")\.?"
_FULL = rf"(?:{_TITLE} )?{_NAME}(?: {_NAME})?"
_VERB = "|".join(sorted(SPEECH_VERBS))
_BESIDE_A_VERB = re.compile(rf"\b(?:{_VERB}) ({_FULL})|({_FULL}) (?:{_VERB})\b")
#: Names with an article: "said the Duchess", "the March Hare replied".
_ARTICLED_BESIDE_A_VERB = re.compile(
    rf"\b(?:{_VERB}) the ({_NAME}(?: {_NAME})?)|\b[Tt]he ({_NAME}(?: {_NAME})?) (?:{_VERB})\b"
)
_TITLED = re.compile(rf"\b({_TITLE}) ({_NAME})")
_GENDERED = re.compile(r"\b(he|him|his|himself|she|her|hers|herself)\b", re.I)


@dataclass(frozen=True)
class Character:
    """Character: one person of a book.

    ``forms`` are ways in which the book names the person; ``gender`` is ``"m"``, ``"f"`` or empty where unknown.
    """

    id: str
    name: str
    forms: tuple[str, ...] = ()
    gender: str = ""
    traits: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    listed: bool = False

    @property
    def surname(self) -> str:
        """Last word of the name; empty for a name of one word, and for a title alone ("Captain")."""
        words = _bare(self.name).split()
        if not words:
            return ""
        return words[-1] if len(words) > 1 or words != self.name.split() else ""


def read_characters(path: str | Path, *, novel: str | None = None) -> list[Character]:
    """Read a list of characters.

    Two layouts: the published profiles (one JSON document with ``characterList``), and our own: JSONL, or a JSON
    list, of objects with ``name`` and optionally ``id``, ``variants``, ``gender`` (m or f), ``traits``, ``goals``,
    ``details``.

    ``novel`` keeps those that the published list says to appear in it.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} must be UTF-8: {error}") from error
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        document = [_line(path, k, line) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
    try:
        if isinstance(document, dict) and "characterList" in document:
            entries = document["characterList"].items()
            people = [
                _published(str(key), entry)
                for key, entry in entries
                if novel is None or novel in entry.get("AppearInNovels", ())
            ]
        else:
            people = [_own(entry) for entry in (document if isinstance(document, list) else [document])]
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{path} must be a list of characters, each with a name: {error!r}") from error
    if not people:
        where = f" of novel {novel!r}" if novel else ""
        raise DataError(f"{path} must list at least one character{where}; it lists none")
    return people


def complete_cast(
    people: Sequence[Character], narration: Sequence[str], cued: Sequence[Character] = ()
) -> list[Character]:
    """Add the people whom the narration names to the listed ones; give all of them the forms of their names.

    ``cued`` are people whom only the lines of a script name.

    A form with a title (Mr., Miss ...) goes to the person of that surname whose gender agrees; one that agrees with
    nobody is another person of that surname. Genders are read off the pronouns that follow a name.
    """
    text = "\n".join(narration)
    titled = Counter((t.rstrip("."), n) for t, n in _TITLED.findall(text))
    known = [replace(p, listed=True) for p in people] + list(cued)
    cast = [_with_gender(replace(p, forms=_plain_forms(p, known)), text) for p in known]
    speaking = _beside_a_verb(narration)
    cast = _add_found(cast, speaking, text)
    owners = _title_owners(cast, titled)
    extra: dict[str, Character] = {}
    for (title, name), count in sorted(titled.items()):
        form = f"{title} {name}"
        if (title, name) in owners:
            k = owners[title, name]
            cast[k] = replace(cast[k], forms=(*cast[k].forms, form))
        elif title not in PLACE_TITLES and count >= (FEWEST_MENTIONS if form in speaking else OFTEN):
            extra[form] = Character(f"found:{form}", form, (form,), TITLES[title])
    return _without_shared_forms([*cast, *extra.values()])


def _published(key: str, entry: Mapping[str, Any]) -> Character:
    details = entry.get("Additional Details") or {}
    return Character(
        id=key,
        name=str(entry["NameCanonical"]),
        forms=tuple(map(str, entry.get("NameVariants", ()))),
        traits=tuple(map(str, entry.get("Personality Traits", ()))),
        goals=tuple(map(str, entry.get("Motivation and Goals", ()))),
        details=tuple(f"{k}: {v}" for k, v in details.items()),
    )


def _own(entry: Mapping[str, Any]) -> Character:
    name = str(entry["name"])
    gender = str(entry.get("gender") or "")
    if gender not in ("", "m", "f"):
        raise DataError(f"a character's gender must be m or f, or be left out; {name!r} has {gender!r}")
    return Character(
        id=str(entry.get("id", name)),
        name=name,
        forms=tuple(map(str, entry.get("variants", ()))),
        gender=gender,
        traits=tuple(map(str, entry.get("traits", ()))),
        goals=tuple(map(str, entry.get("goals", ()))),
        details=tuple(map(str, entry.get("details", ()))),
    )


def _line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise FileFormatError(f"{path}, line {number}: not JSON: {error}") from error


def _bare(form: str) -> str:
    """Take titles off a form."""
    words = [w for w in form.replace("’", "'").removesuffix("'s").split() if w.rstrip(".") not in TITLES]
    return " ".join(words)


def _plain_forms(person: Character, people: Sequence[Character]) -> tuple[str, ...]:
    """Take titles and possessives off the forms: the names themselves, and their parts that nobody else bears."""
    forms = {_bare(person.name), *(_bare(f) for f in person.forms)}
    own = {word for word in _bare(person.name).split() if word[:1].isupper()}
    forms |= own
    others = {word for p in people if p is not person for word in _bare(p.name).split()}
    return tuple(sorted(f for f in forms if len(f) > 2 and f not in others and f.lower() not in NO_NAMES))


def _with_gender(person: Character, text: str) -> Character:
    """Give the person the gender of the pronouns after the name in the same sentence, if they mostly agree."""
    if person.gender or not person.forms:
        return person
    counts: Counter[str] = Counter()
    pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, person.forms)) + r")\b([^.!?\n]{0,80})")
    for following in pattern.findall(text):
        if first := _GENDERED.search(re.split(rf"\b{_NAME}", following)[0]):
            counts[
                "m" if first.group(1).lower().startswith("h") and first.group(1).lower()[:3] != "her" else "f"
            ] += 1
    if not counts:
        return person
    (gender, n), total = counts.most_common(1)[0], sum(counts.values())
    return replace(person, gender=gender) if n >= 0.65 * total and total >= FEWEST_MENTIONS else person


def _beside_a_verb(narration: Sequence[str]) -> Counter[str]:
    """Count how often each name, with its title, stands beside a verb of speech."""
    counts: Counter[str] = Counter()
    for passage in narration:
        for pair in _ARTICLED_BESIDE_A_VERB.findall(passage):
            name = next(filter(None, pair))
            if len(name.split()) > 1 or name.lower() not in NO_NAMES:
                counts[name] += 1
        for pair in _BESIDE_A_VERB.findall(passage):
            words = [w.rstrip(".") for w in next(filter(None, pair)).split()]
            if not any(w.lower() in NO_NAMES for w in words if w not in TITLES):
                counts[" ".join(words)] += 1
    return counts


def _add_found(cast: list[Character], speaking: Counter[str], text: str) -> list[Character]:
    """Add people who speak often enough and are not in the list, by names without titles."""
    known = {word for p in cast for form in (*p.forms, p.name) for word in form.split()}
    found: list[Character] = []
    for form, n in sorted(speaking.items(), key=lambda pair: (-len(pair[0].split()), -pair[1], pair[0])):
        words = form.split()
        titled = words[0] in TITLES and not _has_article(form, text)
        if n < FEWEST_MENTIONS or known & set(words) or titled or _is_common_word(form, text):
            continue
        name = form if len(words) > 1 else _full_name(form, text)
        own = [w for w in words if len(words) == 1 or w not in words[1:] or _full_name(w, text) == w]
        own = [w for w in own if w.lower() not in NO_NAMES]
        known |= set(own)
        forms = tuple(dict.fromkeys((name, form, *own)))
        found.append(_with_gender(Character(f"found:{name}", name, forms), text))
    return cast + found


def _has_article(form: str, text: str) -> bool:
    """Tell whether a word that may be a title is a person's name: "the Queen", never followed by another name."""
    return len(re.findall(rf"\b[Tt]he {re.escape(form)}\b(?! (?:of|{_NAME}))", text)) >= FEWEST_MENTIONS


def _is_common_word(form: str, text: str) -> bool:
    small = len(re.findall(rf"\b{re.escape(form.lower())}\b", text))
    return small > len(re.findall(rf"\b{re.escape(form)}\b", text))


def _full_name(first: str, text: str) -> str:
    """Complete a first name by the surname that most often follows it, if any does more than once."""
    following = Counter(re.findall(rf"\b{re.escape(first)} ({_NAME})", text))
    titled = {name for _, name in _TITLED.findall(text)}
    for surname, n in following.most_common():
        if n > 1 and surname in titled and surname.lower() not in NO_NAMES:
            return f"{first} {surname}"
    return first


def _title_owners(cast: Sequence[Character], titled: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Decide whose each title and name is (positions in the cast): first those with first names, then the commoner."""
    owners: dict[tuple[str, str], int] = {}
    surnames = {p.surname for p in cast}
    order = sorted(titled.items(), key=lambda pair: (pair[0][1] in surnames, -pair[1], pair[0]))
    for (title, name), _ in order:
        fitting = [
            (k, person)
            for k, person in enumerate(cast)
            if name in _bare(person.name).split()
            and _agrees(person.gender, TITLES[title])
            and not _contradicts(title, [t for (t, _), owner in owners.items() if owner == k])
        ]
        if fitting:
            owners[title, name] = max(
                fitting,
                key=lambda pair: (
                    f"{title}. {name}" in pair[1].name or f"{title} {name}" in pair[1].name,
                    bool(TITLES[title]) and pair[1].gender == TITLES[title],
                    pair[1].listed,
                    pair[1].surname == name,
                    -pair[0],
                ),
            )[0]
    return owners


def _agrees(gender: str, title: str) -> bool:
    """Tell whether a person may bear a title; one of unknown gender may bear a man's, as most bare surnames do."""
    return not title or gender == title or (not gender and title == "m")


def _contradicts(title: str, others: Iterable[str]) -> bool:
    taken = set(others)
    return any(title in group and taken & (group - {title}) for group in EXCLUSIVE_TITLES)


def _without_shared_forms(cast: Sequence[Character]) -> list[Character]:
    counts = Counter(form for person in cast for form in set(person.forms))
    kept = []
    for person in cast:
        gender = person.gender or next(
            (TITLES[f.split()[0]] for f in person.forms if f.split()[0] in TITLES and TITLES[f.split()[0]]),
            "",
        )
        forms = tuple(sorted({f for f in person.forms if counts[f] == 1}, key=lambda f: (-len(f), f)))
        kept.append(replace(person, forms=forms, gender=gender))
    return kept

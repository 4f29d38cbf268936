"""Find whom the names that open lines of a script mean: full names, parts of names, abbreviations, pronouns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from truetwin.voice_sets.novels.characters import Character
from truetwin.voice_sets.novels.clues import Subject
from truetwin.voice_sets.novels.script_cues import Cue
from truetwin.voice_sets.novels.word_classes import FEMALE_NOUNS, MALE_NOUNS, PRONOUNS, SEVERAL_PEOPLE, TITLES

#: A name as it opens a line, and whom it means.
Owners = Mapping[str, Subject]
#: An abbreviation has at least so many letters, and leaves out at least so many.
FEWEST_LETTERS, FEWEST_LEFT_OUT = 2, 2


def name_owners(
    cues: Iterable[Cue], people: Sequence[Character], persons: Iterable[str] = ()
) -> tuple[dict[str, Subject], list[Character]]:
    """Say whom each name means, and give the people whom only the script names (``persons``: its list of persons).

    The longest names come first, so that "ROSALIND" and "ROS." are found to mean ROSALIND CONNAGE if one is there.
    Names of several people ("ALL", "MARY AND ANN") mean somebody outside the cast.
    """
    counts = Counter(cue.name for cue in cues)
    owners: dict[str, Subject] = {}
    known = {person.id: _name_words(person) for person in people}
    listed = [_person(name) for name in persons if not _owner(words_of(name), known)]
    known |= {person.id: _name_words(person) for person in listed}
    found: list[Character] = []
    for name in sorted(counts, key=lambda n: (-len(words_of(n)), -len(n), n)):
        words = words_of(name)
        if len(words) == 1 and words[0] in PRONOUNS:
            owners[name] = Subject(gender=PRONOUNS[words[0]], words=words[0])
        elif _is_several(words):
            owners[name] = Subject(words=name.lower())
        elif owner := _owner(words, known):
            owners[name] = Subject(person=owner)
        else:
            person = _person(name)
            found.append(person)
            known[person.id] = [set(words)]
            owners[name] = Subject(person=person.id)
    meant = {subject.person for subject in owners.values()}
    return owners, [*(person for person in listed if person.id in meant), *found]


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in small letters, without stops, articles and "voice of".

    Examples
    --------
    >>> words_of("THE VOICE OF MRS. CONNAGE")
    ('mrs', 'connage')
    """
    plain = re.sub(r"\bvoice of\b|[’']s voice\b", "", name.lower())
    return tuple(w for w in re.findall(r"[^\W_]+(?:[’'-][^\W_]+)*", plain) if w not in ("a", "an", "the"))


def _name_words(person: Character) -> list[set[str]]:
    return [set(words_of(form)) for form in (person.name, *person.forms)]


def _is_several(words: Sequence[str]) -> bool:
    return not words or words[0] in SEVERAL_PEOPLE or "and" in words


def _owner(words: Sequence[str], known: Mapping[str, list[set[str]]]) -> str:
    """Find the only person with all these words in one name; or else, the only one whom they abbreviate."""
    for fits in (_is_among, _abbreviates):
        found = {owner for owner, names in known.items() if any(fits(words, name) for name in names)}
        if len(found) == 1:
            return found.pop()
        exact = {owner for owner in found if set(words) in known[owner]}
        if len(exact) == 1:
            return exact.pop()
        if found:
            return ""
    return ""


def _is_among(words: Sequence[str], name: set[str]) -> bool:
    return set(words) <= name


def _abbreviates(words: Sequence[str], name: set[str]) -> bool:
    """Tell whether each word is a word of the name or begins one, as "ROS." does ROSALIND."""
    return all(
        any(
            full == word
            or (
                len(word) >= FEWEST_LETTERS
                and full.startswith(word)
                and len(full) - len(word) >= FEWEST_LEFT_OUT
            )
            for full in name
        )
        for word in words
    )


def _person(name: str) -> Character:
    """Make a person of a name in capitals; the name in capitals stays a form, as directions have it."""
    words = words_of(name)
    own = [w for w in name.split() if set(words_of(w)) & set(words)]
    plain = " ".join(w[:1] + w[1:].lower() for w in own)
    titles = [TITLES.get(w.capitalize(), "") for w in words]
    gender = next(filter(None, titles), "")
    if not gender:
        gender = "m" if MALE_NOUNS & set(words) else "f" if FEMALE_NOUNS & set(words) else ""
    return Character(f"found:{plain}", plain, (name,), gender)

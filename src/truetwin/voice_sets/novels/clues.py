"""Find clues to the speaker in the words around a quotation: verbs of speech, names, pronouns, beats, vocatives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from truetwin.voice_sets.novels.characters import Character
from truetwin.voice_sets.novels.word_classes import (
    FEMALE_NOUNS,
    MALE_NOUNS,
    NO_NAMES,
    PARENTS,
    PRONOUNS,
    SPEECH_VERBS,
    TITLES,
)

Kind = Literal["cue", "tag", "lead", "beat"]
_VERB = "|".join(sorted(SPEECH_VERBS))
_OWNED_VOICE = re.compile(
    r"\b([Hh]er|[Hh]is) (?:[a-z-]+ )?(?:voice|words?|mutterings?|murmurs?|answer|reply|lips|remark|question|cry)\b"
)
_TO_A_PARENT = re.compile(
    r"(?:^|[,;!?.—-]\s*)(?:(?:my|dear|dearest|poor|oh),?\s)*(" + "|".join(PARENTS) + r")\s*(?=[,.!?;—-]|$)",
    re.I,
)
_QUOTED_WITHIN = re.compile(r"(?<!\w)‘[^‘’]*[,.!?]’|“[^“”]*”|(?<!\w)'[^']*[,.!?]'|\"[^\"]*\"")
_BARE = r"[a-z][a-z’'-]*"


@dataclass(frozen=True)
class Subject:
    """Subject of a sentence: a character's id, or a gender, or somebody else (``words``)."""

    person: str = ""
    gender: str = ""
    words: str = ""
    relation: str = ""


@dataclass(frozen=True)
class Clue:
    """Clue: one pointer to a speaker and how it was found."""

    kind: Kind
    subject: Subject


@dataclass(frozen=True)
class Mention:
    """Mention of a character at a place of a text; possessive ones ("her friend's hat") are marked."""

    person: str
    at: int
    possessive: bool


class Names:
    """Finder of characters in running text, by every form of their names.

    Parameters
    ----------
    cast : sequence of Character
        The people, with forms that no two of them share.
    """

    def __init__(self, cast: Sequence[Character]) -> None:
        self.cast = {person.id: person for person in cast}
        owned = [(form, person.id) for person in cast for form in person.forms]
        #: A name in capitals is the same name, cried out or in a direction.
        self._owner = {form.upper(): owner for form, owner in owned} | dict(owned)

    @cached_property
    def pattern(self) -> str:
        """Regular expression for all forms, longest first; never matches if there is none."""
        forms = sorted(self._owner, key=lambda f: (-len(f), f))
        return "|".join(_flexible(f) for f in forms) or r"(?!)"

    @cached_property
    def _mention(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w’'-])({self.pattern})(?:([’']s?)(?!\w))?(?!\w)")

    def owner(self, form: str) -> str:
        """Find the id of whoever has this form."""
        return self._owner.get(form.replace(".", ""), "") or self._owner.get(form, "")

    def mentions(self, text: str) -> list[Mention]:
        """Find every naming of a character, in order."""
        return [
            Mention(self.owner(m.group(1)), m.start(), bool(m.group(2)) and m.group(2) != "’ ")
            for m in self._mention.finditer(text)
        ]

    def addressed(self, speech: str) -> set[str]:
        """Find the characters whom a speech addresses: names set off by commas or stops, outside words it quotes."""
        return {self.owner(m.group(1)) for m in self._address.finditer(_QUOTED_WITHIN.sub(" ", speech))}

    @cached_property
    def _address(self) -> re.Pattern[str]:
        before = r"(?i:my|my own|dear|dearest|poor|old|O|oh|ah|why|and|but|well|no|yes|you)"
        after = r"(?:dear|darling|dearest|my \w+|old \w+)"
        return re.compile(
            rf"(?:^|[,;!?.—–…-]\s*)(?:{before}\s+)*({self.pattern})(?:,?\s+{after})?\s*(?=[,.!?;—–…]|--|$)"
        )

    def parents_addressed(self, speech: str) -> str:
        """Find the gender of a parent whom a speech addresses as such, or nothing."""
        found = _TO_A_PARENT.search(speech)
        return PARENTS[found.group(1).lower()] if found else ""

    @cached_property
    def _subject(self) -> str:
        titles = "|".join(sorted(TITLES))
        return (
            rf"(?:[Tt]he\s+)?(?P<name>{self.pattern})(?!\w|[’']s)"
            r"|(?P<pronoun>[Hh]e|[Ss]he|I|[Tt]hey)\b"
            rf"|(?P<kin>(?:[Hh]er|[Hh]is|[Mm]y|(?:{self.pattern})[’']s)\s+(?:{_BARE}\s+){{0,2}}?"
            rf"(?:{'|'.join(sorted(MALE_NOUNS | FEMALE_NOUNS))})\b)"
            rf"|(?P<noun>(?:[Tt]he|[Aa]n?|[Tt]his|[Tt]hat|[Hh]is|[Hh]er|[Oo]ne|[Aa]nother)\s+(?:{_BARE}\s+){{0,3}}?"
            rf"(?:{_BARE}))"
            rf"|(?P<stranger>(?:(?:{titles})\.?\s+)?[A-Z][a-z]{{2,}}(?![’']s))"
        )

    @cached_property
    def _after(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """Build the pattern of what may follow a quotation: "said X" and "X (softly) said"."""
        inverted = re.compile(rf"^[\s,;—–-]*(?:{_VERB})\s+(?:{self._subject})")
        straight = re.compile(
            rf"^[\s,;—–-]*(?:{self._subject})(?:,?\s+(?!and\b|but\b|who\b)[a-z][\w’'-]*){{0,4}}?,?\s+(?:{_VERB})\b"
        )
        return inverted, straight

    @cached_property
    def _starts(self) -> re.Pattern[str]:
        return re.compile(
            rf"^[\s,;—–-]*(?:(?:And|But|Then|So|Here|Now|At last|At this),?\s+)?(?:{self._subject})"
        )

    def after(self, narration: str) -> Subject | None:
        """Find the subject of a verb of speech that follows a quotation."""
        inverted, straight = self._after
        clause = re.split(r"(?<!Mr)(?<!Mrs)(?<!Dr)(?<!St)[.;:!?](?:\s|$)", narration)[0]
        if found := inverted.match(clause):
            return self._resolved(found, strangers=True)
        if found := straight.match(clause):
            return self._resolved(found, strangers=False)
        return None

    def before(self, narration: str) -> Subject | None:
        """Find who introduces a quotation: the subject of the verb of speech ("Anne said, ...") right before it."""
        text = narration.rstrip()
        if not text.endswith((",", ":", "—", ":—")):
            return None
        sentence = _sentences(text)[-1]
        if not re.search(
            rf"\b(?:{_VERB}|saying|replying|crying|adding|exclaiming|voice|words)\b", sentence
        ) and not (text.endswith(":")):
            return None
        return self._first_subject(sentence)

    def beat(self, sentence: str) -> Subject | None:
        """Find whoever acts at the beginning of a sentence of narration."""
        found = self._starts.match(sentence)
        return self._resolved(found, strangers=False) if found else None

    def beats(self, narration: str) -> list[Subject]:
        """Find whoever acts in each sentence of narration, where that can be told."""
        return [s for sentence in _sentences(narration) if (s := self.beat(sentence.strip()))]

    def _first_subject(self, sentence: str) -> Subject | None:
        straight = re.compile(
            rf"(?<![\w’'])(?:{self._subject})(?=(?:,?\s+(?!and\b|but\b)[\w’'-]+){{0,4}}?,?\s+(?:{_VERB})\b)"
        )
        for found in straight.finditer(sentence):
            if subject := self._resolved(found, strangers=False):
                return subject
        opening = self._starts.match(sentence.strip())
        if opening and (subject := self._resolved(opening, strangers=False)):
            return subject
        if owned := _OWNED_VOICE.search(sentence):
            return Subject(gender="f" if owned.group(1).lower() == "her" else "m")
        named = [m for m in self.mentions(sentence) if not m.possessive]
        if named:
            return Subject(person=named[0].person)
        pronoun = re.search(r"\b(he|she)\b", sentence)
        return Subject(gender=PRONOUNS[pronoun.group(1)]) if pronoun else None

    def _resolved(self, found: re.Match[str], *, strangers: bool) -> Subject | None:
        """Find whom a match names; somebody without name or known noun counts only where ``strangers`` may stand."""
        parts: Mapping[str, str | None] = found.groupdict()
        if name := parts["name"]:
            return Subject(person=self.owner(name))
        if pronoun := parts["pronoun"]:
            word = pronoun.lower()
            return Subject(gender=PRONOUNS.get(word, ""), words="narrator" if pronoun == "I" else word)
        if kin := parts["kin"]:
            return self._relative(kin)
        if noun := parts["noun"]:
            return self._described(noun, strangers)
        stranger = str(parts["stranger"])
        if not strangers or stranger.lower() in NO_NAMES:
            return None
        return Subject(words=stranger, gender=TITLES.get(stranger.split()[0].rstrip("."), ""))

    def _relative(self, phrase: str) -> Subject:
        words = re.sub(r"[’']s\b", "", phrase).split()
        noun = words[-1].lower()
        gender = "m" if noun in MALE_NOUNS else "f"
        owner = self.owner(" ".join(words[:-1])) or next((self.owner(w) for w in words if self.owner(w)), "")
        if noun in PARENTS and owner:
            parent = self.parent_of(owner, gender)
            return Subject(person=parent, gender=gender, words="" if parent else phrase)
        possessor = words[0].lower()
        if noun in PARENTS and possessor in ("her", "his"):
            return Subject(gender=gender, words=phrase, relation="f" if possessor == "her" else "m")
        return Subject(gender=gender, words=phrase)

    def parent_of(self, child: str, gender: str) -> str:
        """Find whoever of that gender shares the child's surname, if it is one person."""
        surname = self.cast[child].surname
        found = [
            p.id
            for p in self.cast.values()
            if surname and p.id != child and p.name.split()[-1] == surname and p.gender in ("", gender)
        ]
        return found[0] if len(found) == 1 else ""

    def parents(self, subject: Subject) -> set[str]:
        """Find whoever may be meant by "her father" and the like: parents of anybody of the possessor's gender."""
        children = (p.id for p in self.cast.values() if p.gender == subject.relation)
        return {parent for child in children if (parent := self.parent_of(child, subject.gender))}

    def _described(self, phrase: str, strangers: bool) -> Subject | None:
        words = [w.lower() for w in phrase.split()]
        if "other" in words or "latter" in words or words[0] == "one":
            return None
        for k, word in enumerate(words[1:], 1):
            gender = "m" if word in MALE_NOUNS else "f" if word in FEMALE_NOUNS else ""
            if gender:
                holder = self._holder(word) if words[0] == "the" else ""
                return Subject(person=holder, gender=gender, words="" if holder else " ".join(words[: k + 1]))
        holder = self._holder(words[-1])
        if holder:
            return Subject(person=holder)
        return Subject(words=" ".join(words[:2])) if strangers else None

    def _holder(self, noun: str) -> str:
        """Find the only listed character whose details name this as an occupation."""
        found = [
            p.id for p in self.cast.values() if any(noun in _occupations(detail) for detail in p.details)
        ]
        return found[0] if len(found) == 1 else ""


def _occupations(detail: str) -> set[str]:
    """Find the head words of a detail such as "Occupation: Barrister and literary critic": barrister, critic."""
    label, _, value = detail.partition(":")
    if label.strip().lower() != "occupation":
        return set()
    parts = re.split(r"[,;/(]|\band\b|\blater\b|\bformer\b", value.lower())
    heads = (re.split(r"\b(?:of|to|at|in|for|who|with)\b", part)[0].split() for part in parts)
    return {words[-1] for words in heads if words}


def clues_of(names: Names, pieces: Sequence[str], leading: str) -> list[Clue]:
    """Collect clues from the narration around the spans of one utterance.

    ``pieces`` is the narration of the paragraph: before the first span, between spans, after the last one; ``leading``
    is the narration that directly precedes the paragraph.
    """
    found: list[Clue] = []
    for piece in pieces[1:]:
        if subject := names.after(piece):
            found.append(Clue("tag", subject))
    for piece in pieces[:-1]:
        if subject := names.before(piece):
            found.append(Clue("tag", subject))
    if (
        not pieces[0].strip()
        and leading.rstrip().endswith((":", ",", ":—"))
        and (subject := names.before(leading))
    ):
        found.append(Clue("lead", subject))
    found += [Clue("beat", s) for s in _beats(names, pieces)]
    return found


def _beats(names: Names, pieces: Sequence[str]) -> Iterable[Subject]:
    """Find who acts in the sentences around speech; of those before it, the last sentence comes first."""
    before = names.beats(pieces[0]) if pieces[0].strip() else []
    yield from reversed(before)
    for piece in pieces[1:]:
        yield from names.beats(piece)


def _sentences(text: str) -> list[str]:
    found = re.split(r"(?<!Mr\.)(?<!Mrs\.)(?<!Dr\.)(?<!St\.)(?<=[.!?])[”’\"']?\s+", text.strip())
    return [s for s in found if s] or [""]


def _flexible(form: str) -> str:
    """Make a pattern of a form in which titles may have their dot or not."""
    words = [
        re.escape(w.rstrip(".")) + r"\.?" if w.rstrip(".") in TITLES else re.escape(w) for w in form.split()
    ]
    return r"\s".join(words)

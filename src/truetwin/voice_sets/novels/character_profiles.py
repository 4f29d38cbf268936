"""Have a model say who the characters of a book are: traits, and goals with their motives (paper B, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from truetwin.llm import Cell, Parsed, Reply, Request, Sampling, State
from truetwin.llm.json_replies import objects_in
from truetwin.llm.prompts import Prompt, packaged_prompt
from truetwin.voice.items.verbatim import stands_in
from truetwin.voice.protocols.item_rendering import language_note, quoted
from truetwin.voice_sets.novels.attribution import Utterance
from truetwin.voice_sets.novels.characters import Character
from truetwin.voice_sets.novels.novel_drafts import ReadBook, as_reply, context_before

#: Sure lines that a character must have, lines that are shown, words before each, and statements of each kind.
FEWEST_LINES, N_SHOWN, CONTEXT_WORDS, MOST = 5, 40, 40, 6
PARTS = ("traits", "goals")
_PACKAGE = "truetwin.voice_sets.novels"
_MOST_OBJECTS = 20


@dataclass(frozen=True)
class ProfileTask:
    """Task to say who the characters of a book are; an answer has a list of texts for each of ``PARTS``.

    Characters whose profile is listed are not asked about, nor are those with few lines that the rules are sure of.

    Parameters
    ----------
    read : ReadBook
        Book with its characters and what they say.
    margin : float
        Least lead of a speaker over the next one for a line to count.
    """

    read: ReadBook
    margin: float

    @property
    def settings(self) -> Mapping[str, Any]:
        """Name what makes two runs differ."""
        return {
            "task": "profiles",
            "book": self.read.book.name,
            "language": self.read.language,
            "prompts": [self._prompt.describe()],
            "margin": self.margin,
            "shown": N_SHOWN,
            "context_words": CONTEXT_WORDS,
        }

    def cells(self) -> Iterable[Cell]:
        """List one cell a character."""
        return (
            Cell(person.id, self.read.book.name, "profile")
            for person in self.read.cast.values()
            if not has_profile(person) and len(self._lines.get(person.id, ())) >= FEWEST_LINES
        )

    def request(self, cell: Cell) -> Request:
        """Show lines from the whole book, each with the words before it."""
        lines = self._lines[cell.persona]
        step = max(len(lines) / N_SHOWN, 1.0)
        some = [lines[int(k * step)] for k in range(min(len(lines), N_SHOWN))]
        values = {
            "language": language_note(self.read.language),
            "name": self.read.cast[cell.persona].name,
            "most": str(MOST),
            "lines": quoted("lines", "\n\n".join(self._scene(u) for u in some)),
        }
        return Request(self._prompt.messages(values), Sampling(temperature=0.0, max_tokens=900), cell=cell)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        """Read traits and goals; a statement that repeats a line of the character is left out, as it would tell it."""
        if reply.refusal:
            return Parsed(State.REFUSED, reason="refusal")
        for _, found in objects_in(reply.said, most=_MOST_OBJECTS):
            if isinstance(found, dict) and all(_is_texts(found.get(part)) for part in PARTS):
                return Parsed(State.VALID, {part: self._kept(cell, found[part]) for part in PARTS})
        state = State.TRUNCATED if reply.finish_reason == "length" else State.UNPARSEABLE
        return Parsed(state, reason="no object with lists of traits and goals")

    def _kept(self, cell: Cell, statements: Sequence[str]) -> list[str]:
        own = [as_reply(u.text) for u in self.read.utterances if u.speaker == cell.persona]
        said = [" ".join(statement.split()) for statement in statements]
        return [text for text in said if text and not any(stands_in(line, text) for line in own)][:MOST]

    def _scene(self, u: Utterance) -> str:
        before = " ".join(context_before(self.read.book, u, CONTEXT_WORDS).split()[-CONTEXT_WORDS:])
        return f"({before})\n- {as_reply(u.text)}" if before else f"- {as_reply(u.text)}"

    @cached_property
    def _lines(self) -> dict[str, list[Utterance]]:
        found: dict[str, list[Utterance]] = {}
        for u in self.read.utterances:
            if u.margin >= self.margin:
                found.setdefault(u.speaker, []).append(u)
        return found

    @property
    def _prompt(self) -> Prompt:
        return packaged_prompt(_PACKAGE, "profile-character")


def has_profile(person: Character) -> bool:
    """Test whether anything is known of a character but names and gender."""
    return bool(person.traits or person.goals or person.details)


def with_profile(person: Character, profile: Mapping[str, Sequence[str]] | None) -> Character:
    """Give a character the traits and goals that a model found; a listed profile stays as it is.

    Examples
    --------
    >>> with_profile(Character("a", "Ann"), {"traits": ["She is brisk."], "goals": []}).traits
    ('She is brisk.',)
    """
    if profile is None or has_profile(person):
        return person
    return replace(person, traits=tuple(profile["traits"]), goals=tuple(profile["goals"]))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)

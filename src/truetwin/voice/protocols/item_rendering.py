"""Render items as text for prompts.

Quoted text is fenced, and only here do options get their letters.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from truetwin.voice.items.voice_dimensions import voice_dimensions
from truetwin.voice.items.voice_items import LETTERS, Option, Turn, VoiceItem, VoicePersona
from truetwin.voice.protocols.voice_prompts import ENGLISH, NUMBERS, Words

#: Id of a model's own reply among the candidates that a judge sees.
REPLY_ID = "reply"
_LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}


@dataclass(frozen=True)
class Lettered:
    """Options in the order in which they are shown; they get the letters A, B, ...

    Examples
    --------
    >>> shown = Lettered((Option("a", "Yes."), Option("b", "No.")))
    >>> shown.id_of("B"), shown.texts
    ('b', {'A': 'Yes.', 'B': 'No.'})
    """

    options: tuple[Option, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the options, in the order shown."""
        return tuple(option.id for option in self.options)

    @property
    def letters(self) -> tuple[str, ...]:
        """Letters of the options, in the order shown."""
        return tuple(LETTERS[: len(self.options)])

    @cached_property
    def texts(self) -> dict[str, str]:
        """Text of each option by its letter."""
        return {letter: option.text for letter, option in zip(self.letters, self.options, strict=True)}

    def id_of(self, letter: str) -> str:
        """Return the id of the option that has a letter."""
        return self.options[LETTERS.index(letter)].id

    @property
    def number(self) -> str:
        """Number of the options, as prompts write it."""
        return NUMBERS[len(self.options) - 2]

    def quoted(self, words: Words = ENGLISH) -> str:
        """Render the options for a prompt, one after the other, fenced."""
        lines = [f"{letter}. {_indented(text)}" for letter, text in self.texts.items()]
        return quoted(words["options"], "\n".join(lines))


def lettered(options: Sequence[Option], key: str, seed: int = 0, rotation: int = 0) -> Lettered:
    """Put options in an order drawn from a seed and a key (the item's id), rotated.

    The order depends on the options' ids, not on how they are stored. Over as many rotations as there are options,
    each option stands once at every position.

    Examples
    --------
    >>> options = [Option(i, i.upper()) for i in "abcd"]
    >>> {lettered(options, "item-1", rotation=k).ids[0] for k in range(4)} == set("abcd")
    True
    """
    ordered = sorted(options, key=lambda option: option.id)
    random.Random(f"{seed}:{key}").shuffle(ordered)
    k = rotation % len(ordered)
    return Lettered(tuple(ordered[k:] + ordered[:k]))


def quoted(label: str, text: str) -> str:
    """Fence a text between marks that its writer cannot imitate: they hold a hash of the text itself.

    Examples
    --------
    >>> print(quoted("post", "Hello"))
    <<<post 185f8db32271
    Hello
    185f8db32271>>>
    """
    mark = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    return f"<<<{label} {mark}\n{text}\n{mark}>>>"


def persona_block(persona: VoicePersona, heading: str = "Who you are", words: Words = ENGLISH) -> str:
    """Render what is known of the persona besides the history; empty if nothing is."""
    lines = [f"{words['Name']}: {persona.name}"] if persona.name else []
    for name, texts in (
        ("Personality", persona.traits),
        ("Goals", persona.goals),
        ("Details", persona.details),
    ):
        if texts:
            lines += [f"{words[name]}:", *(f"- {_indented(text)}" for text in texts)]
    profile = quoted(words["profile"], "\n".join(lines))
    return f"{words[heading]}:\n{profile}\n\n" if lines else ""


def history_block(item: VoiceItem, turns: int, words: Words = ENGLISH) -> str:
    """Render the last turns of the history, oldest first; says so if there are none."""
    kept: tuple[Turn, ...] = item.history[-turns:] if turns else ()
    if not kept:
        return words["(none are known)"]
    stimulus, reply = (words[word] for word in voice_dimensions[item.dimension].turn)
    lines = []
    for number, turn in enumerate(kept, 1):
        if turn.context:
            lines.append(f"{number}. {stimulus}: {_indented(turn.context)}")
            lines.append(f"   {reply}: {_indented(turn.reply)}")
        else:
            lines.append(f"{number}. {reply}: {_indented(turn.reply)}")
    return quoted(words["history"], "\n".join(lines))


def language_note(language: str) -> str:
    """Say for a prompt which language an item is in (ISO 639-1 code)."""
    name = _LANGUAGES.get(language.lower().split("-")[0])
    if name is None:
        return "Read every quoted text in the language in which it is written."
    return f"The quoted texts are in {name}: read them as someone does whose own language is {name}."


def write_in(language: str) -> str:
    """Say for a prompt in which language a free reply is to be written."""
    name = _LANGUAGES.get(language.lower().split("-")[0])
    return f"Write it in {name}." if name else "Write it in the language of the texts above."


def _indented(text: str) -> str:
    """Indent all lines of a text after the first, so that none of them looks like the next entry of a list."""
    return "\n   ".join(text.strip().splitlines())

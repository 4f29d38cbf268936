"""Find the prompts of a benchmark run: those that come with truetwin, or a user's files of the same names.

A user's folder holds any of the files of ``truetwin/voice/prompts``, in any language, and a file ``words.txt`` with own
words for those that are filled into prompts, one a line::

    version: 1
    ---
    Post = Beitrag
    (none are known) = (keine bekannt)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from truetwin.errors import DataError, FileFormatError
from truetwin.io.readable_files import read_text
from truetwin.llm.prompts import Prompt, PromptFiles, packaged_prompt, parse_prompt, parse_template
from truetwin.registry import closest
from truetwin.voice.items.voice_dimensions import voice_dimensions

WORDS = "words"
#: Placeholders that a prompt may leave out: each is filled with a remark about the form, and with nothing of the item.
OPTIONAL = frozenset({"kind", "language", "letters", "number", "write_in"})
#: Numbers of options as prompts write them.
NUMBERS = ("Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
_SHARED = (
    "stimulus", "situation", "options", "profile", "history", "text", "reference", "true reply", "twin's reply",
    "Who you are", "Who the person is", "Name", "Personality", "Goals", "Details", "(none are known)", *NUMBERS,
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """Words that are filled into prompts, some of them replaced by a user's.

    Examples
    --------
    >>> words = Words({"Post": "Beitrag"})
    >>> words["Post"], words["Reply"]
    ('Beitrag', 'Reply')
    """

    own: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __getitem__(self, word: str) -> str:
        return self.own.get(word, word)


#: The words as they come with truetwin.
ENGLISH = Words()


@dataclass(frozen=True)
class VoicePrompts:
    """Prompts of a benchmark run.

    Parameters
    ----------
    folder : Path, optional
        Folder with a user's prompts. A prompt in it keeps the placeholders of the one that it replaces, except those of
        ``OPTIONAL``, which it may leave out.

    Raises
    ------
    FileFormatError
        If there is no such folder, no prompt in it, or a file is no prompt.
    DataError
        If a file replaces nothing, lacks a placeholder or has one that nothing fills.

    Examples
    --------
    >>> VoicePrompts().prompt("truetwin.voice", "score").version
    1
    """

    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.folder is None:
            return
        if not self.folder.is_dir():
            raise FileFormatError(f"prompts must lie in a folder; there is no folder {self.folder}")
        found = sorted(path.stem for path in self.folder.glob("*.txt"))
        known = self._packages()
        if not found:
            names = ", ".join(f"{name}.txt" for name in (*known, WORDS))
            raise FileFormatError(f"{self.folder} must hold prompts, named {names}; it holds none")
        for name in found:
            if name == WORDS:
                self._own_words()
            elif name not in known:
                raise DataError(
                    f"{self._path(name)} replaces no prompt; prompts are {', '.join((*known, WORDS))}."
                    f"{closest(name, [*known, WORDS])}"
                )
            else:
                self._check(name, packaged_prompt(known[name], name))

    def prompt(self, package: str, name: str) -> Prompt:
        """Read the prompt of a name, the user's if there is one."""
        return self._own(name) or packaged_prompt(package, name)

    @cached_property
    def words(self) -> Words:
        """Words that are filled into prompts."""
        return Words(self._own_words()) if self._has(WORDS) else ENGLISH

    def describe_words(self) -> list[dict[str, Any]]:
        """Return name, version and hash of the user's words; nothing if there are none."""
        if not self._has(WORDS):
            return []
        words = parse_template(WORDS, read_text(self._path(WORDS)))
        return [{"name": WORDS, "version": words.version, "digest": words.digest}]

    def _path(self, name: str) -> Path:
        return Path(self.folder or "") / f"{name}.txt"

    def _has(self, name: str) -> bool:
        return self.folder is not None and self._path(name).is_file()

    def _own(self, name: str) -> Prompt | None:
        if not self._has(name):
            return None
        try:
            return parse_prompt(name, read_text(self._path(name)))
        except FileFormatError as error:
            raise FileFormatError(f"{self._path(name)}: {error}") from error

    def _check(self, name: str, packaged: Prompt) -> None:
        own = self._own(name)
        if own is None:
            return
        lacking = packaged.placeholders - OPTIONAL - own.placeholders
        if lacking:
            raise DataError(
                f"{self._path(name)} must have the placeholders {_listed(packaged.placeholders - OPTIONAL)}; it lacks "
                f"{_listed(lacking)}"
            )
        strange = sorted(own.placeholders - packaged.placeholders)
        if strange:
            raise DataError(
                f"{self._path(name)} has the placeholder {_listed(strange[:1])}, which nothing fills; those of this "
                f"prompt are {_listed(packaged.placeholders)}.{closest(strange[0], sorted(packaged.placeholders))}"
            )

    def _own_words(self) -> dict[str, str]:
        path, known = self._path(WORDS), _known_words()
        found: dict[str, str] = {}
        for line in parse_template(WORDS, read_text(path)).text.splitlines():
            word, equals, own = (part.strip() for part in line.partition("="))
            if not line.strip():
                continue
            if not equals or not own or "<" in own or ">" in own:
                raise FileFormatError(
                    f"{path}: a line must read 'English words = own words', without < and >; got {line!r:.80}"
                )
            if word not in known:
                raise DataError(
                    f"{path}: {word!r} is filled into no prompt; words are {', '.join(known)}.{closest(word, known)}"
                )
            if word in found:
                raise DataError(f"{path}: every word may be given once; {word!r} is given again")
            found[word] = own
        return found

    @staticmethod
    def _packages() -> dict[str, str]:
        """Names of all prompts, with the package that each comes from."""
        packages = ["truetwin.voice", *(dimension.prompts for _, dimension in voice_dimensions.items())]
        return {name: package for package in dict.fromkeys(packages) for name in PromptFiles(package).names}


def _known_words() -> list[str]:
    of_dimensions = [word for _, d in voice_dimensions.items() for word in (d.reply, *d.turn)]
    return list(dict.fromkeys((*_SHARED, *of_dimensions)))


def _listed(placeholders: Any) -> str:
    return ", ".join("{{" + name + "}}" for name in sorted(placeholders)) or "none"

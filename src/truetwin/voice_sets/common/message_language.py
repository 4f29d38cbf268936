"""Detect the language of a message: by lingua where it is installed, else by script and commonest words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from truetwin.errors import MissingExtraError, ParameterError
from truetwin.voice.items.script_language import UNKNOWN, language_of

_WORD = re.compile(r"[^\W\d_]+")
#: The commonest words of languages whose letters do not tell them; a word of several languages counts for each.
_COMMON = {
    "en": (
        "the a to of and in is it you that i for on not with this have be are was but what can if do "
        "your how there my an "
    ),
    "es": (
        "de la que el en y a los se del las un por con no una su para es al lo como más pero sus le ya o "
        "esto si muy "
    ),
    "pt": (
        "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das "
        "tem você isso "
    ),
    "fr": (
        "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont "
        "mais je vous c "
    ),
    "de": (
        "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an "
        "werden aus er hat ich "
    ),
    "it": (
        "di e il la che in un a per è una sono con non del si da i le al come più ma ha dei nel io mi lo "
        "questo "
    ),
    "nl": (
        "de van het een en in is dat op te zijn met voor niet die aan er om ook als dan maar bij nog uit "
        "naar ik je "
    ),
    "tr": ("bir ve bu da de için ile çok ne var ben gibi daha o kadar ama sen mi değil olarak şey en "),
    "pl": ("i w na z do nie się to że jest o jak za po co ale tak od dla przez czy tym był ja już "),
    "id": ("yang dan di ini itu dengan untuk tidak dari dalam akan pada juga saya ke ada bisa kamu sudah "),
    "ru": ("и в не на я что он с как это по но из у за к ты же вы так от бы для мне "),
    "uk": ("і в не на я що він з як це по але та у за до ти же ви так від для є "),
}
_LANGUAGES_OF = {
    word: tuple(code for code, words in _COMMON.items() if word in words.split())
    for word in " ".join(_COMMON.values()).split()
}
#: Common words that must be found before a language is named.
FEWEST_HITS = 2


class LanguageDetector(Protocol):
    """Finds the language of a text."""

    def describe(self) -> Mapping[str, Any]: ...  # noqa: D102

    def of(self, text: str) -> str: ...  # noqa: D102


class CommonWords:
    """Detector by script; within Latin and Cyrillic letters, by the commonest words of each language.

    Undetermined (``und``) if fewer than two such words are there, or if two languages tie.

    Examples
    --------
    >>> detector = CommonWords()
    >>> detector.of("I have the same problem with this"), detector.of("no tengo el mismo problema que los otros")
    ('en', 'es')
    >>> detector.of("ok"), detector.of("今天好")
    ('und', 'zh')
    """

    def describe(self) -> Mapping[str, Any]:
        """Name what the answers depend on."""
        return {"kind": "common words", "languages": sorted(_COMMON)}

    def of(self, text: str) -> str:
        """Find the ISO 639-1 code of a text, or ``und``."""
        if text.isascii():
            script = UNKNOWN
        else:
            script = language_of(text)
            if script not in (UNKNOWN, "ru"):
                return script
        words = _WORD.findall(text.lower())
        hits: dict[str, int] = {}
        for word in words:
            for code in _LANGUAGES_OF.get(word, ()):
                hits[code] = hits.get(code, 0) + 1
        best = max(hits.values(), default=0)
        found = [code for code, n in hits.items() if n == best]
        if best >= FEWEST_HITS and len(found) == 1:
            return found[0]
        return script


class Lingua:
    """Detector of the package lingua-language-detector (extra: ``languages``).

    Parameters
    ----------
    least : float, default=0.0
        Distance to the second likeliest language below which the answer is ``und``.
    """

    def __init__(self, least: float = 0.0) -> None:
        try:
            from lingua import LanguageDetectorBuilder
        except ImportError:
            raise MissingExtraError("lingua", "languages", "detecting languages with lingua") from None
        self._least = least
        self._detector = (
            LanguageDetectorBuilder.from_all_languages()
            .with_minimum_relative_distance(least)
            .with_low_accuracy_mode()
            .build()
        )

    def describe(self) -> Mapping[str, Any]:
        """Name what the answers depend on."""
        from importlib.metadata import version

        return {"kind": "lingua", "version": version("lingua-language-detector"), "least": self._least}

    def of(self, text: str) -> str:
        """Find the ISO 639-1 code of a text, or ``und``."""
        found = self._detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else UNKNOWN


def open_detector(name: str) -> LanguageDetector:
    """Open a detector by name: ``common-words``, ``lingua``, or ``auto`` (lingua if it is installed).

    Raises
    ------
    ParameterError
        If the name is none of these.
    MissingExtraError
        If lingua is asked for and not installed.
    """
    if name == "common-words":
        return CommonWords()
    if name == "lingua":
        return Lingua()
    if name == "auto":
        try:
            return Lingua()
        except MissingExtraError:
            return CommonWords()
    raise ParameterError(f"languages must be 'common-words', 'lingua' or 'auto'; got {name!r}")

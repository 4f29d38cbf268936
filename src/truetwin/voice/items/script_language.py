"""Guess the language of a text from its script."""

from __future__ import annotations

import re

#: ISO 639 code of "undetermined".
UNKNOWN = "und"
_SCRIPTS = (  # kana before Han: Japanese has both
    ("ja", re.compile(r"[぀-ヿ]")),
    ("zh", re.compile(r"[㐀-䶿一-鿿]")),
    ("ko", re.compile(r"[가-힯]")),
    ("ru", re.compile(r"[Ѐ-ӿ]")),
    ("ar", re.compile(r"[؀-ۿ]")),
    ("hi", re.compile(r"[ऀ-ॿ]")),
)
_LETTER = re.compile(r"[^\W\d_]")
_MIN_SHARE = 0.2


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of the commonest language that is written in the text's script.

    The code is ``"und"`` (undetermined) for Latin letters and for none. Latin letters alone do not tell English from
    Spanish, and a prompt must not claim what is not known.

    Examples
    --------
    >>> language_of("今天好"), language_of("Доброе утро"), language_of("Hola")
    ('zh', 'ru', 'und')
    """
    letters = len(_LETTER.findall(text))
    for language, script in _SCRIPTS:
        if letters and len(script.findall(text)) >= _MIN_SHARE * letters:
            return language
    return UNKNOWN

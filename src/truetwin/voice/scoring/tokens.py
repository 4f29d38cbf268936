"""Split texts into tokens, by language: the units that text metrics count."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal, get_args

from truetwin.errors import MissingExtraError, UnknownNameError
from truetwin.registry import closest

Tokenizer = Literal["auto", "words", "characters", "jieba"]
TOKENIZERS: tuple[Tokenizer, ...] = get_args(Tokenizer)
UNSPACED_LANGUAGES = ("zh", "ja", "th", "lo", "km", "my")

_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")
# Scripts written without spaces: every letter is a token of its own, also inside a text of another language.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_LETTER_WORD_OR_MARK = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")


def tokenize(text: str, language: str = "en", tokenizer: Tokenizer = "auto") -> list[str]:
    """Split a text into lower-cased tokens; every punctuation mark is a token of its own.

    Parameters
    ----------
    text : str
        Text to split.
    language : str
        ISO 639-1 code; decides what ``"auto"`` does.
    tokenizer : {"auto", "words", "characters", "jieba"}
        ``"words"`` splits at spaces and punctuation; ``"characters"`` also splits scripts that are written without
        spaces into single letters (foreign words and numbers in between stay whole); ``"jieba"`` segments Chinese
        into words (extra ``languages``). ``"auto"`` is ``"characters"`` for Chinese, Japanese, Thai, Lao, Khmer and
        Burmese, and ``"words"`` for every other language.

    Raises
    ------
    UnknownNameError
        If there is no such tokenizer.
    MissingExtraError
        If jieba is asked for and not installed.

    Examples
    --------
    >>> tokenize("Why, it's late!")
    ['why', ',', 'it', "'", 's', 'late', '!']
    >>> tokenize("今天好 cool", "zh")
    ['今', '天', '好', 'cool']
    """
    chosen = resolve_tokenizer(language, tokenizer)
    text = text.lower()
    if chosen == "words":
        return _WORD_OR_MARK.findall(text)
    if chosen == "characters":
        return _LETTER_WORD_OR_MARK.findall(text)
    return [word for piece in _segmenter().lcut(text) for word in piece.split()]


def resolve_tokenizer(language: str, tokenizer: Tokenizer = "auto") -> Tokenizer:
    """Return the tokenizer that ``"auto"`` stands for in a language, or the one that was asked for."""
    if tokenizer not in TOKENIZERS:
        raise UnknownNameError(
            f"no tokenizer named {tokenizer!r}.{closest(tokenizer, list(TOKENIZERS))} "
            f"Known are {', '.join(TOKENIZERS)}."
        )
    if tokenizer != "auto":
        return tokenizer
    return "characters" if language.lower().split("-")[0] in UNSPACED_LANGUAGES else "words"


@cache
def _segmenter() -> Any:
    import logging
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jieba imports what setuptools deprecates
            import jieba
    except ImportError as error:
        raise MissingExtraError("jieba", "languages", "segmenting Chinese into words") from error
    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer()

"""Verbatim search: does one text stand in another, word for word?"""

from __future__ import annotations

import re
from functools import lru_cache

#: Shorter replies ("Why?") stand in many texts by chance and give nothing away.
LEAST_WORDS = 4
GAP = "[...]"
_LONGEST_KEPT = 20_000  # characters; the words of longer texts are found anew each time

_UNSPACED = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿]")
_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿]|[^\W぀-ヿ㐀-䶿一-鿿豈-﫿]+")


def words_of(text: str) -> list[str]:
    """Split a text into lower-case words without punctuation; a Chinese or Japanese character counts as a word.

    Examples
    --------
    >>> words_of("Don't, 好吗?")
    ['don', 't', '好', '吗']
    """
    return _joined(text).split()


def same_words(one: str, other: str) -> bool:
    """Test whether two texts have the same words in the same order, whatever the punctuation and capitals.

    Examples
    --------
    >>> same_words("Well -- yes!", "well, yes")
    True
    """
    return _joined(one) == _joined(other)


def stands_in(text: str, source: str, *, least_words: int = LEAST_WORDS) -> bool:
    """Test whether ``text`` stands in ``source`` word for word; never true for fewer than ``least_words`` words.

    Words are separated by spaces in the text as written ("don't" is one), so that the threshold is what a reader
    counts. In scripts without spaces, two characters count as a word.

    Examples
    --------
    >>> stands_in("They are notes for me", 'She said: "they are notes, for me".')
    True
    >>> stands_in("Why?", "Why? he asked")
    False
    """
    if length_in_words(text) < least_words:
        return False
    wanted = _joined(text)
    return bool(wanted) and f" {wanted} " in f" {_joined(source)} "


def _joined(text: str) -> str:
    """Join the words of a text with single spaces."""
    return _split(text) if len(text) > _LONGEST_KEPT else _kept(text)


@lru_cache(maxsize=4096)  # a turn of history is compared with the true reply of every later item
def _kept(text: str) -> str:
    return _split(text)


def _split(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def length_in_words(text: str) -> int:
    """Count the words between spaces; in scripts without spaces, every two characters count as a word.

    Examples
    --------
    >>> length_in_words("Don't go"), length_in_words("好的 ok")
    (2, 2)
    """
    if text.isascii():
        return len(text.split())
    characters = len(_UNSPACED.findall(text))
    return -(-characters // 2) + len(_UNSPACED.sub(" ", text).split())


def cut_out(text: str, source: str) -> str:
    """Replace every place of ``source`` where ``text`` stands word for word by a gap mark.

    Examples
    --------
    >>> cut_out("They are notes", 'She said: "they are notes, you see".')
    'She said: "[...], you see".'
    """
    wanted = words_of(text)
    if not wanted:
        return source
    spans = list(_WORD.finditer(source))
    found = [span.group().lower() for span in spans]
    pieces, end, k = [], 0, 0
    while k <= len(found) - len(wanted):
        if found[k] == wanted[0] and found[k : k + len(wanted)] == wanted:
            pieces += [source[end : spans[k].start()], GAP]
            end = spans[k + len(wanted) - 1].end()
            k += len(wanted)
        else:
            k += 1
    return "".join([*pieces, source[end:]])

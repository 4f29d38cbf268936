"""Read numbers as people and models write them, in any script, without guessing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_NUMBER = re.compile(r"[+-]?(?:\d{1,15}(?:[.,]\d{1,15})?|\.\d{1,15})")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([ .,'])\d{3})(?:\1\d{3})*(?:[.,]\d{1,15})?")
_MINUS = str.maketrans({"−": "-", "－": "-", "＋": "+", "٫": ".", "．": ".", "，": ",", "٬": "'", "’": "'"})
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009\u2007", " "))


def ascii_digits(text: str) -> str:
    """Replace decimal digits of every script by 0-9, and signs and spaces by their ASCII forms.

    Superscripts and fractions are not digits and stay as they are.

    Examples
    --------
    >>> ascii_digits("٣٫٥")
    '3.5'
    """
    if text.isascii():
        return text
    text = text.translate(_MINUS).translate(_SPACES)
    return "".join(str(unicodedata.decimal(c)) if unicodedata.category(c) == "Nd" else c for c in text)


def readings(text: str) -> set[float]:
    """Find every number that the whole of ``text`` can be read as: one, two if its separator is unclear, or none.

    ``1,250`` may be one thousand two hundred and fifty, or one and a quarter. The caller, who knows the scale, decides.

    Examples
    --------
    >>> sorted(readings("1,250")), readings("3,5"), readings("4 or 5")
    ([1.25, 1250.0], {3.5}, set())
    """
    text = ascii_digits(text).strip()
    found = set()
    if _NUMBER.fullmatch(text):
        found.add(float(text.replace(",", ".")))
    grouped = _GROUPED.fullmatch(text)
    if grouped:
        separator = grouped[1]
        whole, decimals = text, ""
        other = {".": ",", ",": "."}.get(separator)
        for mark in [other] if other else [".", ","]:
            if mark in text:
                whole, _, decimals = text.partition(mark)
        digits = whole.replace(separator, "")
        if re.fullmatch(r"[+-]?\d+", digits) and not digits.lstrip("+-").startswith("0"):
            found.add(float(f"{digits}.{decimals or 0}"))
    return found


def read_number(text: str, fits: Callable[[float], bool]) -> float | None:
    """Read ``text`` as a number. Returns None if it is none. Of two readings, the only one that fits is taken.

    Raises
    ------
    ValueError
        If both readings fit, or neither.
    """
    found = readings(text)
    if len(found) <= 1:
        return found.pop() if found else None
    fitting = [number for number in found if fits(number)]
    if len(fitting) != 1:
        raise ValueError(
            f"{text.strip()[:40]!r} can be read as {' or '.join(f'{n:g}' for n in sorted(found))}"
        )
    return fitting[0]

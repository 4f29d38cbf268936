"""Decide which codes of an item are no answers: by their labels, by convention, and by their distance to the others.

One set of rules serves tables, survey files, item files, Qualtrics instruments and marginals:

1. A code whose label says "no answer" (:mod:`truetwin.data.no_answer_words`) is off the scale.
2. A label such as "No opinion", which is an answer in some questionnaires, is off the scale if its code is negative,
   or if the gap rule applies. Otherwise it stays an answer, and is named as a doubtful case.
3. *Gap rule*: a code that survey programs write for missing answers (:data:`CODES`) and that lies far from the
   item's other answers (:func:`far_codes`) is off the scale.

A scale keeps at least two answers: where a rule would leave fewer, it does not apply, and the case is doubtful.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.data.no_answer_words import may_say_no_answer, says_no_answer

#: What survey software writes for missing answers: repeated 7s, 8s and 9s, their neighbours, and negative numbers.
CODES = frozenset(
    sign * (int(str(digit) * length) - less)
    for sign in (1, -1)
    for digit in (7, 8, 9)
    for length in (1, 2, 3, 4, 5, 6)
    for less in ((0,) if length == 1 or digit < 9 else (0, 1, 2, 3))
) | {-1, -2, -3, -4, -5, -6}
#: An item with at most so many different whole answers counts as one with few categories.
FEW = 11
#: Longest abbreviation, in characters.
SHORT = 3
_OTHER = (
    "other",
    "something else",
    "andere",
    "sonstige",
    "autre",
    "otro",
    "otra",
    "altro",
    "outro",
    "annat",
    "anders",
)


@dataclass(frozen=True)
class FarCode:
    """Code that lies far from an item's other answers, which go from ``low`` to ``high``."""

    code: float
    count: int
    low: float
    high: float

    def describe(self, item: str) -> str:
        """Say what was found, for a message."""
        many = "1 such answer" if self.count == 1 else f"{self.count} such answers"
        return (
            f"{self.code:g} is far from the other answers to {item!r} ({self.low:g} to {self.high:g}; {many})"
        )


@dataclass(frozen=True)
class LabelledCodes:
    """Codes of a labelled item, divided into answers and off-scale codes.

    Attributes
    ----------
    on, off : dict of code to label
        Answers, and codes that are no answers.
    doubtful : dict of code to label
        Codes among either that a reader may see otherwise.
    """

    on: dict[float, str]
    off: dict[float, str]
    doubtful: dict[float, str]


def doubt_note(source: str, doubtful: Mapping[str, LabelledCodes]) -> list[str]:
    """Write one note about codes of which neither labels nor conventions are sure, by item; empty if there are none."""
    cases = [
        f"{code:g} = {text!r} of {item!r} is {'missing' if code in found.off else 'an answer'}"
        for item, found in doubtful.items()
        for code, text in found.doubtful.items()
    ]
    if not cases:
        return []
    more = f" and {len(cases) - 5} more" if len(cases) > 5 else ""
    return [
        f"{source}: codes that could be answers or missing: {'; '.join(cases[:5])}{more}. An item file settles them"
    ]


def divide_labels(labels: Mapping[float, str], answers: Iterable[float] = ()) -> LabelledCodes:
    """Divide the labelled codes of an item into answers and off-scale codes.

    Parameters
    ----------
    labels : mapping from code to label
        All labels of the item.
    answers : iterable of float
        Codes that occur in the data, labelled or not.

    Examples
    --------
    >>> divide_labels({1: "no", 2: "yes", 8: "Don’t know", 9: "NA"}).off
    {8: 'Don’t know', 9: 'NA'}
    >>> divide_labels({1: "Accepted", 2: "Refused"}).off
    {}
    """
    answers = set(answers)
    certain = {code: text for code, text in labels.items() if says_no_answer(text)}
    # Among abbreviations, such as those of countries or parties, DK and NA are abbreviations too.
    others = [text for text in labels.values() if text not in certain.values()]
    shortened = len(others) > 2 and all(text.isalpha() and len(text) <= SHORT for text in others)
    doubtful = {code: text for code, text in certain.items() if shortened and len(text) <= SHORT}
    off = {code: text for code, text in certain.items() if code not in doubtful}
    if len((set(labels) | answers) - set(off)) < 2:
        doubtful, off = {**doubtful, **off}, {}
    for code, text in labels.items():
        rest = sorted({*labels, *answers} - set(off) - {code})
        if code in off or len(rest) < 2:
            continue
        gap = any(far.code == code for far in far_codes(np.array([*rest, code], dtype=float)))
        maybe = code in doubtful or may_say_no_answer(text)
        if maybe and (code < 0 <= rest[0] or gap):
            off[code] = text
            doubtful.pop(code, None)
        elif maybe:
            doubtful[code] = text
        elif gap and len(rest) > 2 and not text.casefold().startswith(_OTHER):
            off[code] = doubtful[code] = text
    on = {code: text for code, text in labels.items() if code not in off}
    return LabelledCodes(on, dict(sorted(off.items())), doubtful)


def far_codes(values: NDArray[np.float64]) -> list[FarCode]:
    """Find usual codes for missing answers that lie far from the other answers to an item.

    Far means outside the range of the other answers by twice its width. For an item of at most 11 whole answers, it
    means outside by at least 2 and by half the width. Answers that are not far widen the range for those that lie
    beyond.

    Examples
    --------
    >>> [far.code for far in far_codes(np.array([1.0, 2.0, 5.0, 99.0, 99.0]))]
    [99.0]
    """
    different, counts = np.unique(values, return_counts=True)
    coded = np.isin(different, list(CODES))
    rest = different[~coded] if (~coded).sum() > 1 else different[: max(different.size - 1, 0)]
    if rest.size < 2:
        return []
    found = []
    low, high = float(rest[0]), float(rest[-1])
    # go outwards from the other answers on both sides: an answer that is not far joins them and widens the range
    above = [k for k in range(different.size) if different[k] > high]
    below = [k for k in range(different.size) if different[k] < low]
    for side in (above, below[::-1]):
        for k in side:
            code = float(different[k])
            among = different[(different >= low) & (different <= high)]
            few = among.size <= FEW and high - low < FEW and bool(np.all(among == np.round(among)))
            gap = max(low - code, code - high)
            if not coded[k] or gap < (max(2.0, (high - low) / 2) if few else 2 * (high - low)):
                low, high = min(low, code), max(high, code)
                continue
            found.append(FarCode(code, int(counts[k]), low, high))
    return found

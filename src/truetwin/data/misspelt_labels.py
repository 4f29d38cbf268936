"""Find the declared label that a misspelt word of a table means.

Likeness as a whole does not tell: "Very dissatisfied" is most alike to "Very satisfied", and means the opposite. A word
is taken for a label only if each part of it is the label's, or differs from it by one letter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: With fewer letters, one letter makes another word.
SHORTEST = 4


def meant_label(word: str, labels: Iterable[str]) -> str | None:
    """Return the one label that a word is but for a slip in its parts; None if there is none, or several.

    Examples
    --------
    >>> meant_label("Stongly agreee", ["Agree", "Strongly agree"])
    'Strongly agree'
    >>> meant_label("Unlikely", ["Likely"]) is None
    True
    """
    parts = word.casefold().split()
    found = [label for label in dict.fromkeys(labels) if _nearly_same(parts, label.casefold().split())]
    return found[0] if len(found) == 1 else None


def _nearly_same(parts: Sequence[str], others: Sequence[str]) -> bool:
    return len(parts) == len(others) and all(
        a == b or _one_letter_apart(a, b) for a, b in zip(parts, others, strict=True)
    )


def _one_letter_apart(a: str, b: str) -> bool:
    """Tell whether one letter added, lost or changed, or two neighbours swapped, makes two words the same."""
    if min(len(a), len(b)) < SHORTEST or not (a.isalpha() and b.isalpha()):
        return False
    start = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    a, b = a[start:], b[start:]
    swapped = len(a) > 1 and len(b) > 1 and (a[0], a[1]) == (b[1], b[0]) and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]

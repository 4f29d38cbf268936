"""Guess from the ids of items which of them belong together."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LEADING_NUMBER = re.compile(r"^\d+[ _.\-]+(?=\S)")
_TRAILING_NUMBER = re.compile(r"(?<=\S)[ _.\-]+\d+$")


def infer_blocks(item_ids: Iterable[str]) -> dict[str, str]:
    """Guess the battery of each item from its id.

    Ids that differ only in a number set off at the front or at the end by a blank, underscore, point or hyphen belong
    together, as survey platforms write them: ``Q203_1``, ``Q203_2`` or ``1_Q295``, ``2_Q295``.

    Examples
    --------
    >>> infer_blocks(["Q203_1", "Q203_2", "1_Q295", "Q7"])
    {'Q203_1': 'Q203', 'Q203_2': 'Q203', '1_Q295': 'Q295', 'Q7': 'Q7'}
    """
    return {i: _TRAILING_NUMBER.sub("", _LEADING_NUMBER.sub("", i)) for i in item_ids}

"""Find answers that look like codes for "refused" or "don't know" although nobody declared them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from truetwin.data.panel import Panel

#: What survey software writes for missing answers: repeated 7s, 8s and 9s, their neighbours, and negative numbers.
CODES = frozenset(
    sign * (int(str(digit) * length) - less)
    for sign in (1, -1)
    for digit in (7, 8, 9)
    for length in (1, 2, 3, 4)
    for less in ((0,) if length == 1 or digit < 9 else (0, 1, 2, 3))
) | {-1, -2, -3}
FEW = 11


def suspicious_codes(panel: Panel) -> list[str]:
    """Describe each undeclared answer that is a usual code (such as 99) and lies far from an item's other answers.

    Far means outside the range of the other answers by twice its width. For an item of at most 11 whole answers, it
    means outside by at least 2 and by half the width. Answers that are not far widen the range for those that lie
    beyond. Items with a declared scale are left alone.

    Examples
    --------
    >>> from truetwin.data import Panel, ResponseMatrix
    >>> people = ["a", "b", "c", "d"]
    >>> human = ResponseMatrix([[1, 2], [5, 3], [99, 1], [3, 2]], people, ["Q1", "Q2"])
    >>> suspicious_codes(Panel(human, ResponseMatrix(human.values[:, 1:], people, ["Q2"])))
    ["99 is far from the other answers to 'Q1' (1 to 5; 1 such answer): an off-scale code?"]
    """
    found = []
    for j, item in enumerate(panel.item_ids):
        if panel.items[item].scale is None:
            both = np.concatenate([panel.human_values[:, j], panel.twin_values[:, j]])
            found += [text.format(item=repr(item)) for text in _of_item(both[np.isfinite(both)])]
    return found


def odd_scales(panel: Panel) -> list[str]:
    """Warn of items that vary far more than the others, as a column that is no item (age, income) would.

    Far more means ten times the median range over items. Only items without a declared scale are compared.
    """
    ranges = {}
    for j, item in enumerate(panel.item_ids):
        both = np.concatenate([panel.human_values[:, j], panel.twin_values[:, j]])
        seen = both[np.isfinite(both)]
        if seen.size and panel.items[item].scale is None:
            ranges[item] = (float(seen.min()), float(seen.max()))
    if len(ranges) < 4:
        return []
    usual = float(np.median([high - low for low, high in ranges.values()]))
    wide = [item for item, (low, high) in ranges.items() if high - low > 10 * max(usual, 1e-12)]
    if not wide or len(wide) > len(ranges) / 4:
        return []
    low, high = ranges[wide[0]]
    more = f" and {len(wide) - 1} more" if len(wide) > 1 else ""
    return [
        f"{wide[0]!r} ({low:g} to {high:g}){more} vary over ten times as much as most items do: leave out what is no "
        f"survey item."
    ]


def _of_item(values: NDArray[np.float64]) -> list[str]:
    different, counts = np.unique(values, return_counts=True)
    coded = np.isin(different, list(CODES))
    rest = different[~coded] if (~coded).sum() > 1 else different[: max(different.size - 1, 0)]
    if rest.size < 2:
        return []
    texts = []
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
            many = "1 such answer" if counts[k] == 1 else f"{counts[k]} such answers"
            texts.append(
                f"{code:g} is far from the other answers to {{item}} ({low:g} to {high:g}; {many}): an off-scale code?"
            )
    return texts

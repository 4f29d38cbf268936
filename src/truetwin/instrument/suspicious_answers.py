"""Find answers that look like codes for "refused" or "don't know" although nobody declared them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from truetwin.data.missing_codes import FEW, far_codes
from truetwin.data.undeclared_codes import ENOUGH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from truetwin.data.panel import Panel


def suspicious_codes(panel: Panel) -> list[str]:
    """Describe each undeclared answer that is a usual code (such as 99) and lies far from an item's other answers.

    Items with a declared scale are left alone. :func:`truetwin.data.missing_codes.far_codes` says what is far.

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
        if not panel.items[item].has_scale:
            both = np.concatenate([panel.human_values[:, j], panel.source_values[:, :, j].ravel()])
            found += [
                f"{far.describe(item)}: an off-scale code?" for far in far_codes(both[np.isfinite(both)])
            ]
    return found


def unused_scales(panel: Panel) -> list[str]:
    """Warn of a declared scale of which several items use half or less, as a scale that belongs to others would.

    Answers of people and twins to all ordinal items of one scale count together.
    """
    used: dict[tuple[float, float], list[NDArray[np.float64]]] = {}
    for j, item in enumerate(panel.item_ids):
        scale = panel.scales.get(item)
        if scale is not None and panel.items[item].has_scale and scale.kind == "ordinal":
            both = np.concatenate([panel.human_values[:, j], panel.source_values[:, :, j].ravel()])
            used.setdefault((scale.low, scale.high), []).append(both[np.isfinite(both)])
    found = []
    for (low, high), answers in used.items():
        seen = np.concatenate(answers)
        if len(answers) >= 4 and seen.size and np.ptp(seen) <= (high - low) / 2:
            found.append(
                f"{len(answers)} items are declared as {low:g}..{high:g}, and all answers of people and twins to them "
                f"lie within {seen.min():g}..{seen.max():g}: is the scale right?"
            )
    return found


def odd_scales(panel: Panel) -> list[str]:
    """Warn of items that vary far more than the others, as a column that is no item (age, income) would.

    Far more means ten times the median range over items. Only items without a declared scale are compared.
    """
    ranges = {}
    for j, item in enumerate(panel.item_ids):
        both = np.concatenate([panel.human_values[:, j], panel.source_values[:, :, j].ravel()])
        seen = both[np.isfinite(both)]
        if seen.size and not panel.items[item].has_scale:
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


def other_codes(panel: Panel) -> list[str]:
    """Warn if twins seem to answer in other codes than people, such as 1 to 5 where people have 0 to 4.

    That is so if on half of the items or more, and on three at least, the lowest and the highest answer of the twins
    lie beyond those of people, both on the same side. Only items of few whole answers, 30 of people and 30 of twins at
    least, are compared, and none with a declared scale: what is off it is refused.
    """
    sides: dict[int, list[str]] = {1: [], -1: []}
    ends, compared = {}, 0
    for j, item in enumerate(panel.item_ids):
        ours, theirs = panel.human_values[:, j], panel.source_values[:, :, j].ravel()
        ours, theirs = ours[np.isfinite(ours)], theirs[np.isfinite(theirs)]
        if panel.items[item].has_scale or min(ours.size, theirs.size) < ENOUGH:
            continue
        answers = np.unique(ours)
        if answers.size > FEW or np.any(answers != np.round(answers)):
            continue
        compared += 1
        low, high, twin_low, twin_high = answers[0], answers[-1], theirs.min(), theirs.max()
        ends[item] = f"{low:g} to {high:g}, their twins' {twin_low:g} to {twin_high:g}"
        if (twin_low - low) * (twin_high - high) > 0:
            sides[1 if twin_low > low else -1].append(item)
    return [
        f"answers of people to {items[0]!r} are {ends[items[0]]} ({len(items) - 1} more items): are both in the same "
        "codes?"
        for items in sides.values()
        if len(items) >= max(3, compared / 2)
    ]

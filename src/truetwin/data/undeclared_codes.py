"""Read codes for missing answers that nobody has declared as missing, where the gap rule is sure of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item
from truetwin.data.missing_codes import FarCode, far_codes
from truetwin.data.reading_choices import ReadingChoices
from truetwin.data.responses import ResponseMatrix
from truetwin.data.scale import Scale

#: Label of a code that the gap rule finds, and of one that the user names.
BY_GAP, BY_NAME = "far from the other answers", "named as missing"
#: With fewer answers than this, a gap below 7, 8 or 9 may be chance.
ENOUGH = 30
#: A single digit is an answer if the other answers to so large a part of the items reach it.
REACHED = 0.1


@dataclass(frozen=True)
class FarAnswers:
    """Codes far from the other answers to an item, and those among them that are sure to be no answers."""

    item: str
    far: tuple[FarCode, ...]
    sure: tuple[float, ...]


def with_missing_codes(item: Item, codes: Sequence[float]) -> Item:
    """Add codes to the off-scale codes of an item, but those that are answers on its declared scale."""
    scale = Scale.undeclared({}) if item.scale is None else item.scale
    on = scale.categories if scale.kind != "numeric" or not scale.is_declared else _inside(scale, codes)
    further = {code: BY_NAME for code in codes if code not in on and code not in scale.off_scale}
    return replace(item, scale=replace(scale, off_scale={**scale.off_scale, **further})) if further else item


def _inside(scale: Scale, codes: Sequence[float]) -> tuple[float, ...]:
    bounded = np.isfinite(scale.low) and np.isfinite(scale.high)
    return tuple(code for code in codes if bounded and scale.low <= code <= scale.high)


def find_far_answers(*sides: Sequence[ResponseMatrix]) -> list[FarAnswers]:
    """Find usual codes for missing answers that lie far from the other answers, in items without a declared scale.

    A code of two digits or more, or a negative one, is sure. A single digit is sure if there are at least 30 answers,
    not every side (people, twins) gives it, and other items of the panel do not reach it: 7 after 5 may otherwise be
    the end of a scale of which 6 was never chosen.

    Parameters
    ----------
    sides : sequence of ResponseMatrix
        The tables of each side.
    """
    answers = {}
    for item in dict.fromkeys(item for side in sides for table in side for item in table.item_ids):
        found_in = [[_answers(table, item) for table in side] for side in sides]
        if not any(declared for side in found_in for _, declared in side):
            answers[item] = [np.concatenate([values for values, _ in side]) for side in found_in]
    far = {item: far_codes(np.concatenate(values)) for item, values in answers.items()}
    ends = {item: _ends(np.concatenate(values), far[item]) for item, values in answers.items()}
    found = []
    for item, codes in far.items():
        sure = []
        for each in codes:
            enough = sum(values.size for values in answers[item]) >= ENOUGH
            one_side = len(sides) == 1 or any(not np.isin(each.code, values) for values in answers[item])
            others = [low <= each.code <= high for other, (low, high) in ends.items() if other != item]
            reached = bool(others) and float(np.mean(others)) >= REACHED
            if each.code < 0 or each.code >= 10 or (enough and one_side and not reached):
                sure.append(each.code)
        if codes:
            found.append(FarAnswers(item, tuple(codes), tuple(sure)))
    return found


def _ends(values: NDArray[np.float64], far: Sequence[FarCode]) -> tuple[float, float]:
    rest = values[~np.isin(values, [each.code for each in far])]
    return (float(rest.min()), float(rest.max())) if rest.size else (np.inf, -np.inf)


def _answers(table: ResponseMatrix, item: str) -> tuple[NDArray[np.float64], bool]:
    """Return the answers to an item, and whether its scale is declared."""
    if item not in table.item_ids:
        return np.empty(0), False
    j = table.item_ids.index(item)
    values = table.values[:, j]
    return values[np.isfinite(values)], table.items[j].has_scale


def without_sure_codes(
    *tables: ResponseMatrix, settled: Collection[str] = (), n_twins: int = 1
) -> tuple[list[ResponseMatrix], list[str]]:
    """Read the codes of which the gap rule is sure as missing, and say so.

    Parameters
    ----------
    tables : ResponseMatrix
        Answers of people or of twins, or of both, in this order, and further tables of the same items, which decide
        nothing.
    settled : collection of str
        Items whose scales are known from elsewhere.
    n_twins : int, default=1
        Number of sources of twins after the first table.

    Returns
    -------
    list of ResponseMatrix
        The tables, in which such codes are off-scale codes of their items.
    list of str
        One note for all codes; empty if there are none.
    """
    sides = [tables[:1], tables[1 : 1 + n_twins]] if len(tables) > 1 else [tables]
    found = [each for each in find_far_answers(*sides) if each.item not in settled]
    off = {each.item: dict.fromkeys(each.sure, BY_GAP) for each in found if each.sure}
    changed = [table.with_items(_declared(table, off)) for table in tables] if off else list(tables)
    count = sum(after.n_off_scale - before.n_off_scale for before, after in zip(tables, changed, strict=True))
    notes = []
    if off:
        times = Counter(code for codes in off.values() for code in codes)
        codes = ", ".join(f"{code:g}" for code in sorted(times))
        first = next(each for each in found if each.sure)
        far = next(each for each in first.far if each.code in first.sure)
        notes.append(
            f"{count} answers to {len(off)} items are read as missing, because they are usual codes for missing "
            f"answers and far from the others ({codes}; {far.describe(first.item)}); --missing-codes none takes them "
            "for answers, and an item file settles it for each item"
        )
    return changed, notes


def sides_without_sure_codes(
    sides: Mapping[str, ResponseMatrix], choices: ReadingChoices
) -> tuple[dict[str, ResponseMatrix], list[str]]:
    """Do the same for answers by side, people before sources of twins, unless codes for missing answers are named."""
    if choices.missing_codes is not None or not sides:
        return dict(sides), []
    kept, notes = without_sure_codes(*sides.values(), n_twins=max(len(sides) - 1, 1))
    return dict(zip(sides, kept, strict=True)), notes


def _declared(table: ResponseMatrix, off: dict[str, dict[float, str]]) -> dict[str, Item]:
    found = {}
    for item in table.items:
        if item.id in off:
            known = {} if item.scale is None else item.scale.off_scale
            labels = {} if item.scale is None else item.scale.labels
            found[item.id] = replace(item, scale=Scale.undeclared({**known, **off[item.id]}, labels))
    return found

"""Leave out columns that only the twin table has and that look like no items, such as interview times.

Twins are asked what people have not been asked yet. Where it is the other way round, so that people have answered more,
and all that only twins have looks like no item, then nothing is new: the two tables may have been swapped. Columns that
an item file declares, or that the user names, are items.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from truetwin.data import ResponseMatrix
from truetwin.data.item_columns import UNASKED
from truetwin.io.qualtrics_loops import loop_base

#: Fewest answers by which a column is judged.
ENOUGH = 30
#: So many different values are no answers, however many people there are; a slider from 0 to 100 has fewer.
MANY_VALUES = 200
_MOST_SHOWN = 8


def stray_columns(
    human: ResponseMatrix,
    left_out: Mapping[str, str],
    sources: Collection[ResponseMatrix],
    declared: Collection[str],
    named: Collection[str],
) -> list[str]:
    """Return the items that only twins have, if all of them look like no items and people have answered others.

    They look like none if an item file declares an item that only people have answered, and none of them; or if
    nearly every person has another value, beyond the answers to shared items.

    Parameters
    ----------
    human : ResponseMatrix
        Answers of people.
    left_out : mapping from name to reason
        Columns of the human table that are no items here.
    sources : collection of ResponseMatrix
        Answers of twins.
    declared : collection of str
        Items of the item file.
    named : collection of str
        Further items that the user asks for.
    """
    asked = {item for source in sources for item in source.item_ids}
    only_people = {name for name, why in left_out.items() if why == UNASKED} | (set(human.item_ids) - asked)
    only_twins = sorted(asked - set(human.item_ids))
    known = {*declared, *named}
    if not only_people or any(name in known or loop_base(name) in known for name in only_twins):
        return []
    if any(name in declared or loop_base(name) in declared for name in only_people):
        return only_twins
    shared = _answers(sources, [item for item in human.item_ids if item in asked])
    look = all(_looks_like_no_answers(_answers(sources, [name]), shared) for name in only_twins)
    return only_twins if look else []


def stray_note(names: Sequence[str], source: str) -> str:
    """Say that columns were left out, why, and what to do if they are items."""
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return (
        f"{source}: left out what looks like no item: {', '.join(names[:_MOST_SHOWN])}{more}. If it is one, declare it "
        "in the item file (--item-file)"
    )


def _answers(sources: Collection[ResponseMatrix], items: Sequence[str]) -> NDArray[np.float64]:
    """Return all answers of twins to some items."""
    columns = [s.values[:, s.item_ids.index(i)] for s in sources for i in items if i in s.item_ids]
    values = np.concatenate(columns) if columns else np.empty(0)
    return values[np.isfinite(values)]


def _looks_like_no_answers(values: NDArray[np.float64], shared: NDArray[np.float64]) -> bool:
    """Tell whether values differ from person to person, and go beyond the answers to shared items."""
    if values.size < ENOUGH or not shared.size:
        return False
    n_values = np.unique(values).size
    beyond = values.min() < shared.min() or values.max() > shared.max()
    return bool(beyond and (n_values > values.size / 2 or n_values > MANY_VALUES))

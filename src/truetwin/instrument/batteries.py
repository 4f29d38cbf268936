"""Batteries (items that are asked together): read from a declaration, or guessed from the items' ids.

In the code the battery of an item is called its *block*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from truetwin.data import Panel
from truetwin.data.id_families import infer_blocks
from truetwin.errors import DataError

__all__ = ["check_blocks", "complete_blocks", "infer_blocks", "situation_of"]


def check_blocks(blocks: Mapping[str, str], item_ids: Iterable[str]) -> dict[str, str]:
    """Complete a declared mapping and check that whole blocks can be left out; unnamed items are blocks of their own.

    Raises
    ------
    DataError
        If it names none of the items, or puts all of them in one block.
    """
    ids = list(item_ids)
    known = [i for i in ids if i in blocks]
    if not known:
        raise DataError(
            f"the blocks must name items of the panel; none of the {len(blocks)} named items is in it"
        )
    complete = {i: str(blocks.get(i, i)) for i in ids}
    if len(set(complete.values())) == 1:
        raise DataError(
            f"leaving a block out needs at least two blocks; all {len(ids)} items are in {complete[ids[0]]!r}. Declare "
            f"the batteries of the items."
        )
    return complete


def complete_blocks(blocks: Mapping[str, str] | None, item_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the block of each item: as declared, or guessed from the ids if nothing is declared.

    In a declaration, items that it does not name are blocks of their own.

    Raises
    ------
    DataError
        If a declared mapping names none of the items.

    Examples
    --------
    >>> complete_blocks({"a": "mood", "b": "mood"}, ["a", "b", "c"])
    ('mood', 'mood', 'c')
    """
    ids = list(item_ids)
    if blocks is None:
        inferred = infer_blocks(ids)
        return tuple(inferred[i] for i in ids)
    if not any(i in blocks for i in ids):
        raise DataError(
            f"the blocks must name items of the panel; none of the {len(blocks)} named items is in it"
        )
    return tuple(str(blocks.get(i, i)) for i in ids)


def situation_of(blocks: Mapping[str, str] | None, panel: Panel, target: str, targets: Sequence[str]) -> str:
    """Describe in words what a new item faces in a panel, such as a battery that nobody has answered.

    Parameters
    ----------
    blocks : mapping from item id to block, optional
        As for :func:`complete_blocks`.
    panel : Panel
    target : str
        The new item.
    targets : sequence of str
        All items that are predicted together with it.
    """
    answered = np.asarray(
        np.isfinite(panel.human_values).any(axis=0) & np.isfinite(panel.twin_values).any(axis=0)
    )
    new = set(targets)
    donors = [i for i, a in zip(panel.item_ids, answered, strict=True) if a and i not in new]
    block = dict(zip([*donors, target], complete_blocks(blocks, [*donors, target]), strict=True))
    siblings = [d for d in donors if block[d] == block[target]]
    if siblings:
        return f"new item of a known battery: {len(siblings)} answered siblings, such as {siblings[0]!r}"
    if len({block[d] for d in donors}) < len(donors):
        return "new battery: no answered item belongs with it"
    return "no batteries are known: all answered items are taken as one pool"

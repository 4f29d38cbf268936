"""Find questions with several answers: columns of 0 and 1 under one question, one for each option."""

from __future__ import annotations

from collections.abc import Mapping

from truetwin.data import Panel

FEWEST_OPTIONS = 3


def option_items(panel: Panel, blocks: Mapping[str, str]) -> dict[str, str]:
    """Return the question of each item that is an option of one.

    A question with several answers is a battery of at least three items, all of them on the scale 0, 1.

    Examples
    --------
    >>> from truetwin.data import Item, ResponseMatrix, Scale
    >>> options = [Item(f"Q5_{k}", scale=Scale.ordinal(0, 1)) for k in range(3)]
    >>> answers = ResponseMatrix([[0, 1, 1]], ["a"], options)
    >>> option_items(Panel(answers, answers), {f"Q5_{k}": "Q5" for k in range(3)})
    {'Q5_0': 'Q5', 'Q5_1': 'Q5', 'Q5_2': 'Q5'}
    """
    members: dict[str, list[str]] = {}
    for item in panel.item_ids:
        members.setdefault(blocks[item], []).append(item)
    found = {}
    for question, items in members.items():
        chosen = all(panel.scales[i].categories == (0.0, 1.0) for i in items)
        if chosen and len(items) >= FEWEST_OPTIONS:
            found.update(dict.fromkeys(items, question))
    return found

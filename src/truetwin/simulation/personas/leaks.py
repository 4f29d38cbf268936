"""Find the items that a persona must not show because they are going to be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from truetwin.data import Item
from truetwin.data.persona import Persona
from truetwin.errors import DataError
from truetwin.simulation.questions.question import plain

_LONG_ENOUGH = 20
_PERSONAS_SEARCHED = 50


def hidden_with(targets: Collection[str], catalogue: Mapping[str, Item]) -> frozenset[str]:
    """Add to the targets all items of their batteries, and items of the same wording under another id.

    A battery is a set of items that are asked together. An answer to one item of it gives away the answers to the
    others.

    Parameters
    ----------
    targets : collection of str
        Ids of the items to be asked.
    catalogue : mapping from item id to Item
        All known items, with their texts and batteries (``block``).

    Examples
    --------
    >>> items = {i: Item(i, block=b) for i, b in (("Q1", "mood"), ("Q2", "mood"), ("Q3", None))}
    >>> sorted(hidden_with({"Q1"}, items))
    ['Q1', 'Q2']
    """
    chosen = [catalogue[t] for t in targets if t in catalogue]
    blocks = {item.block for item in chosen if item.block}
    texts = {plain(item.text) for item in chosen if item.text}
    return frozenset(targets) | {
        item.id
        for item in catalogue.values()
        if item.block in blocks or (item.text and plain(item.text) in texts)
    }


def check_no_leak(
    personas: Iterable[Persona], targets: Collection[str], catalogue: Mapping[str, Item]
) -> None:
    """Raise :class:`DataError` if a persona shows the answer to an item to be asked, or to one of its battery."""
    hidden = hidden_with(targets, catalogue)
    for persona in personas:
        shown = sorted(hidden & set(persona.answers))
        if shown:
            what = "is to be asked" if shown[0] in targets else "belongs with an item that is to be asked"
            raise DataError(
                f"no persona may show the answer to an item that is asked, or to one of its battery; persona "
                f"{persona.id!r} shows {shown[0]!r}, which {what} ({len(shown)} such items). Build the personas with "
                "--targets naming the items to be asked."
            )


def texts_that_occur(personas: Sequence[Persona], items: Iterable[Item]) -> list[str]:
    """Find items whose wording occurs in one of the first personas: a sign that their answers occur too.

    This is for personas written by hand, which do not record the answers that they show.
    """
    some = [p.text for p in personas[:_PERSONAS_SEARCHED] if not p.builder]
    return [
        item.id
        for item in items
        if len(item.text) >= _LONG_ENOUGH and any(item.text.strip() in text for text in some)
    ]

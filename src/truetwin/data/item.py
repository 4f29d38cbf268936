"""Item: a question or thing rated."""

from __future__ import annotations

from dataclasses import dataclass, replace

from truetwin.data.scale import Scale


@dataclass(frozen=True)
class Item:
    """Item: a question or thing rated, a column of a response matrix.

    Parameters
    ----------
    id : str
        Unique name of the item, kept unchanged from the data.
    text : str, default=""
        Wording of the question, where known.
    scale : Scale, optional
        The answers it admits; None if not declared.
    block : str, optional
        The battery it belongs to (items that are asked together), where known.
    variant_of : str, optional
        The item that this one asks in other words, or with the options in another order.
    domain : str, optional
        The subject that it is about, or the survey that it comes from: what predictions from one domain to another are
        judged by.
    fielded : str, optional
        When people were asked: a year, month or day, such as ``2024-05``.

    Examples
    --------
    >>> Item("Q12", text="How safe do you feel?", scale=Scale.ordinal(1, 4)).id
    'Q12'
    """

    id: str
    text: str = ""
    scale: Scale | None = None
    block: str | None = None
    variant_of: str | None = None
    fielded: str | None = None
    domain: str | None = None

    @property
    def has_scale(self) -> bool:
        """Whether the item's scale is declared, beyond codes that are off it."""
        return self.scale is not None and self.scale.is_declared


def merged_item(ours: Item, theirs: Item) -> Item:
    """Return what two tables declare about one item; where both declare something, ours holds.

    Off-scale codes are taken from both where neither declares the scale.
    """
    scale = theirs.scale if ours.scale is None or (theirs.has_scale and not ours.has_scale) else ours.scale
    if ours.scale is not None and theirs.scale is not None and not (ours.has_scale or theirs.has_scale):
        scale = Scale.undeclared({**theirs.scale.off_scale, **ours.scale.off_scale})
    return replace(
        ours,
        text=ours.text or theirs.text,
        scale=scale,
        block=theirs.block if ours.block is None else ours.block,
        variant_of=ours.variant_of or theirs.variant_of,
        fielded=ours.fielded or theirs.fielded,
        domain=ours.domain or theirs.domain,
    )

"""Twin sources: tables of twin answers by name, and what must hold of them together.

A source is a model, a prompt or a replicate. Replicates are named ``name/1``, ``name/2``; what stands before the last
slash is the source's *family*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from truetwin.data.item import Item
from truetwin.data.responses import ResponseMatrix
from truetwin.data.scale import Scale
from truetwin.errors import AlignmentError, DataError, ScaleError

#: Name of a lone source that was given none.
LONE = "twin"


def family_of(source: str) -> str:
    """Return the family of a source: its name without the number of the replicate.

    Examples
    --------
    >>> family_of("gpt/2"), family_of("gpt")
    ('gpt', 'gpt')
    """
    return source.rpartition("/")[0] or source


def check_sources(human: ResponseMatrix, sources: Mapping[str, ResponseMatrix]) -> None:
    """Refuse sources that have nothing in common with the human table, or do not fit each other.

    Raises
    ------
    DataError
        If there is no source, or one has no name.
    AlignmentError
        If a source has no respondent or no item in common with the human table.
    ScaleError
        If two sources declare different scales for an item.
    """
    if not sources:
        raise DataError("a panel must have at least one source of twin answers; it has none")
    for name, source in sources.items():
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"every source of twin answers must have a name; got {name!r}")
        for what, ours, theirs in (
            ("respondent id", human.respondent_ids, source.respondent_ids),
            ("item", human.item_ids, source.item_ids),
        ):
            if not set(ours) & set(theirs):
                shown = (
                    f"{some_ids(ours)} and {some_ids(theirs)}" if ours and theirs else "one of them has none"
                )
                tables = (
                    "human and the twin table"
                    if len(sources) == 1
                    else f"human table and the source {name!r}"
                )
                raise AlignmentError(
                    f"the {tables} must have {what}s in common; they have none ({shown}). "
                    f"Check that both use the same ids, written the same way{_further(what)}."
                )
    _check_scales(sources)


def _check_scales(sources: Mapping[str, ResponseMatrix]) -> None:
    """Refuse sources that declare different answers to one item."""
    declared: dict[str, tuple[str, Scale]] = {}
    for name, source in sources.items():
        for item in source.items:
            if item.scale is None or not item.has_scale:
                continue
            first, scale = declared.setdefault(item.id, (name, item.scale))
            if not item.scale.admits_the_same(scale):
                raise ScaleError(
                    f"all sources must use one scale for an item; {item.id!r} is {scale.describe()} in the source "
                    f"{first!r} and {item.scale.describe()} in the source {name!r}. Recode one of them, or leave the "
                    "item out of it."
                )


def nominal_items(items: Mapping[str, Item]) -> list[str]:
    """List the items that are declared nominal; what is not declared is never taken for nominal."""
    return [i for i, item in items.items() if item.scale is not None and item.scale.kind == "nominal"]


def some_ids(ids: Sequence[str]) -> str:
    """Show the first two ids."""
    return ", ".join(repr(i) for i in ids[:2]) + (", ..." if len(ids) > 2 else "")


def _further(what: str) -> str:
    return (
        "; twins must also have answered items that people have answered, for calibration to learn from"
        if what == "item"
        else ""
    )

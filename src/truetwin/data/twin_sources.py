"""Twin sources: tables of twin answers by name, and what must hold of them together.

A source is a model, a prompt or a replicate. Replicates are named ``name/1``, ``name/2``; the name without the number
is the source's *family*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item, merged_item
from truetwin.data.marginals import Marginals
from truetwin.data.responses import ResponseMatrix
from truetwin.data.scale import Scale
from truetwin.errors import AlignmentError, DataError, ScaleError

#: Name of a lone source that was given none.
LONE = "twin"


def family_of(source: str) -> str:
    """Return the family of a source: its name without the number of the replicate.

    Examples
    --------
    >>> family_of("gpt/2"), family_of("gpt"), family_of("openai/gpt-4.1")
    ('gpt', 'gpt', 'openai/gpt-4.1')
    """
    name, slash, number = source.rpartition("/")
    return name if slash and name and number.isdigit() else source


def items_of(sources: Mapping[str, ResponseMatrix] | Marginals) -> tuple[str, ...]:
    """List the items that any source has answered, or for which shares are stated, each once."""
    if isinstance(sources, Marginals):
        return sources.item_ids
    return tuple(dict.fromkeys(item for source in sources.values() for item in source.item_ids))


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


def on_scales(source: ResponseMatrix, items: Mapping[str, Item]) -> ResponseMatrix:
    """Declare items of a source. Answers beyond an inferred scale, which other sources have led to, count as its ends.

    Examples
    --------
    >>> one = ResponseMatrix([[1], [6]], ["a", "b"], ["Q1"])
    >>> on_scales(one, {"Q1": Item("Q1", scale=Scale.ordinal(1, 5, inferred=True))}).values.ravel()
    array([1., 5.])
    """
    values = source.values.copy()
    for j, name in enumerate(source.item_ids):
        scale = items[name].scale if name in items else None
        if scale is not None and scale.inferred:
            off = scale.is_off_scale_code(values[:, j])
            values[:, j] = np.where(off, values[:, j], scale.clip(values[:, j]))
    return source.with_values(values).with_items(items)


@dataclass(frozen=True, eq=False)
class StackedSources:
    """Answers of several sources one below the other: each row is one twin of one source.

    Attributes
    ----------
    answers : ResponseMatrix
        The rows. Their ids are those of the people; behind a person's id stands the source, if there are several.
    people : tuple of str
        Id of the person of each row.
    sources : tuple of str
        Source of each row; empty if there is one only.
    """

    answers: ResponseMatrix
    people: tuple[str, ...]
    sources: tuple[str, ...]

    @classmethod
    def of(cls, sources: ResponseMatrix | Mapping[str, ResponseMatrix]) -> StackedSources:
        """Stack sources; a lone one stays as it is.

        Examples
        --------
        >>> one = ResponseMatrix([[1], [2]], ["a", "b"], ["Q1"])
        >>> stacked = StackedSources.of({"gpt": one, "gemini": one})
        >>> stacked.answers.respondent_ids, stacked.sources
        (('a (gpt)', 'b (gpt)', 'a (gemini)', 'b (gemini)'), ('gpt', 'gpt', 'gemini', 'gemini'))
        """
        if isinstance(sources, ResponseMatrix):
            return cls(sources, sources.respondent_ids, ())
        if len(sources) == 1:
            (lone,) = sources.values()
            return cls(lone, lone.respondent_ids, ())
        _check_scales(sources)
        items: dict[str, Item] = {}
        for source in sources.values():
            items |= {item.id: merged_item(items.get(item.id, item), item) for item in source.items}
        tables = list(sources.values())
        weighted = any(table.weights is not None for table in tables)
        answers = ResponseMatrix(
            np.concatenate([table.on_grid(table.respondent_ids, tuple(items)) for table in tables]),
            [f"{who} ({name})" for name, table in sources.items() for who in table.respondent_ids],
            items.values(),
            np.concatenate([_weights_of(table) for table in tables]) if weighted else None,
            ", ".join(dict.fromkeys(table.source for table in tables)),
            tables[0].id_name,
            expectations=any(table.expectations for table in tables),
            notes=dict.fromkeys(note for table in tables for note in table.notes),
        )
        people = tuple(who for table in tables for who in table.respondent_ids)
        names = tuple(name for name, table in sources.items() for _ in table.respondent_ids)
        return cls(answers, people, names)


def _weights_of(source: ResponseMatrix) -> NDArray[np.float64]:
    return np.ones(len(source.respondent_ids)) if source.weights is None else source.weights

"""Align twins' answers and human marginals, and refuse bad input: all checks of reweighting are here."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from truetwin.data.item import Item
from truetwin.data.marginals import Marginals
from truetwin.data.responses import ResponseMatrix
from truetwin.data.scale import Scale
from truetwin.data.scale_inference import Example, commonest_scale
from truetwin.data.twin_sources import StackedSources
from truetwin.errors import AlignmentError, DataError, ScaleError
from truetwin.reweighting.stated_shares import stated_answers
from truetwin.reweighting.twin_table import TwinTable

FEWEST_TRAINING_ITEMS = 2


@dataclass(frozen=True, eq=False)
class Aligned:
    """Twins' answers as category numbers, and which items have a human marginal.

    Attributes
    ----------
    table : TwinTable
        Every item that twins have answered.
    items : tuple of Item
        The items of ``table`` with their scales.
    training, new : ndarray of int
        Rows of ``table`` with and without a human marginal.
    notes : tuple of str
        Sentences about what was left out or missing.
    twin_ids, twin_sources : tuple of str
        Twins with a positive weight, in the order of the table: ids of their people, and names of their sources
        (empty if there is one source only).
    examples : tuple of Example
        Scales of the training items with the twins' answers; scales of new items are inferred from them.
    """

    table: TwinTable
    items: tuple[Item, ...]
    training: np.ndarray
    new: np.ndarray
    notes: tuple[str, ...]
    twin_ids: tuple[str, ...]
    twin_sources: tuple[str, ...]
    examples: tuple[Example, ...]


def align(
    sources: ResponseMatrix | Mapping[str, ResponseMatrix] | Marginals,
    marginals: Marginals,
    *,
    predict: Sequence[str] | None = None,
) -> Aligned:
    """Put twins' answers and human marginals on the same items and categories.

    Parameters
    ----------
    sources : ResponseMatrix, mapping from name to ResponseMatrix, or Marginals
        Answers of the twins, of one source or of several; ``weights`` are their design weights. Or the shares that they
        state for the population.
    marginals : Marginals
        Marginals of one population.
    predict : sequence of str, optional
        Keep only these new items.

    Raises
    ------
    AlignmentError, ScaleError, DataError
        If the two sources have no item in common, an answer is on no category, or there is nothing to learn from or
        to predict.
    """
    joint = not isinstance(sources, Marginals)
    if isinstance(sources, Marginals):
        sources = stated_answers(sources, marginals.populations[0])
    stacked = StackedSources.of(sources)
    twins = stacked.answers
    known = marginals.by_population[marginals.populations[0]]
    both = _answered_by_both(twins, marginals, known)
    kept = [item for item in twins.items if item.id in known or predict is None or item.id in set(predict)]
    examples = _scale_examples([known[i].item for i in both], twins)
    position = {i: j for j, i in enumerate(twins.item_ids)}
    answers = [twins.values[:, position[item.id]] for item in kept]
    items = [
        complete_item(item, known[item.id].item if item.id in known else None, values, examples)
        for item, values in zip(kept, answers, strict=True)
    ]
    affected = sum(
        item.id in known and bool(_strange(values, item).any())
        for item, values in zip(items, answers, strict=True)
    )
    columns = [
        codes_of(values, item, twins, marginals if item.id in known else None, n_affected=affected)
        for item, values in zip(items, answers, strict=True)
    ]
    if joint:
        _check_twins(twins, max(item.scale.n_categories for item in items if item.scale is not None))
    table = table_of(
        items, columns, twins.weights, with_texts=all(item.text for item in items), sources=stacked.sources
    )
    table = table if joint else replace(table, joint=False)
    _ = table.histogram  # every item must have an answer
    is_known = np.array([item.id in known for item in items])
    guessed = inferred_note([c for c, given in zip(items, kept, strict=True) if _unscaled(given, known)])
    notes = (*_notes(table, marginals, both, sum(int((c < 0).sum()) for c in columns)), *guessed)
    positive = np.ones(len(twins.respondent_ids), bool) if twins.weights is None else twins.weights > 0
    return Aligned(
        table,
        tuple(items),
        np.flatnonzero(is_known),
        np.flatnonzero(~is_known),
        notes,
        tuple(compress(stacked.people, positive)),
        tuple(compress(stacked.sources, positive)),
        examples,
    )


def _answered_by_both(twins: ResponseMatrix, marginals: Marginals, known: Container[str]) -> list[str]:
    """Items with human marginals that twins have answered; there must be enough of them."""
    both = [i for i in twins.item_ids if i in known]
    if not both:
        raise AlignmentError(
            f"twins must have answered at least {FEWEST_TRAINING_ITEMS} items with human marginals; {twins.source} and "
            f"{marginals.source} have no item in common (first items: {twins.item_ids[0]!r}, "
            f"{marginals.item_ids[0]!r}). "
            "Check the item ids."
        )
    if len(both) < FEWEST_TRAINING_ITEMS:
        raise AlignmentError(
            f"at least {FEWEST_TRAINING_ITEMS} items must have both human marginals and twins' "
            f"answers; only {both[0]!r} has. "
            "Add marginals of further items."
        )
    return both


def table_of(
    items: Sequence[Item],
    columns: Sequence[np.ndarray],
    prior: np.ndarray | None,
    *,
    with_texts: bool,
    sources: Sequence[str] = (),
) -> TwinTable:
    """The table of twins whose category numbers of each item are ``columns``."""
    return TwinTable.build(
        np.column_stack(columns),
        [item.scale.n_categories for item in items if item.scale is not None],
        item_ids=[item.id for item in items],
        ordered=[item.scale is not None and item.scale.kind == "ordinal" for item in items],
        prior=prior,
        texts=[item.text for item in items] if with_texts else None,
        sources=sources,
    )


def _scale_examples(training: Sequence[Item], twins: ResponseMatrix) -> tuple[Example, ...]:
    """List the scales of the training items with the twins' answers, from which scales of new items are inferred.

    Labelled nominal scales are left out: their words belong to one item.
    """
    position = {i: j for j, i in enumerate(twins.item_ids)}
    return tuple(
        Example.of(item.scale, twins.values[:, position[item.id]])
        for item in training
        if item.scale is not None and not (item.scale.kind == "nominal" and item.scale.labels)
    )


def _unscaled(item: Item, known: Container[str]) -> bool:
    return item.id not in known and (item.scale is None or item.scale.kind == "numeric")


def inferred_note(items: Sequence[Item]) -> tuple[str, ...]:
    """Write a note on new items whose scale was taken from training items; empty if there are none."""
    if not items:
        return ()
    first = items[0]
    assert first.scale is not None
    shown = _short(first.scale)
    if len(items) == 1:
        return (
            f"scale of new item {first.id!r} is inferred from the training items (the most common that its answers "
            f"fit): {shown}; declare it in an item file",
        )
    return (
        f"scales of {len(items)} new items are inferred from the training items (the most common that their answers "
        f"fit); first {first.id!r}: {shown}; declare them in an item file",
    )


def _short(scale: Scale) -> str:
    codes = scale.categories
    if codes == tuple(codes[0] + k for k in range(len(codes))) and len(codes) > 1:
        return f"{codes[0]:g}..{codes[-1]:g}"
    return ", ".join(f"{c:g}" for c in codes)


def complete_item(item: Item, known: Item | None, values: np.ndarray, examples: Sequence[Example]) -> Item:
    """Return the item with a scale: that of the marginals, or the declared one, or that of training items like it."""
    text = item.text or (known.text if known else "")
    if known is not None:
        return Item(item.id, text, known.scale, item.block or known.block)
    if item.scale is not None and item.scale.kind != "numeric":
        return item
    found = commonest_scale(values, examples)
    if found is None and item.scale is not None:
        raise ScaleError(
            f"an item must have categories; {item.id!r} is {item.scale.describe()}, and the twins' answers to it fit "
            f"no scale of the training items. Leave it out of the twins, or declare its categories in the item file."
        )
    if found is None:
        raise ScaleError(
            f"every item must have a scale; {item.id!r} has no marginal, and the twins' answers to it "
            "fit no scale of the "
            f"training items. Declare its categories in the item file."
        )
    return Item(item.id, text, found, item.block)


def _strange(values: np.ndarray, item: Item) -> np.ndarray:
    """Test which answers are neither missing, nor a category, nor an off-scale code."""
    scale = item.scale
    assert scale is not None
    found: np.ndarray = (
        np.isfinite(values) & ~np.isin(values, scale.categories) & ~scale.is_off_scale_code(values)
    )
    return found


def codes_of(
    values: np.ndarray, item: Item, twins: ResponseMatrix, marginals: Marginals | None, n_affected: int = 1
) -> np.ndarray:
    """Convert answers to one item to category numbers; -1 where missing or off-scale.

    Any other answer raises an error. It says how many items are affected in all, and that the marginals must also
    list categories that nobody chose.
    """
    scale = item.scale
    assert scale is not None
    codes = np.full(values.shape, -1, dtype=np.int16)
    for k, code in enumerate(scale.categories):
        codes[values == code] = k
    strange = _strange(values, item)
    if strange.any():
        first = int(np.argmax(strange))
        shown = ", ".join(scale.labels.get(c, f"{c:g}") for c in scale.categories[:12])
        where = f"the categories of {marginals.source}" if marginals else "its scale"
        more = f"; {n_affected} items are affected in all" if marginals and n_affected > 1 else ""
        hint = "List categories that nobody chose with share 0, recode" if marginals else "Recode"
        raise ScaleError(
            f"{twins.source}: twins' answers to item {item.id!r} must be among {where} ({shown}); twin "
            f"{twins.respondent_ids[first]!r} answers {values[first]:g} ({int(strange.sum())} such "
            f"answers{more}). {hint} the answers, or declare the scale or an off-scale code in the item file."
        )
    return codes


def _check_twins(twins: ResponseMatrix, width: int) -> None:
    n = len(twins.respondent_ids) if twins.weights is None else int((twins.weights > 0).sum())
    if n == 0:
        raise DataError(
            f"{twins.source}: at least one twin must have a positive weight; all weights are zero"
        )
    if n < width:
        raise DataError(
            f"{twins.source}: there must be at least as many twins as categories; there are {n} twins "
            "(with a positive weight) "
            f"and an item with {width} categories. Add twins, or merge categories."
        )


def _notes(table: TwinTable, marginals: Marginals, both: Sequence[str], n_missing: int) -> tuple[str, ...]:
    notes = list(marginals.notes)
    if marginals.off_scale_share > 0:
        share = marginals.off_scale_share
        shown = "less than 0.1%" if share < 0.001 else f"{share:.1%}"
        notes.append(f"off-scale answers were {shown} of the humans' answers on average")
    if n_missing and table.joint:
        least = int(np.argmin(table.base))
        notes.append(
            f"{n_missing} twin answers are missing or off-scale: every item is based on the twins who "
            "answered it; fewest: "
            f"{table.base[least]} of {table.n_twins} (item {table.item_ids[least]!r})"
        )
    only = len(marginals.item_ids) - len(both)
    if only:
        notes.append(
            "1 item with a marginal was not answered by twins and is left out"
            if only == 1
            else f"{only} items with marginals were not answered by twins and are left out"
        )
    unused = _never_chosen(table)
    if unused:
        notes.append(
            f"{unused} of {table.n_items} items have a category that no twin chose: without "
            "calibration their kl and chi2 are "
            "set by the clip"
        )
    return tuple(notes)


def _never_chosen(table: TwinTable) -> int:
    return int(((table.histogram == 0) & table.valid()).any(axis=1).sum())

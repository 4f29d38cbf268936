"""Count human marginals: the share of each category among people's answers, with survey weights."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from truetwin.data.item import Item
from truetwin.data.marginals import EVERYBODY, ItemMarginal, Marginals
from truetwin.data.panel import Panel
from truetwin.data.responses import ResponseMatrix
from truetwin.data.scale import Scale
from truetwin.data.twin_sources import on_scales
from truetwin.errors import DataError

Array = NDArray[np.float64]


def human_marginals(
    panel: Panel,
    items: Iterable[str] | None = None,
    *,
    weights: Array | None = None,
    people: NDArray[np.bool_] | None = None,
    scales: Mapping[str, Scale] | None = None,
    population: str = EVERYBODY,
) -> Marginals:
    r"""Count the shares of people's answers to the items of a panel.

    A share is the weight of those who chose the category over the weight of all who answered the item. Behind it stand

    .. math:: n_\mathrm{eff} = \Bigl(\sum_i w_i\Bigr)^2 / \sum_i w_i^2

    people (Kish's effective number, over those who answered), which is the marginal's ``base_size``. Without weights it
    is the number of people who answered. Everything that uses shares of people counts them here.

    Parameters
    ----------
    panel : Panel
        Answers of people.
    items : iterable of str, optional
        Items to count; by default all whose scale has categories. Items that nobody (with a positive weight) has
        answered are left out.
    weights : ndarray of shape (n,), optional
        One weight for each respondent of the panel, from :func:`~truetwin.data.person_design.person_weights`.
    people : ndarray of bool of shape (n,), optional
        The respondents to count, such as one group.
    scales : mapping from item id to Scale, optional
        Scales; by default those of the panel.
    population : str
        Name of the population in the result.

    Returns
    -------
    Marginals

    Raises
    ------
    DataError
        If an item that was asked for has no categories, or no item can be counted.

    Examples
    --------
    >>> from truetwin.data import ResponseMatrix
    >>> answers = ResponseMatrix([[1], [2], [2], [np.nan]], list("abcd"), ["Q1"])
    >>> found = human_marginals(Panel(answers, answers), weights=np.array([2.0, 1.0, 1.0, 9.0]))
    >>> found.shares(["Q1"]).tolist(), round(found.by_population["all"]["Q1"].base_size, 3)
    ([[0.5, 0.5]], 2.667)
    """
    known = panel.scales if scales is None else scales
    wanted = [i for i in panel.item_ids if known[i].categories] if items is None else list(items)
    counted = weights if weights is not None else np.ones(len(panel.respondent_ids))
    counted = counted if people is None else np.where(people, counted, 0.0)
    position = {i: j for j, i in enumerate(panel.item_ids)}
    found = []
    for item_id in wanted:
        scale = known[item_id]
        if not scale.categories:
            raise DataError(
                f"shares are counted of items with categories; item {item_id!r} is {scale.describe()}. Declare its "
                "categories in the item file."
            )
        values = panel.human_values[:, position[item_id]]
        shares, base = category_shares(values, scale.categories, counted)
        if base > 0:
            item = replace(panel.items.get(item_id, Item(item_id)), scale=scale)
            found.append(ItemMarginal(item, shares, base))
    if not found:
        raise DataError(
            f"{panel.human.source}: somebody must have answered an item with categories; nobody has"
            + (" who has a positive weight" if weights is not None else "")
        )
    return Marginals.of(found, population=population, source=panel.human.source)


def beside_twins(panel: Panel, weights: Array | None = None) -> tuple[Marginals, dict[str, ResponseMatrix]]:
    """Count the marginals of a panel, and return them with the answers of each source of twins on the same scales.

    Twins get the weights of their people, so that people without a weight have no twin in it. Items that people have
    answered with numbers rather than categories are left out of both.
    """
    found = human_marginals(panel, weights=weights)
    new = set(panel.new_items)
    open_ended = {i for i in panel.item_ids if i not in new and not panel.scales[i].categories}
    if open_ended:
        note = f"{len(open_ended)} items are answered with numbers and have no shares, such as {min(open_ended)!r}"
        found = replace(found, notes=(*found.notes, note))
    known = dict(found.items)
    if len(panel.sources) > 1:  # together, sources may have answers that fit no scale
        known |= {
            i: replace(panel.items[i], scale=panel.scales[i]) for i in new if panel.scales[i].categories
        }
    place = None if weights is None else dict(zip(panel.respondent_ids, weights.tolist(), strict=True))
    return found, {name: _beside(source, known, open_ended, place) for name, source in panel.sources.items()}


def _beside(
    source: ResponseMatrix,
    known: Mapping[str, Item],
    open_ended: Collection[str],
    weights: Mapping[str, float] | None,
) -> ResponseMatrix:
    """Return the answers of a source on the scales of known items, with the weights of its people."""
    twin = source.take_items([k for k, i in enumerate(source.item_ids) if i not in open_ended])
    answers = on_scales(twin, {i: item for i, item in known.items() if i in twin.item_ids})
    if weights is None:
        return answers
    return ResponseMatrix(
        answers.values,
        answers.respondent_ids,
        answers.items,
        [weights[r] for r in answers.respondent_ids],
        answers.source,
        answers.id_name,
        expectations=answers.expectations,
    )


def twin_category_shares(panel: Panel, item: str, weights: Array | None = None) -> dict[float, float]:
    """Compute the share of each category among the twins' answers to one item, the mean over sources.

    An expectation counts as the nearest answer. ``weights`` are those of the panel's respondents.

    Returns
    -------
    dict of code to share
        Empty if no twin has answered.
    """
    scale, j = panel.scales[item], panel.item_ids.index(item)
    found = []
    for values in panel.source_values[:, :, j]:
        shares, base = category_shares(scale.snap(values), scale.categories, weights)
        if base > 0:
            found.append(shares)
    means = np.mean(found, axis=0) if found else []
    return dict(zip(scale.categories, map(float, means), strict=False))


def category_shares(
    values: Array, categories: Iterable[float], weights: Array | None = None
) -> tuple[Array, float]:
    """Compute the weighted share of each category among the answers to one item, and Kish's effective number of people.

    Missing answers, and those that are no category, are left out. With nobody left, shares are NaN and it is 0.

    Examples
    --------
    >>> category_shares(np.array([1.0, 2, 2, np.nan]), (1, 2))
    (array([0.33333333, 0.66666667]), 3.0)
    """
    codes = np.array(list(categories), dtype=np.float64)
    weight = np.ones(values.shape) if weights is None else weights
    chosen = values[:, None] == codes
    weight = np.where(chosen.any(axis=1), weight, 0.0)
    total, square = float(weight.sum()), float((weight**2).sum())
    if not total > 0:
        return np.full(codes.shape, np.nan), 0.0
    return weight @ chosen / total, total**2 / square

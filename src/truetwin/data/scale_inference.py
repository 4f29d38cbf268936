"""Infer the scales of items that nobody has declared, from the answers and from the scales of other items.

One rule serves calibration and reweighting. The answers to an item show the least that its scale must admit. Which
scale it is, the other items tell: first those of its battery, then all of them. A scale that most items share wins over
the narrowest one, so that a category that nobody chose is not lost, and neither a stray code nor a column such as age
changes the scale of any other item. An item to which everybody gave one answer takes the scale of others, too, also
if people gave it: a scale of one answer would make that answer certain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from truetwin.data.scale import Scale

#: Most categories of a scale that several items share.
MOST_SHARED = 11
_Key = tuple[str, tuple[float, ...]]


@dataclass(frozen=True)
class Example:
    """Item whose scale is known: the scale, and the different answers that twins gave."""

    scale: Scale
    twin_answers: frozenset[float]

    @classmethod
    def of(cls, scale: Scale, twin_values: NDArray[np.float64]) -> Example:
        """Take the different answers from all answers of the twins."""
        return cls(scale, frozenset(np.unique(twin_values[np.isfinite(twin_values)]).tolist()))


def commonest_scale(values: NDArray[np.float64], examples: Sequence[Example]) -> Scale | None:
    """Choose a scale for an item that only twins have answered, or None if no scale fits its answers.

    A scale fits if it has two answers or more, and all given ones are on it, or between its ends where twins gave means
    of answers. Of the scales that fit, the one wins that most examples have to which twins gave the same set of
    answers; then the one that most examples have at all; then the longest. No item is taken for nominal: that has to be
    declared.

    Examples
    --------
    >>> five, two = Scale.ordinal(1, 5), Scale.ordinal(1, 2)
    >>> examples = [Example(five, frozenset({2.0, 3.0, 4.0}))] * 3 + [Example(two, frozenset({1.0, 2.0}))] * 2
    >>> commonest_scale(np.array([2.0, 3.0]), examples).high, commonest_scale(np.array([1.0, 2.0]), examples).high
    (5.0, 2.0)
    """
    seen = np.unique(values[np.isfinite(values)])
    answers = frozenset(seen.tolist())
    found = {
        _key(e.scale): e.scale
        for e in reversed(examples)
        if e.scale.kind == "ordinal" and e.scale.n_categories > 1
    }
    count = Counter(_key(e.scale) for e in examples)
    alike = Counter(_key(e.scale) for e in examples if e.twin_answers == answers)
    fitting = [key for key, scale in found.items() if _fits(scale, seen)]
    if not fitting:
        return None
    return found[max(fitting, key=lambda key: (alike[key], count[key], len(key[1])))]


def infer_scales(
    human: NDArray[np.float64],
    twin: NDArray[np.float64],
    declared: Sequence[Scale | None],
    blocks: Sequence[str],
) -> list[Scale]:
    """Complete the declared scales of a panel's items by inferred ones.

    Parameters
    ----------
    human, twin : ndarray of shape (n_respondents, n_items)
        Answers; NaN where missing.
    declared : sequence of Scale or None
        Declared scales. A placeholder (:meth:`Scale.undeclared`) gives its off-scale codes to the inferred scale.
    blocks : sequence of str
        Battery of each item.
    """
    m = len(declared)
    known = {j: s for j, s in enumerate(declared) if s is not None and s.is_declared}
    answered = [j for j in range(m) if np.isfinite(human[:, j]).any()]
    own = {j: _own_scale(human[:, j], twin[:, j]) for j in range(m) if j not in known}
    shared = _shared_scales([j for j in answered if j in own], own, blocks)
    told = {j: own[j] for j in answered if j in own and own[j].low != own[j].high}
    scales = {**known, **told, **shared}
    examples = {j: Example.of(scales[j], twin[:, j]) for j in scales}
    for j in own:
        if j not in scales:
            siblings = [examples[k] for k in examples if blocks[k] == blocks[j]]
            values = np.concatenate([human[:, j], twin[:, j]])
            found = commonest_scale(values, siblings) or commonest_scale(values, list(examples.values()))
            scales[j] = _inferred(found) if found is not None else _unless_one_answer(own[j])
    return [_with_codes(scales[j], declared[j]) for j in range(m)]


def infer_scales_of_sources(
    human: NDArray[np.float64],
    sources: NDArray[np.float64],
    declared: Sequence[Scale | None],
    blocks: Sequence[str],
) -> list[Scale]:
    """Complete the declared scales where twins' answers come from several sources, (n_sources, n_respondents, n_items).

    An item has the scale that people's answers and those of one source lead to, if most sources lead to it, so that
    one source with odd answers does not widen it. Otherwise all answers together decide.
    """
    if len(sources) == 1:
        return infer_scales(human, sources[0], declared, blocks)
    each = [infer_scales(human, source, declared, blocks) for source in sources]
    found = infer_scales(human, sources.reshape(-1, sources.shape[2]), declared, blocks)
    answered = np.asarray(np.isfinite(sources).any(axis=1))  # (n_sources, n_items)
    for j in range(len(found)):
        voting = [scales[j] for scales, there in zip(each, answered[:, j], strict=True) if there]
        count = Counter((*_key(scale), scale.low, scale.high, scale.step) for scale in voting)
        for scale in voting:
            if count[*_key(scale), scale.low, scale.high, scale.step] > len(voting) / 2:
                found[j] = scale
    return found


def _shared_scales(items: Sequence[int], own: Mapping[int, Scale], blocks: Sequence[str]) -> dict[int, Scale]:
    """Give answered items the scale of their battery, or else the one that most single items share."""
    members: dict[str, list[int]] = {}
    for j in items:
        members.setdefault(blocks[j], []).append(j)
    found: dict[int, Scale] = {}
    for group in members.values():
        if len(group) > 1:
            found |= _shared(group, own, least_share=0.0)
    return {**_shared([j for j in items if j not in found], own, least_share=0.5), **found}


def _shared(items: Sequence[int], own: Mapping[int, Scale], *, least_share: float) -> dict[int, Scale]:
    """Find the scale that most of some items have, and give it to those whose answers use enough of it."""
    grids = [own[j] for j in items if own[j].kind == "ordinal" and 1 < own[j].n_categories <= MOST_SHARED]
    if len(grids) < 2:
        return {}
    count = Counter(map(_key, grids))
    best = max(grids, key=lambda scale: (count[_key(scale)], scale.n_categories))
    if count[_key(best)] == 1:  # all differ: together they may show the whole scale
        pooled = Scale.infer(np.concatenate([scale.categories for scale in grids]))
        if pooled.kind != "ordinal" or pooled.n_categories > MOST_SHARED:
            return {}
        best = pooled
    return {
        j: best
        for j in items
        if own[j].kind == "ordinal"
        and set(own[j].categories) <= set(best.categories)
        and own[j].n_categories > least_share * best.n_categories
    }


def _own_scale(human: NDArray[np.float64], twin: NDArray[np.float64]) -> Scale:
    """Infer the narrowest scale that the answers admit. Of means of answers that twins gave, only the ends count."""
    people, twins = human[np.isfinite(human)], twin[np.isfinite(twin)]
    if people.size and twins.size and _whole(people) and not _whole(twins):
        twins = np.array([np.floor(twins.min()), np.ceil(twins.max())])
    return Scale.infer(np.concatenate([people, twins]))


def _unless_one_answer(own: Scale) -> Scale:
    """Leave a scale open where a single answer was given: it says nothing of the other answers."""
    return Scale.numeric(inferred=True) if own.low == own.high else own


def _fits(scale: Scale, seen: NDArray[np.float64]) -> bool:
    on = scale.on_scale(seen) | scale.is_off_scale_code(seen)
    return bool(on.all() or (not _whole(seen) and scale.is_between_answers(seen).all()))


def _whole(values: NDArray[np.float64]) -> bool:
    return bool(np.array_equal(np.round(values), values))


def _key(scale: Scale) -> _Key:
    return scale.kind, scale.categories


def _inferred(scale: Scale) -> Scale:
    """Take the answers of another item's scale, without its labels and off-scale codes."""
    return replace(scale, labels={}, off_scale={}, inferred=True)


def _with_codes(scale: Scale, declared: Scale | None) -> Scale:
    if declared is None or declared.is_declared or not declared.off_scale:
        return scale
    off = {code: text for code, text in declared.off_scale.items() if code not in scale.categories}
    return replace(scale, off_scale=off)

r"""Match distractors to true replies, so that an item gives nothing away.

A benchmark leaks if a rule that never looks at the person finds the true reply: the longest option, the one nearest to
the context, the odd one out, the one in another style. Two devices prevent that.

*Matching.* Candidates come from a window of lengths around the true reply; the nearest in style and to the context are
kept.

*Assigned ranks.* For each rule, each item is assigned a rank that the true reply should have among the four options,
every rank equally often and in an order drawn from the seed. Of many random triples of candidates, the one is taken
under which the true reply's ranks come closest to those assigned. A rule that picks the first (or last) option by any
of these scores is then right in a quarter of the items, whatever the candidates are like. In later rounds the score of
a style model that was trained on the other groups' items is one more such rule, so that what it learned is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from truetwin.settings.voice_build_settings import MatchingOptions
from truetwin.voice.auditing.style import features_of, fit_conditional_logit, group_folds
from truetwin.voice_sets.common.text_similarity import cosine_rows

Array = NDArray[np.float64]
Index = NDArray[np.intp]
#: Scores by which the true reply must not stand out, in the order of the assigned ranks.
RULES = ("length", "similarity to the context", "odd one out", "length off the others", "style model")


@dataclass(frozen=True)
class Need:
    """Item that needs distractors: the places of its true reply and of its candidates in the pool.

    ``stimulus`` is the place of its context among the contexts; ``group`` what is held out together; ``admits`` says of
    a place in the pool whether its reply may be offered here.
    """

    key: str
    true: int
    stimulus: int
    group: str
    candidates: Index
    admits: Callable[[int], bool] = lambda place: True


@dataclass
class Match:
    """Result of the matching: chosen distractors by the item's key, and why other items got none."""

    chosen: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def match(
    needs: Sequence[Need],
    texts: Sequence[str],
    vectors: object,
    stimuli: object,
    options: MatchingOptions | None = None,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Match:
    """Choose three distractors for each item that has enough candidates.

    Parameters
    ----------
    needs : sequence of Need
        Items; ``candidates`` are already free of the person's own replies, ``admits`` keeps leaks out.
    texts : sequence of str
        The pool of replies.
    vectors, stimuli : array or sparse matrix
        Embedded pool and embedded contexts, rows of unit length.
    options : MatchingOptions, optional
        Settings of the matching.
    seed : int, default=0
        Seed of ranks and triples.
    progress : callable, optional
        Called with (done, all).
    """
    options = options or MatchingOptions()
    lengths = np.array([len(text) for text in texts], dtype=np.float64)
    pool = _Pool(vectors, stimuli, _scaled_features(texts), lengths, options)
    found = Match()
    ready: list[_Ready] = []
    for need in needs:
        near = _near(need, pool)
        if near.size < 3:
            found.refused[need.key] = "too few candidates of like length"
        else:
            ready.append(_Ready(need, near))
    if not ready:
        return found
    folds = group_folds([item.need.group for item in ready], seed=seed)
    models: list[StyleModels] = []
    for turn in range(1 + options.rounds):
        rng = np.random.default_rng([seed, turn])
        found.chosen = {}
        for done, (key, triple) in enumerate(_matched(ready, pool, folds, models, rng), 1):
            if triple is not None:
                found.chosen[key] = triple
            if progress:
                progress(turn * len(ready) + done, (1 + options.rounds) * len(ready))
        if learned := _style_models(ready, found.chosen, pool, folds):
            models.append(learned)
    for item in ready:
        if item.need.key not in found.chosen:
            found.refused[item.need.key] = "no triple of different, unused candidates"
    return found


#: Weights of the style model that has not seen a fold, by fold.
StyleModels = dict[int, Array]
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class _Pool:
    """Pool of replies in numbers: vectors, vectors of all contexts, scaled features of style, lengths; and settings."""

    vectors: Any
    stimuli: Any
    features: Array
    lengths: Array
    options: MatchingOptions

    def near_context(self, places: Index, need: Need) -> Array:
        """Compute how like replies are to an item's context."""
        return cosine_rows(self.vectors[places], self.stimuli[[need.stimulus]])[:, 0]


class _Ready(NamedTuple):
    """Item with enough candidates."""

    need: Need
    near: Index


def _scaled_features(texts: Sequence[str]) -> Array:
    raw = np.array([features_of(text) for text in texts])
    spread = raw.std(axis=0) if len(texts) else np.ones(0)
    return np.asarray(raw / np.where(spread > 1e-9, spread, 1.0))


def _matched(
    ready: Sequence[_Ready],
    pool: _Pool,
    folds: Index,
    models: Sequence[StyleModels],
    rng: np.random.Generator,
) -> Iterator[tuple[str, Triple | None]]:
    """Match all items once, against the style models of earlier rounds; give each item's key and its distractors."""
    ranks, uses = _assigned_ranks(len(ready), rng), np.zeros(len(pool.lengths), dtype=np.intp)
    for k, item in enumerate(ready):
        known = [by_fold[int(folds[k])] for by_fold in models if int(folds[k]) in by_fold]
        style = np.mean(known, axis=0) if known else None
        triple = _choose(item, pool, uses, ranks[k], style, rng)
        if triple is not None:
            uses[list(triple)] += 1
        yield item.need.key, triple


def _near(need: Need, pool: _Pool) -> Index:
    """Find candidates of like length: the nearest in style, and the nearest to the context."""
    c, length, options = need.candidates, pool.lengths[need.true], pool.options
    if c.size == 0:
        return c
    other = pool.lengths[c]
    ratio = np.maximum(other, length) / np.maximum(np.minimum(other, length), 1)
    c = c[(ratio <= options.length_ratio) | (np.abs(other - length) <= options.slack)]
    distance = np.abs(pool.features[c] - pool.features[need.true]).mean(axis=1)
    by_style = _admitted(need, c[np.lexsort((c, distance))], options.nearest)
    if by_style.size < options.nearest:
        return by_style
    # Half of them are the nearest to the context, which few would be by chance.
    by_context = _admitted(need, c[np.lexsort((c, -pool.near_context(c, need)))], options.nearest // 2)
    return np.unique(np.concatenate([by_context, by_style[: options.nearest - by_context.size]]))


def _admitted(need: Need, places: Index, most: int) -> Index:
    return np.fromiter(islice((p for p in places.tolist() if need.admits(p)), most), dtype=np.intp)


def _choose(
    item: _Ready, pool: _Pool, uses: Index, ranks: Array, style: Array | None, rng: np.random.Generator
) -> Triple | None:
    """Choose the triple of candidates under which the true reply's ranks come closest to those assigned."""
    need, options = item.need, pool.options
    free = item.near[uses[item.near] < options.max_uses]
    if free.size < 3:
        return None
    draws = rng.random((options.triples, free.size)).argpartition(2, axis=1)[:, :3]
    local = np.concatenate([[need.true], free])
    alike = cosine_rows(pool.vectors[local], pool.vectors[local])
    places = np.concatenate([np.zeros((len(draws), 1), dtype=np.intp), draws + 1], axis=1)
    scores = _scores(need, local, pool, alike, places, style)
    closeness = np.abs(_rank_of_first(scores) - ranks).sum(axis=1)
    twins = np.max([alike[places[:, a], places[:, b]] for a, b in combinations(range(4), 2)], axis=0)
    distance = np.abs(pool.features[local] - pool.features[need.true]).mean(axis=1)
    cost = closeness + 0.3 * distance[places].sum(axis=1) + 0.1 * uses[local][places[:, 1:]].sum(axis=1)
    cost[twins > options.most_alike] = np.inf
    best = int(cost.argmin())
    if not np.isfinite(cost[best]):
        return None
    a, b, c = (int(local[k]) for k in places[best, 1:])
    return a, b, c


def _scores(need: Need, local: Index, pool: _Pool, alike: Array, places: Index, style: Array | None) -> Array:
    """Score each option of each triple by each rule; (triples, rules, 4), the true reply first.

    ``style`` are the mean weights of the style models so far; without any, its scores are 0.
    """
    lengths = np.log1p(pool.lengths[local])[places]
    mutual = alike[places[:, :, None], places[:, None, :]]
    centrality = -(mutual.sum(axis=2) - 1)
    off = np.abs(lengths - (lengths.sum(axis=1, keepdims=True) - lengths) / 3)
    by_style = np.zeros(lengths.shape)
    if style is not None:
        by_style = _contrasts(pool.features[local][places]) @ style
    return np.stack([lengths, pool.near_context(local, need)[places], centrality, off, by_style], axis=1)


def _style_models(
    ready: Sequence[_Ready], chosen: Mapping[str, Triple], pool: _Pool, folds: Index
) -> StyleModels:
    """Fit, for each fold, a style model to the items of the other folds; none where there is one fold only."""
    rows = [k for k, item in enumerate(ready) if item.need.key in chosen]
    own = folds[rows]
    if len(set(own.tolist())) < 2:
        return {}
    places = np.array([[ready[k].need.true, *chosen[ready[k].need.key]] for k in rows])
    x, y = _contrasts(pool.features[places]), np.zeros(len(rows), dtype=np.intp)
    return {int(f): fit_conditional_logit(x[own != f], y[own != f]) for f in np.unique(own)}


def _contrasts(x: Array) -> Array:
    """Subtract from each option the mean of the others; give differences and absolute values, (..., 4, 2 features)."""
    others = (x.sum(axis=-2, keepdims=True) - x) / (x.shape[-2] - 1)
    return np.concatenate([x - others, np.abs(x - others)], axis=-1)


def _assigned_ranks(n: int, rng: np.random.Generator) -> Array:
    """Draw ranks 0..3 for each item and rule; under every rule, all ranks are equally frequent."""
    columns = [rng.permutation(np.arange(n) % 4) for _ in RULES]
    return np.stack(columns, axis=1).astype(np.float64)


def _rank_of_first(scores: Array) -> Array:
    """Count the options that score higher than the first, ties as half; (triples, rules)."""
    first, rest = scores[..., :1], scores[..., 1:]
    return np.asarray((rest > first).sum(axis=-1) + 0.5 * (rest == first).sum(axis=-1), dtype=np.float64)

r"""Distractors that give nothing away: real replies of others, matched to the true one.

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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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
    """An item without distractors: where its true reply is in the pool, and where its candidates are.

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
    """Chosen distractors by the item's key, and why other items got none."""

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
        How.
    seed : int, default=0
        Seed of ranks and triples.
    progress : callable, optional
        Called with (done, all).
    """
    work = _Matching(needs, texts, vectors, stimuli, options or MatchingOptions(), seed, progress)
    return work.run()


class _Matching:
    def __init__(
        self,
        needs: Sequence[Need],
        texts: Sequence[str],
        vectors: object,
        stimuli: object,
        options: MatchingOptions,
        seed: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.needs, self.options, self.seed, self.progress = list(needs), options, seed, progress
        self.texts, self.vectors, self.stimuli = texts, vectors, stimuli
        raw = np.array([features_of(text) for text in texts])
        spread = raw.std(axis=0) if len(texts) else np.ones(0)
        self.features: Array = raw / np.where(spread > 1e-9, spread, 1.0)
        self.lengths: Array = np.array([len(text) for text in texts], dtype=np.float64)
        self.uses = np.zeros(len(texts), dtype=np.intp)
        self.weights: list[dict[int, Array]] = []  # of each round: fold -> weights of the style model
        self.done = 0

    def run(self) -> Match:
        found = Match()
        ready: list[tuple[Need, Index]] = []
        for need in self.needs:
            near = self._near(need)
            if near.size < 3:
                found.refused[need.key] = "too few candidates of like length"
            else:
                ready.append((need, near))
        if not ready:
            return found
        folds = group_folds([need.group for need, _ in ready], seed=self.seed)
        total = len(ready) * (1 + self.options.rounds)
        for turn in range(1 + self.options.rounds):
            rng = np.random.default_rng([self.seed, turn])
            ranks = _assigned_ranks(len(ready), rng)
            self.uses[:] = 0
            chosen: dict[str, tuple[int, int, int]] = {}
            for k, (need, near) in enumerate(ready):
                triple = self._choose(need, near, ranks[k], int(folds[k]), rng)
                if triple is not None:
                    chosen[need.key] = triple
                    self.uses[list(triple)] += 1
                self.done += 1
                if self.progress:
                    self.progress(self.done, total)
            found.chosen = chosen
            self._learn([need for need, _ in ready], chosen, folds)
        for need, _ in ready:
            if need.key not in found.chosen:
                found.refused[need.key] = "no triple of different, unused candidates"
        return found

    def _near(self, need: Need) -> Index:
        """Candidates of like length: the nearest in style, and the nearest to the context."""
        options, length = self.options, self.lengths[need.true]
        c = need.candidates
        if c.size == 0:
            return c
        other = self.lengths[c]
        ratio = np.maximum(other, length) / np.maximum(np.minimum(other, length), 1)
        c = c[(ratio <= options.length_ratio) | (np.abs(other - length) <= options.slack)]
        distance = np.abs(self.features[c] - self.features[need.true]).mean(axis=1)
        by_style = self._admitted(need, c[np.lexsort((c, distance))], options.nearest)
        if by_style.size < options.nearest:
            return by_style
        # Half of them are the nearest to the context, which few would be by chance.
        likeness = cosine_rows(self.vectors[c], self.stimuli[[need.stimulus]])[:, 0]  # type: ignore[index]
        by_context = self._admitted(need, c[np.lexsort((c, -likeness))], options.nearest // 2)
        return np.unique(np.concatenate([by_context, by_style[: options.nearest - by_context.size]]))

    def _admitted(self, need: Need, places: Index, most: int) -> Index:
        near: list[int] = []
        for place in places:
            if len(near) == most:
                break
            if need.admits(int(place)):
                near.append(int(place))
        return np.array(near, dtype=np.intp)

    def _choose(
        self, need: Need, near: Index, ranks: Array, fold: int, rng: np.random.Generator
    ) -> tuple[int, int, int] | None:
        """The triple under which the true reply's ranks come closest to those assigned."""
        free = near[self.uses[near] < self.options.max_uses]
        if free.size < 3:
            return None
        draws = rng.random((self.options.triples, free.size)).argpartition(2, axis=1)[:, :3]
        local = np.concatenate([[need.true], free])
        alike = cosine_rows(self.vectors[local], self.vectors[local])  # type: ignore[index]
        places = np.concatenate([np.zeros((len(draws), 1), dtype=np.intp), draws + 1], axis=1)
        scores = self._scores(need, local, alike, places, fold)
        closeness = np.abs(_rank_of_first(scores) - ranks).sum(axis=1)
        pairs = [(a, b) for a in range(4) for b in range(a)]
        twins = np.max([alike[places[:, a], places[:, b]] for a, b in pairs], axis=0)
        distance = np.abs(self.features[local] - self.features[need.true]).mean(axis=1)
        cost = (
            closeness + 0.3 * distance[places].sum(axis=1) + 0.1 * self.uses[local][places[:, 1:]].sum(axis=1)
        )
        cost[twins > self.options.most_alike] = np.inf
        best = int(cost.argmin())
        if not np.isfinite(cost[best]):
            return None
        a, b, c = (int(local[k]) for k in places[best, 1:])
        return a, b, c

    def _scores(self, need: Need, local: Index, alike: Array, places: Index, fold: int) -> Array:
        """Each rule's score of each option of each triple, (triples, rules, 4); the true reply is option 0."""
        lengths = np.log1p(self.lengths[local])[places]
        near_context = cosine_rows(self.vectors[local], self.stimuli[[need.stimulus]])[:, 0][places]  # type: ignore[index]
        mutual = alike[places[:, :, None], places[:, None, :]]
        centrality = -(mutual.sum(axis=2) - 1)
        off = np.abs(lengths - (lengths.sum(axis=1, keepdims=True) - lengths) / 3)
        style = self._style_scores(self.features[local][places], fold)
        return np.stack([lengths, near_context, centrality, off, style], axis=1)

    def _style_scores(self, x: Array, fold: int) -> Array:
        """Mean score of the style models so far, none of which has seen this fold; zeros in the first round."""
        if not self.weights:
            return np.zeros(x.shape[:2])
        contrasts = _contrasts(x)
        known = [w[fold] for w in self.weights if fold in w]
        return np.asarray(contrasts @ np.mean(known, axis=0)) if known else np.zeros(x.shape[:2])

    def _learn(self, needs: Sequence[Need], chosen: dict[str, tuple[int, int, int]], folds: Index) -> None:
        rows = [k for k, need in enumerate(needs) if need.key in chosen]
        if not rows:
            return
        places = np.array([[needs[k].true, *chosen[needs[k].key]] for k in rows])
        x, own = _contrasts(self.features[places]), folds[rows]
        if len(set(own.tolist())) < 2:
            return
        y = np.zeros(len(rows), dtype=np.intp)
        self.weights.append({int(f): fit_conditional_logit(x[own != f], y[own != f]) for f in np.unique(own)})


def _contrasts(x: Array) -> Array:
    """Differences from the mean of the other options, and their absolute values; (..., 4, features)."""
    others = (x.sum(axis=-2, keepdims=True) - x) / (x.shape[-2] - 1)
    return np.concatenate([x - others, np.abs(x - others)], axis=-1)


def _assigned_ranks(n: int, rng: np.random.Generator) -> Array:
    """Ranks 0..3 for each item and rule; every rank equally often under every rule."""
    columns = [rng.permutation(np.arange(n) % 4) for _ in RULES]
    return np.stack(columns, axis=1).astype(np.float64)


def _rank_of_first(scores: Array) -> Array:
    """How many of the other options score higher than the first, ties counting half; (triples, rules)."""
    first, rest = scores[..., :1], scores[..., 1:]
    return np.asarray((rest > first).sum(axis=-1) + 0.5 * (rest == first).sum(axis=-1), dtype=np.float64)

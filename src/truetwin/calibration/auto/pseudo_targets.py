"""Compute the features of every target and of every pseudo-target, for all folds together.

A *pseudo-target* is an answered item predicted as if nobody had answered it: without its own answers and, for a new
battery, without those of its whole block; always without the answers to the fold's targets. Everything that a method
learns for a fold, it learns from pseudo-targets.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.conditional_expectations import (
    People,
    System,
    solutions_of,
    solve_people,
)
from truetwin.calibration.auto.item_links import (
    Standardised,
    TwinSimilarity,
    donor_links,
    links_beyond_battery,
    mean_similarity,
    pairwise_correlations,
    sibling_links,
    standardise_items,
    twin_similarity,
)
from truetwin.calibration.auto.left_out_in_turn import InTurn
from truetwin.calibration.auto.source_tables import chosen_table, merge_copies, together
from truetwin.calibration.auto.stacking import Moments, MomentSums
from truetwin.calibration.auto.twin_scales import TwinScales
from truetwin.calibration.orientation import Array

Situation = Literal["pool", "known battery", "new battery"]
CHUNK_BYTES = 1.5e8
MAX_LEARNERS = 4000
PRIOR_PAIRS = 100.0
PRIOR_LEVEL = 0.25
#: Part of correlations that is kept: the rest is each answer's own noise.
COMMON_PART = 0.9
RANGE_PART = 0.2
SMALLEST_EIGENVALUE = -0.5
# sets of links, in the order of `Problem.links`
NEAR, LEVEL_NEAR, PLAIN, SIGNED_SIBLINGS, SIBLINGS, NEAR_BLOCK, PLAIN_BLOCK = range(7)
MEAN_NEAR, MEAN_LEVEL_NEAR, MEAN_PLAIN = range(7, 10)  # only where there are several sources
SETS: dict[Situation, tuple[int, ...]] = {
    "pool": (NEAR, LEVEL_NEAR, PLAIN),
    "known battery": (NEAR, LEVEL_NEAR, PLAIN, SIGNED_SIBLINGS, SIBLINGS),
    "new battery": (NEAR_BLOCK, PLAIN_BLOCK),
}
MORE_SETS: dict[Situation, tuple[int, ...]] = {
    "pool": (MEAN_NEAR, MEAN_LEVEL_NEAR, MEAN_PLAIN),
    "known battery": (MEAN_NEAR, MEAN_LEVEL_NEAR, MEAN_PLAIN),
    "new battery": (),
}
SET_NAMES = (
    "near",
    "near-level",
    "plain",
    "siblings-signed",
    "siblings",
    "near",
    "plain",
    "mean-near",
    "mean-near-level",
    "mean-plain",
)


def sets_of(s: Situation, n_sources: int) -> tuple[int, ...]:
    """Return the sets of links that features of a target in situation ``s`` use."""
    return SETS[s] + (MORE_SETS[s] if n_sources > 1 else ())


def features_of(s: Situation, n_sources: int) -> tuple[str, ...]:
    """Name the features of a target in situation ``s``, own answers last: those of all sources, then of each.

    Examples
    --------
    >>> features_of("new battery", 1)
    ('near', 'plain', 'own')
    >>> features_of("new battery", 2)
    ('near', 'plain', 'own', 'own-1', 'own-2')
    """
    linked = tuple(SET_NAMES[k] for k in sets_of(s, n_sources))
    level = () if s == "new battery" else ("level",)
    each = tuple(f"own-{k + 1}" for k in range(n_sources)) if n_sources > 1 else ()
    return (*linked, *level, "own", *each)


@dataclass(frozen=True, eq=False)
class Problem:
    """Answers to all items in play, donors and targets, on one grid.

    Parameters
    ----------
    human : ndarray of shape (n, p)
        Human answers on their scales. Those to a fold's targets are removed before anything is computed for that
        fold.
    twin : ndarray of shape (n, p)
        Twin answers of the same people.
    blocks : tuple of str
        Block of each item.
    sample_ids : tuple of str
        Ids of the people. In large tables they decide which people are in the sample that is learned from.
    item_ids : tuple of str, optional
        Ids of the items.
    people_weights : ndarray of shape (n,), optional
        Survey weights of the people, for means and sds of items.
    sources : ndarray of shape (S, n, p), optional
        Twin answers of each source, if there are several; ``twin`` is their average.
    """

    human: Array
    twin: Array
    blocks: tuple[str, ...]
    sample_ids: tuple[str, ...]
    item_ids: tuple[str, ...] = ()
    people_weights: Array | None = None
    sources: Array | None = None

    @classmethod
    def of_sources(
        cls,
        human: Array,
        sources: Array,
        blocks: tuple[str, ...],
        sample_ids: tuple[str, ...],
        item_ids: tuple[str, ...] = (),
        people_weights: Array | None = None,
    ) -> Problem:
        """Make a problem of one source or several, (S, n, p), in which copies count once."""
        each = merge_copies(sources)
        several = each if len(each) > 1 else None
        return cls(human, together(each), blocks, sample_ids, item_ids, people_weights, several)

    @property
    def n_sources(self) -> int:
        """Number of sources of twin answers."""
        return 1 if self.sources is None else len(self.sources)

    @cached_property
    def own(self) -> Array:
        """Standardised answers of the twins themselves: of all sources together, then of each, (1 or 1 + S, n, p).

        Where a source has no answer, that of all together takes its place.
        """
        together = self.twins.values[None]
        if self.sources is None:
            return together
        each = [standardise_items(v, self.people_weights) for v in self.sources]
        return np.concatenate([together, [np.where(v.seen, v.values, together[0]) for v in each]])

    @cached_property
    def people(self) -> Standardised:
        """Standardised human answers, each item by itself."""
        return standardise_items(self.human, self.people_weights)

    @cached_property
    def twins(self) -> Standardised:
        """Standardised twin answers, each item by itself."""
        return standardise_items(self.twin, self.people_weights)

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """Mask of the items that have human answers, (p,)."""
        return np.asarray(self.people.seen.any(axis=0))

    @cached_property
    def twin_constant(self) -> NDArray[np.bool_]:
        """Mask of the items to which all twins gave the same answer, (p,)."""
        return np.asarray(self.twin_range <= 0)

    @cached_property
    def twin_unit(self) -> Array:
        """Unit of each item's scale from twins alone, (p,): their sd, kept above 0 by a part of their range."""
        unit = np.sqrt(
            np.where(self.twin_constant, 1.0, self.twins.sd) ** 2 + (RANGE_PART * self.twin_range) ** 2
        )
        return np.asarray(unit)

    @cached_property
    def twin_scales(self) -> TwinScales:
        """Scales that the twins' answers show."""
        return TwinScales.of(self.twin[None] if self.sources is None else self.sources)

    @cached_property
    def twin_range(self) -> Array:
        """Largest minus smallest twin answer to each item, (p,)."""
        low, high = self.twin_scales.low, self.twin_scales.high
        return np.subtract(high, low, out=np.zeros_like(low), where=np.isfinite(low))

    @cached_property
    def block(self) -> NDArray[np.intp]:
        """Number of each item's block, (p,)."""
        return np.unique(np.asarray(self.blocks), return_inverse=True)[1].astype(np.intp)

    @cached_property
    def learners(self) -> NDArray[np.bool_]:
        """Mask of the people from whom the weights are learned: everybody, or a sample drawn by id."""
        n = len(self.sample_ids)
        if n <= MAX_LEARNERS:
            return np.ones(n, dtype=bool)
        order = sorted(range(n), key=lambda k: zlib.crc32(self.sample_ids[k].encode()))
        chosen = np.zeros(n, dtype=bool)
        chosen[order[:MAX_LEARNERS]] = True
        return chosen

    @cached_property
    def similarity(self) -> TwinSimilarity:
        """Similarity of all items in the twins' answers."""
        return twin_similarity(self.twins)

    @cached_property
    def links(self) -> Array:
        """Sets of links between items, (7, p, p), from twins alone; (10, p, p) where there are several sources."""
        alike = self.similarity
        alone = np.eye(len(self.blocks), dtype=bool)
        together = self.block[:, None] == self.block
        old = [*donor_links(alike, alone), *sibling_links(alike.centred, self.blocks)]
        several = bool((together & ~alone).any())
        new = links_beyond_battery(alike, together) if several else [old[NEAR], old[PLAIN]]
        return np.stack([*old, *new, *self._mean_links(alone)])

    def _mean_links(self, alone: NDArray[np.bool_]) -> list[Array]:
        """Links from the mean of the sources' similarities; none where there is one source."""
        if self.sources is None:
            return []
        alike = mean_similarity([standardise_items(v, self.people_weights) for v in self.sources])
        return donor_links(alike, alone)

    @cached_property
    def covariance(self) -> Array:
        """Human correlations, (p, p), shrunk towards the twins' correlations where few people answered both items.

        Entry (k, l) depends on the human answers to items k and l only, unless :attr:`inconsistent`.
        """
        if not self.inconsistent:
            return self._pairwise_covariance
        values, vectors = np.linalg.eigh(self._pairwise_covariance)
        return np.asarray((vectors * np.maximum(values, SMALLEST_EIGENVALUE)) @ vectors.T)

    @cached_property
    def inconsistent(self) -> bool:
        """Whether correlations over different people contradict each other, so that eigenvalues must be raised.

        If the whole matrix is consistent, every part of it is too. If it is not, the raised eigenvalues depend on all
        items, so each fold must be predicted with its targets hidden.
        """
        answered = np.flatnonzero(self.answered)
        part = self._pairwise_covariance[answered[:, None], answered]
        return bool(part.size and np.linalg.eigvalsh(part)[0] < SMALLEST_EIGENVALUE)

    def with_sources(self, chosen: Sequence[int]) -> Problem:
        """Return the same problem with some of the sources."""
        if self.sources is None or len(chosen) == len(self.sources):
            return self
        part = self.sources[list(chosen)] if len(chosen) > 1 else None
        return replace(self, twin=chosen_table(self.sources, chosen), sources=part)

    def hiding(self, fold: Sequence[int]) -> Problem:
        """Return the same problem without the human answers to a fold's targets."""
        human = self.human.copy()
        human[:, list(fold)] = np.nan
        return replace(self, human=human)

    @cached_property
    def _pairwise_covariance(self) -> Array:
        human, pairs = pairwise_correlations(self.people.values, self.people.seen)
        trust = pairs / (pairs + PRIOR_PAIRS)
        prior = (1 - PRIOR_LEVEL) * self.similarity.centred + PRIOR_LEVEL
        covariance = COMMON_PART * (trust * human + (1 - trust) * prior)
        np.fill_diagonal(covariance, 1.0)
        return np.asarray(covariance)

    def donors(self, fold: Sequence[int]) -> NDArray[np.bool_]:
        """Mark the answered items outside a fold, (p,)."""
        found = self.answered.copy()
        found[list(fold)] = False
        return found

    def situation(self, target: int, fold: Sequence[int]) -> Situation:
        """Classify a target: "known battery", "new battery", or "pool".

        A *known battery* has an item that is answered and not hidden. In a *new battery* there is none, although
        other batteries exist. In a *pool* there are no batteries at all.
        """
        donors = self.donors(fold)
        if (donors & (self.block == self.block[target])).any():
            return "known battery"
        members = np.bincount(self.block[donors], minlength=1)
        return "new battery" if (members > 1).any() else "pool"


@dataclass(frozen=True, eq=False)
class Learned:
    """Moments of the pseudo-targets, for the folds that face one situation.

    Attributes
    ----------
    folds : tuple of int
        Positions among all folds.
    moments : Moments
        One row a fold in ``folds``.
    """

    folds: tuple[int, ...]
    moments: Moments


# (pseudo-target, folds, people, features and answer (m, f + 1, n))
PseudoSink = Callable[[int, NDArray[np.intp], NDArray[np.intp], Array], None]
# (fold, which of its targets, people, features (n, f))
TargetSink = Callable[[int, int, NDArray[np.intp], Array], None]


class FoldFeatures:
    """Go through the people, some at a time, and pass on the features of targets and pseudo-targets.

    Parameters
    ----------
    problem : Problem
        Answers to all items.
    folds : sequence of sequences of int
        Targets of each fold; every other answered item is a donor.
    """

    def __init__(self, problem: Problem, folds: Sequence[Sequence[int]]) -> None:
        self.problem = problem
        self.folds = [tuple(int(t) for t in f) for f in folds]
        self.situations = [tuple(problem.situation(t, f) for t in f) for f in self.folds]
        self.facing: dict[Situation, tuple[int, ...]] = {
            s: found
            for s in SETS
            if (found := tuple(k for k, each in enumerate(self.situations) if s in each))
        }
        singles = [k for k, f in enumerate(self.folds) if len(f) == 1 and problem.answered[f[0]]]
        self._others = sorted(set(range(len(self.folds))) - set(singles))
        # folds of one answered target, by what it faces
        self._alone: dict[Situation, list[int]] = {
            s: those for s in SETS if (those := [k for k in singles if self.situations[k] == (s,)])
        }
        sets = {s: sets_of(s, problem.n_sources) for s in self.facing}
        used = sorted({w for each in sets.values() for w in each})
        self._sets = {s: [used.index(w) for w in each] for s, each in sets.items()}
        self.columns = np.flatnonzero(problem.answered)
        self._place = {int(c): k for k, c in enumerate(self.columns)}
        self._links = problem.links[used]

    def learn(self, on_target: TargetSink | None) -> dict[Situation, Learned]:
        """Compute the moments of all pseudo-targets.

        The same walk passes the targets' features to ``on_target``, if it is given.
        """
        p = len(self.problem.blocks)
        n_features = {s: len(features_of(s, self.problem.n_sources)) for s in self.facing}
        sums = {s: MomentSums(len(folds), p, n_features[s] + 1) for s, folds in self.facing.items()}

        def adder(s: Situation) -> PseudoSink:
            row = np.zeros(len(self.folds), dtype=np.intp)
            row[list(self.facing[s])] = np.arange(len(self.facing[s]))

            def add(item: int, folds: NDArray[np.intp], who: NDArray[np.intp], variables: Array) -> None:
                sums[s].add(row[folds], item, variables)

            return add

        self.walk(self.problem.learners, {s: adder(s) for s in sums}, on_target)
        return {s: Learned(self.facing[s], each.moments()) for s, each in sums.items()}

    def walk(
        self,
        people: NDArray[np.bool_],
        on_pseudo: Mapping[Situation, PseudoSink],
        on_target: TargetSink | None,
    ) -> None:
        """Go through the chosen people, and pass the features of pseudo-targets and targets to the functions given."""
        problem, columns = self.problem, self.columns
        covariance = problem.covariance[np.ix_(columns, columns)]
        system = System(covariance, self._links[:, columns[:, None], columns])
        chosen = np.flatnonzero(people)
        hidden = any(problem.answered[list(f)].any() for f in self.folds)
        plain = not on_pseudo and not hidden  # nothing to leave out: solving is enough
        in_turn = {s: len(self._sets[s]) * len(self._alone[s]) * columns.size for s in self._alone}
        floats = columns.size**2 * 3 + sum(in_turn.values())  # a person's share of the largest arrays
        size = max(1, min(int(CHUNK_BYTES / (8 * max(1, floats))), len(chosen)))
        # new memory is slow, so the next people use it again
        space = np.empty(0 if plain else (size, columns.size, columns.size))
        spaces = {s: np.empty(size * each) for s, each in in_turn.items()}
        for start in range(0, len(chosen), size):
            who = chosen[start : start + size]
            cells = np.ix_(who, columns)
            z, seen = problem.people.values[cells], problem.people.seen[cells]
            if plain:
                solution = solutions_of(z, seen, system)
                for k in self._others:
                    self._targets(solution @ covariance, solution, who, k, on_target)
                continue
            chunk = solve_people(z, seen, system, space)
            for s, folds in self._alone.items():
                each = np.array([self._place[self.folds[k][0]] for k in folds])
                turn = InTurn.of(chunk, z, seen, system, self._sets[s], each, spaces[s])
                if s in on_pseudo:
                    self._pseudo_in_turn(turn, who, s, on_pseudo[s])
                if on_target:
                    self._targets_in_turn(turn, who, s, on_target)
            for k in self._others:
                inside = [self._place[t] for t in self.folds[k] if t in self._place]
                rest = chunk.without(inside) if inside else chunk
                for s, sink in on_pseudo.items():
                    if s in self.situations[k]:
                        self._pseudo(rest, who, s, k, sink)
                if on_target:
                    self._targets(rest.filled, rest.solution, who, k, on_target)

    def _pseudo_in_turn(self, turn: InTurn, who: NDArray[np.intp], s: Situation, sink: PseudoSink) -> None:
        """Pass on the pseudo-targets of all folds of one answered target that face ``s``."""
        folds = np.array(self._alone[s])
        for group in self._groups(s, ()):
            there = [np.flatnonzero(self._seen(who, position)) for position in group]
            asked = there[0] if len(group) == 1 else np.arange(len(who))
            if not any(rows.size for rows in there):
                continue
            left = turn.leave_out(group, asked)
            mine = (turn.each[:, None] == group).any(axis=1)
            for g, (position, rows) in enumerate(zip(group, there, strict=True)):
                if not rows.size:
                    continue
                linked, level = left.linked[:, g], left.level
                if len(group) > 1:
                    linked, level = linked[rows], level[rows]
                variables = self._variables(s, linked, level, who[rows], position)
                variables[mine] = np.nan  # a target is no pseudo-target of its own
                sink(int(self.columns[position]), folds, who[rows], variables)

    def _targets_in_turn(self, turn: InTurn, who: NDArray[np.intp], s: Situation, sink: TargetSink) -> None:
        """Pass on the targets of all folds of one answered target that face ``s``."""
        linked, level = turn.targets()
        for j, k in enumerate(self._alone[s]):
            own = self.problem.own[:, who, self.folds[k][0]]
            sink(k, 0, who, _assemble(s, linked[..., [j]], level[:, [j]], *own)[0].T)

    def _pseudo(self, rest: People, who: NDArray[np.intp], s: Situation, k: int, sink: PseudoSink) -> None:
        """Pass on the pseudo-targets of one fold, whose targets are left out of ``rest``."""
        for group in self._groups(s, self.folds[k]):
            left = rest.leave_out(self._sets[s], group)
            for g, position in enumerate(group):
                rows = np.flatnonzero(self._seen(who, position))
                if rows.size:
                    variables = self._variables(
                        s, left.linked[rows, g], left.level[rows], who[rows], position
                    )
                    sink(int(self.columns[position]), np.array([k]), who[rows], variables)

    def _seen(self, who: NDArray[np.intp], position: int) -> NDArray[np.bool_]:
        return np.asarray(self.problem.people.seen[who, self.columns[position]])

    def _variables(
        self, s: Situation, linked: Array, level: Array, who: NDArray[np.intp], position: int
    ) -> Array:
        """Join the features of a pseudo-target, and its answers."""
        item = self.columns[position]
        return _assemble(
            s, linked, level, *self.problem.own[:, who, item], self.problem.people.values[who, item]
        )

    def _groups(self, s: Situation, hidden: Sequence[int]) -> list[list[int]]:
        """Group the items that are left out together as pseudo-targets: one by one, or block by block."""
        members: dict[int, list[int]] = {}
        for k, c in enumerate(self.columns):
            if int(c) not in hidden:
                members.setdefault(int(self.problem.block[c]) if s == "new battery" else k, []).append(k)
        return list(members.values())

    def _targets(
        self, filled: Array, solution: Array, who: NDArray[np.intp], k: int, sink: TargetSink | None
    ) -> None:
        if sink is None:
            return
        fold = self.folds[k]
        gone = [self._place[t] for t in fold if t in self._place]
        for t, (target, s) in enumerate(zip(fold, self.situations[k], strict=True)):
            toward = self._links[self._sets[s], target][:, self.columns]  # (f, p)
            toward[:, gone] = 0.0
            linked = (filled @ toward.T)[..., None]
            own = self.problem.own[:, who, target]
            sink(k, t, who, _assemble(s, linked, solution.sum(axis=1)[:, None], *own)[0].T)


def _assemble(s: Situation, linked: Array, level: Array, *same_in_all_folds: Array) -> Array:
    """Join variables into (m, d, n): links (n, f, m), level (n, m), then what is the same in all folds, (n,) each."""
    n, f, m = linked.shape
    levels = [] if s == "new battery" else [level.T]
    rest = [*levels, *same_in_all_folds]
    result = np.empty((m, f + len(rest), n))
    result[:, :f] = linked.transpose(2, 1, 0)
    for d, part in enumerate(rest):
        result[:, f + d] = part
    return result

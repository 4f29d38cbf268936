"""Compute scores from outcomes: accuracy over two denominators, intervals, positions, flips, votes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from truetwin.errors import DataError
from truetwin.voice.protocols.outcomes import FOUR_WAY, SCORE_RANGE, Outcome, Protocol, Status
from truetwin.voice.scoring.pillars import pillar_means
from truetwin.voice.stats.rates import UNDEFINED, PairedTest, Rate, paired_test, rate


@dataclass(frozen=True)
class Positions:
    """Position bias of a model: each tuple has one entry a position, from the first option to the last.

    ``picked``: share of answers that pick the position. ``true``: share of items whose right option is shown there.
    ``recall``: share of right answers among items whose right option is shown there (NaN without such items).
    """

    picked: tuple[float, ...]
    true: tuple[float, ...]
    recall: tuple[float, ...]


@dataclass(frozen=True)
class Rotations:
    """Effect of the order of the options alone.

    ``flip_rate``: share of items answered more than once in which not always the same option was picked.
    ``vote_accuracy``: accuracy of the option picked most often, over all items; tied options share the credit.
    """

    n_items: int
    runs: int
    flip_rate: float
    n_answered_again: int
    vote_accuracy: float


@dataclass(frozen=True)
class Score:
    """Scores of one model under one protocol on one dimension.

    Attributes
    ----------
    n, n_answered, n_malformed, n_failed, n_unscored : int
        Number of outcomes in all, with a readable answer, with an unreadable reply, without a reply, and unscored by
        the judge.
    answered : Rate, optional
        Accuracy over readable answers only, as in paper B.
    all : Rate, optional
        Accuracy over all outcomes: unreadable and failed ones count as wrong. None for protocols without right
        answers.
    positions : Positions, optional
        Missing if the order of options is not known.
    rotations : Rotations, optional
        Missing if every item was asked once.
    marks : Rate, optional
        Mean mark of scoring, put on 0..1, over scored outcomes: those of a judge, and the lowest mark that replies get
        by rule if they were cut off or malformed.
    n_imputed : int
        Number of marks given by rule.
    judged_mean : float, optional
        Mean of the judge's own marks, 1 to 5; None without any.
    pillars : mapping
        Mean verdict on each pillar (opinion, logic, style), 0 to 1.
    """

    dimension: str
    model: str
    protocol: Protocol
    judge: str
    n: int
    n_items: int
    n_answered: int
    n_malformed: int
    n_failed: int
    n_unscored: int
    answered: Rate | None
    all: Rate | None
    positions: Positions | None
    rotations: Rotations | None
    marks: Rate | None
    n_imputed: int = 0
    judged_mean: float | None = None
    pillars: Mapping[str, float] = field(default_factory=dict)

    @property
    def mean_mark(self) -> float | None:
        """Mean mark on the judge's own scale of 1 to 5."""
        low, high = SCORE_RANGE
        return None if self.marks is None else low + (high - low) * self.marks.value


Key = tuple[str, str, Protocol, str]


def score_outcomes(outcomes: Iterable[Outcome]) -> list[Score]:
    """Compute one score for every dimension, model, protocol and judge among the outcomes, in order of appearance.

    Raises
    ------
    DataError
        If one item has two outcomes under the same protocol, model, judge and run.
    """
    return [score_one(key, found) for key, found in grouped(outcomes).items()]


def grouped(outcomes: Iterable[Outcome]) -> dict[Key, list[Outcome]]:
    """Group outcomes by dimension, model, protocol and judge."""
    groups: dict[Key, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.dimension, outcome.model, outcome.protocol, outcome.judge].append(outcome)
    for found in groups.values():
        twice = [key for key, times in Counter((o.item_id, o.run) for o in found).items() if times > 1]
        if twice:
            item, run = twice[0]
            raise DataError(
                f"every item must have one outcome a run; {item!r} has several for run {run} ({len(twice)} such cases)"
            )
    return dict(groups)


def score_one(key: Key, outcomes: Sequence[Outcome]) -> Score:
    """Score outcomes that share dimension, model, protocol and judge."""
    dimension, model, protocol, judge = key
    answered = [o for o in outcomes if o.is_answered]
    four_way = protocol in FOUR_WAY
    return Score(
        dimension,
        model,
        protocol,
        judge,
        n=len(outcomes),
        n_items=len({o.item_id for o in outcomes}),
        n_answered=len(answered),
        n_malformed=sum(o.is_malformed for o in outcomes),
        n_failed=sum(o.status is Status.FAILED for o in outcomes),
        n_unscored=sum(o.status is Status.UNSCORED for o in outcomes),
        answered=_accuracy(answered) if four_way else None,
        all=_accuracy(outcomes) if four_way else None,
        positions=positions_of(outcomes) if four_way else None,
        rotations=rotations_of(outcomes) if four_way else None,
        marks=_marks(outcomes) if protocol is Protocol.SCORING else None,
        n_imputed=sum(o.is_imputed for o in outcomes),
        judged_mean=_judged_mean(outcomes),
        pillars=pillar_means(outcomes) if protocol is Protocol.SCORING else {},
    )


def chance_of(outcomes: Iterable[Outcome]) -> float:
    """Return the share of right answers that guessing gives, by the number of options that were shown.

    NaN if nothing was chosen among, or if it is not known how many options were shown.
    """
    shown = [len(o.shown) for o in outcomes if o.protocol in FOUR_WAY and o.shown]
    return float(np.mean([1 / n for n in shown])) if shown else UNDEFINED


def item_values(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """Compute the share of right answers of each item over its runs; failures count as wrong."""
    found: dict[str, list[float]] = defaultdict(list)
    for outcome in outcomes:
        found[outcome.item_id].append(float(outcome.status is Status.CORRECT))
    return {item: float(np.mean(values)) for item, values in found.items()}


def item_marks(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """Compute the mean mark of each marked item over its runs, on 0..1; items without any mark are left out."""
    low, high = SCORE_RANGE
    found: dict[str, list[float]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.score is not None:
            found[outcome.item_id].append((outcome.score - low) / (high - low))
    return {item: float(np.mean(values)) for item, values in found.items()}


def positions_of(outcomes: Sequence[Outcome]) -> Positions | None:
    """Compute recall and picks by position; None if no outcome says in which order the options were shown."""
    known = [o for o in outcomes if o.answer_position is not None]
    if not known:
        return None
    places = range(max(len(o.shown) for o in known))
    true = Counter(o.answer_position for o in known)
    hits = Counter(o.answer_position for o in known if o.status is Status.CORRECT)
    picked = Counter(o.picked_position for o in known if o.picked_position is not None)
    n_picked = sum(picked.values())
    return Positions(
        tuple(picked[k] / n_picked if n_picked else UNDEFINED for k in places),
        tuple(true[k] / len(known) for k in places),
        tuple(hits[k] / true[k] if true[k] else UNDEFINED for k in places),
    )


def rotations_of(outcomes: Sequence[Outcome]) -> Rotations | None:
    """Compute flips and votes over the rotations; None if every item was asked once."""
    by_item: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_item[outcome.item_id].append(outcome)
    runs = max((len(found) for found in by_item.values()), default=0)
    if runs < 2:
        return None
    picks = {item: [o.picked for o in found if o.picked is not None] for item, found in by_item.items()}
    again = [found for found in picks.values() if len(found) > 1]
    flips = [len(set(found)) > 1 for found in again]
    credit = [_vote(picks[item], found[0].answer) for item, found in by_item.items()]
    return Rotations(
        len(by_item), runs, float(np.mean(flips)) if flips else UNDEFINED, len(again), float(np.mean(credit))
    )


@dataclass(frozen=True)
class Comparison:
    """Comparison of two models on the items that both were given; unreadable and failed answers count as wrong.

    Marks are compared on 0..1, on the items that have one from both. ``same_pick`` is the share of answers in which
    both picked the same option, right or wrong; NaN without any.
    """

    test: PairedTest
    same_pick: float


def compare(first: Sequence[Outcome], second: Sequence[Outcome]) -> Comparison | None:
    """Compare two models' outcomes under one protocol, item by item; None if they share no item."""
    is_marks = any(o.protocol is Protocol.SCORING for o in first)
    values, others = map(item_marks if is_marks else item_values, (first, second))
    shared = [item for item in values if item in others]
    if not shared:
        return None
    people = {o.item_id: cluster_of(o) for o in first}
    test = paired_test([values[i] for i in shared], [others[i] for i in shared], [people[i] for i in shared])
    picks = {(o.item_id, o.run): o.picked for o in first if o.picked is not None}
    same = [picks[o.item_id, o.run] == o.picked for o in second if o.picked and (o.item_id, o.run) in picks]
    return Comparison(test, float(np.mean(same)) if same else UNDEFINED)


def _accuracy(outcomes: Sequence[Outcome]) -> Rate:
    return rate([float(o.status is Status.CORRECT) for o in outcomes], [cluster_of(o) for o in outcomes])


def _marks(outcomes: Sequence[Outcome]) -> Rate:
    low, high = SCORE_RANGE
    scored = [(o, o.score) for o in outcomes if o.score is not None]
    return rate([(score - low) / (high - low) for _, score in scored], [cluster_of(o) for o, _ in scored])


def _judged_mean(outcomes: Sequence[Outcome]) -> float | None:
    marks = [o.score for o in outcomes if o.score is not None and not o.is_imputed]
    return float(np.mean(marks)) if marks else None


def cluster_of(outcome: Outcome) -> str:
    """Return the cluster that bootstraps draw whole: the persona, or the item where no persona is known."""
    return outcome.persona_id or f"item {outcome.item_id}"


def _vote(picks: Sequence[str], answer: str | None) -> float:
    if not picks:
        return 0.0
    counts = Counter(picks)
    most = max(counts.values())
    winners = [option for option, times in counts.items() if times == most]
    return float(answer in winners) / len(winners)

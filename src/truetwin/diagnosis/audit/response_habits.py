"""Do twins answer by habit: agreeing, keeping to the middle, choosing the ends of the scale?

A habit is a tendency across items. Its error therefore has two parts: of the people, and of the items.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from truetwin.diagnosis.audit.audit_check import Check, unmeasured, with_estimate
from truetwin.diagnosis.audit.left_out_people import Array, Estimate, Replicates
from truetwin.diagnosis.audit.paired_answers import Codes, PairedAnswers

FEWEST_ITEMS = 3


@dataclass(frozen=True, eq=False)
class Habit:
    """Kind of answer: the check about it, and which categories it holds for each item, (m, K), 1/2 for half."""

    check: Check
    chosen: Array
    items: Codes
    what: str


def habit_checks(paired: PairedAnswers) -> list[Check]:
    """Check agreeing, middle options and extreme options on items with ordered categories."""
    return [_check(habit, paired) for habit in _habits(paired)]


def _habits(paired: PairedAnswers) -> list[Habit]:
    K = paired.counts[0].shape[2]
    sizes = np.array(
        [
            0 if scale.kind != "ordinal" or not codes.size else codes.size
            for scale, codes in zip(paired.scales, paired.categories, strict=True)
        ]
    )
    upper, middle, ends = (np.zeros((sizes.size, K)) for _ in range(3))
    agreeing = np.array([_agree_end(paired, j) for j in range(sizes.size)])
    for j, size in enumerate(sizes):
        if size >= 3:
            place = np.arange(size) / (size - 1)
            upper[j, :size] = np.where(place > 0.5, 1.0, np.where(place == 0.5, 0.5, 0.0))
            middle[j, :size] = place == 0.5
            ends[j, [0, size - 1]] = 1.0
            if agreeing[j] < 0:
                upper[j, :size] = upper[j, :size][::-1]
    named = np.flatnonzero((agreeing != 0) & (sizes >= 3))
    by_label = named.size >= FEWEST_ITEMS
    return [
        Habit(
            Check(
                "agreeableness",
                "flattening",
                ("shares and means",),
                "Do twins agree, or choose the upper half of the scale, more often than people?",
            ),
            upper,
            named if by_label else np.flatnonzero(sizes >= 3),
            "agree" if by_label else "choose the upper half of the scale",
        ),
        Habit(
            Check(
                "middle_options",
                "flattening",
                ("shares and means",),
                "Do twins choose the middle option more often, or less often, than people?",
            ),
            middle,
            np.flatnonzero((sizes >= 3) & (sizes % 2 == 1)),
            "choose the middle option",
        ),
        Habit(
            Check(
                "extreme_options",
                "flattening",
                ("shares and means",),
                "Do twins choose the ends of the scale more often, or less often, than people?",
            ),
            ends,
            np.flatnonzero(sizes >= 4),
            "choose an end of the scale",
        ),
    ]


def _agree_end(paired: PairedAnswers, j: int) -> int:
    """Return 1 if the upper end of an item's labels agrees, -1 if the lower end does, and 0 if no label says."""
    scale = paired.scales[j]
    if scale.kind != "ordinal" or len(scale.categories) < 3:
        return 0
    low, high = (scale.labels.get(scale.categories[k], "").lower() for k in (0, -1))
    says = [("agree" in text and "disagree" not in text) for text in (low, high)]
    return int(says[1]) - int(says[0])


def _check(habit: Habit, paired: PairedAnswers) -> Check:
    items = habit.items
    if items.size < FEWEST_ITEMS:
        return unmeasured(
            habit.check, f"fewer than {FEWEST_ITEMS} items have ordered categories that allow it"
        )

    def share(counts: Array) -> Array:
        kept = counts[items]
        return np.asarray((kept * habit.chosen[items]).sum(axis=1) / np.maximum(kept.sum(axis=1), 1e-12))

    human, twin = paired.counts
    sides = Replicates.of(lambda h, t: np.stack([share(h), share(t)]), human, twin)
    difference = sides.map(lambda v: np.mean(v[1] - v[0])).estimate()
    apart = sides.value[1] - sides.value[0]
    between = float(apart.var(ddof=1)) / items.size
    error = np.sqrt(difference.standard_error**2 + between)
    whole = Estimate(difference.value, np.asarray(error), min(difference.df, items.size - 1))
    people, twins = sides.value.mean(axis=1)
    way = "more" if whole.value > 0 else "less"
    return with_estimate(
        replace(
            habit.check,
            measure=f"share of twins' answers that {habit.what}, mean over {items.size} items",
            value=float(twins),
            baseline=float(people),
            baseline_measure="the same among people",
            rule="twins minus people, mean over items, with errors over people and over items: t test against 0",
            fault=f"twins {habit.what} {way} often than people: {twins:.0%} of answers, people {people:.0%}",
            rows=[
                {
                    "item": paired.items[j],
                    "twin": float(sides.value[1, k]),
                    "people": float(sides.value[0, k]),
                }
                for k, j in enumerate(items)
            ],
        ),
        whole,
        float(whole.p_values()),
    )

"""Compare twins with the best that they could be and with a guess: retests, halves of the people, trivial baselines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from truetwin.diagnosis.audit.audit_check import LEVEL, Check, unmeasured, with_estimate
from truetwin.diagnosis.audit.group_equity import typical_answers
from truetwin.diagnosis.audit.left_out_people import Array, Replicates, across_halves
from truetwin.diagnosis.audit.paired_answers import PairedAnswers

KNOWS = Check("knows_the_person", "ceilings", ("single answers",), "Do twins know their people at all?")
TRIVIAL = Check(
    "beats_a_guess",
    "ceilings",
    ("single answers",),
    "Are twins closer to their people than people's median answer is?",
)
RETEST = Check(
    "retest_ceiling",
    "ceilings",
    ("single answers",),
    "How close do twins come to people who are asked the same again?",
)
FIGURES = Check(
    "group_figures",
    "ceilings",
    ("shares and means",),
    "Are shares of the twins as close to people's as those of other people would be?",
)


def ceiling_checks(paired: PairedAnswers) -> list[Check]:
    """Check what twins know of their people beside a guess, a retest, and other people."""
    return [_knows(paired), _beats_guess(paired), _retest(paired), _figures(paired)]


def item_correlations(paired: PairedAnswers, predicted: Array | None = None) -> Replicates:
    """Correlate twins, or predictions, with their people item by item; 0 where they do not vary."""
    human, twin = paired.numbers
    twin = twin if predicted is None else np.where(paired.seen, predicted, np.nan)
    parts = np.concatenate(
        [
            paired.weighted_sums(human),
            *(paired.weighted_sums(x)[:, :1] for x in (twin, human**2, twin**2, human * twin)),
        ],
        axis=1,
    )
    return Replicates.of(correlation_of_sums, parts)


def correlation_of_sums(sums: Array) -> Array:
    """Correlate from sums of x, weights, y, x^2, y^2 and xy, (6, m) to (m,)."""
    x, n, y, xx, yy, xy = (sums[k] for k in range(6))
    n = np.maximum(n, 1e-12)
    product = (xx / n - (x / n) ** 2) * (yy / n - (y / n) ** 2)
    covariance = xy / n - x * y / n**2
    return np.asarray(
        np.where(product > 1e-18, covariance / np.sqrt(np.where(product > 1e-18, product, 1.0)), 0.0)
    )


def _knows(paired: PairedAnswers) -> Check:
    r = item_correlations(paired)
    mean = r.map(np.mean).estimate()
    p = float(mean.p_values(side="above"))
    low, high = mean.interval()
    return replace(
        KNOWS,
        measure="correlation of twins with their people, mean over items (0 where all twins are alike)",
        value=float(mean.value),
        baseline=0.0,
        baseline_measure="twins of other people",
        low=low,
        high=high,
        p_adjusted=p,
        flagged=p > LEVEL,
        rule="flagged unless the mean correlation is above 0: one-sided t test at 5%",
        fault=f"nothing shows that twins know their people: mean correlation {float(mean.value):.3f} ({low:.3f} to "
        f"{high:.3f})",
        rows=[{"item": item, "correlation": float(v)} for item, v in zip(paired.items, r.value, strict=True)],
    )


def _beats_guess(paired: PairedAnswers) -> Check:
    guess = paired.closeness_to(np.broadcast_to(typical_answers(paired), paired.human.shape))
    sums = np.concatenate(
        [paired.weighted_sums(paired.closeness), paired.weighted_sums(guess)[:, :1]], axis=1
    )
    means = Replicates.of(lambda s: np.stack([s[0], s[2]]).sum(axis=1) / s[1].sum(), sums)
    gain = means.map(lambda v: v[0] - v[1]).estimate()
    twins, guesses = means.value
    return with_estimate(
        replace(
            TRIVIAL,
            measure="closeness of twins to their people (1 is equal, 0 the whole scale away)",
            value=float(twins),
            baseline=float(guesses),
            baseline_measure="closeness of people's median answer (the commonest one where answers have no order)",
            rule="twins minus the guess, over all cells: one-sided t test against 0",
            fault=f"people's median answer is closer to each person than the twin is: {guesses:.3f} against "
            f"{twins:.3f}",
        ),
        gain,
        float(gain.p_values(side="below")),
    )


def _retest(paired: PairedAnswers) -> Check:
    if paired.retest is None or not np.isfinite(paired.retest).any():
        return unmeasured(RETEST, "no answers of people who were asked again were given (--retest)")
    both = np.isfinite(paired.retest)
    again = np.where(both, paired.closeness_to(paired.retest), np.nan)
    twins = np.where(both, paired.closeness, np.nan)
    sums = np.concatenate([paired.weighted_sums(twins), paired.weighted_sums(again)[:, :1]], axis=1)
    means = Replicates.of(lambda s: np.stack([s[0], s[2]]).sum(axis=1) / s[1].sum(), sums)
    short = means.map(lambda v: v[0] - v[1]).estimate()
    low, high = short.interval()
    ours, theirs = (float(v) for v in means.value)
    return replace(
        RETEST,
        measure=f"closeness of twins to their people, {ours / theirs:.0%} of the ceiling",
        value=ours,
        baseline=theirs,
        baseline_measure="closeness of people to themselves when asked again",
        low=low,
        high=high,
        rule="none: a ceiling to read the others by; twins above it count under near_copies",
    )


def _shares(counts: Array) -> Array:
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12))


def share_distance(a: Array, b: Array) -> Array:
    """Total variation distance of shares by item, (m, K) to (m,)."""
    return np.asarray(np.abs(a - b).sum(axis=1) / 2)


def _figures(paired: PairedAnswers) -> Check:
    def compare(h1: Array, h2: Array, t1: Array, t2: Array) -> Array:
        return np.stack([(share_distance(t1, h2) + share_distance(t2, h1)) / 2, share_distance(h1, h2)])

    found = across_halves(_shares, compare, *paired.counts, paired.groups.in_first_half)
    excess = found.map(lambda d: d[0].mean() - d[1].mean()).estimate()
    twins, people = found.value.mean(axis=1)
    return with_estimate(
        replace(
            FIGURES,
            measure="total variation distance of shares: twins of one half of the people, people of the other half; "
            "mean over items",
            value=float(twins),
            baseline=float(people),
            baseline_measure="the same between people of the two halves",
            rule="distance of twins minus that of people: one-sided t test against 0",
            fault=f"shares of answers are off: {twins:.0%} of the answers would have to move, {people:.0%} between two "
            f"halves of the people",
            rows=[
                {"item": item, "distance": float(a), "people_halves": float(b)}
                for item, a, b in zip(paired.items, *found.value, strict=True)
            ],
        ),
        excess,
        float(excess.p_values(side="above")),
    )

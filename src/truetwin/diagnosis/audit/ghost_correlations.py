r"""Do items hang together among twins as among people, or too strongly, too weakly, or where people have nothing?

Sampling alone makes correlations of two samples differ. Twins of one half of the people are therefore compared with the
people of the other half, beside people with people of the other half: *split-half noise*.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from truetwin.diagnosis.audit.audit_check import Check, any_of, listed, unmeasured, with_estimate
from truetwin.diagnosis.audit.left_out_people import Array, Estimate, Replicates, across_halves
from truetwin.diagnosis.audit.pair_moments import PairMoments, correlations
from truetwin.diagnosis.audit.paired_answers import PairedAnswers

SHOWN_PAIRS = 50
STRENGTH = Check(
    "correlation_strength",
    "flattening",
    ("relations",),
    "Are correlations between items as strong among twins as among people?",
)
PATTERN = Check(
    "correlation_pattern",
    "flattening",
    ("relations",),
    "Do the same items go together among twins as among people?",
)
GHOSTS = Check(
    "ghost_correlations",
    "flattening",
    ("relations",),
    "Are there pairs of items that go together among twins and not, or less, among people?",
)


def correlation_checks(paired: PairedAnswers, moments: PairMoments) -> list[Check]:
    """Check the strength of correlations between items, their pattern, and single pairs."""
    pairs = moments.pairs
    if not pairs[0].size:
        why = "no two items have enough common answers"
        return [unmeasured(check, why) for check in (STRENGTH, PATTERN, GHOSTS)]
    found = Replicates.of(
        lambda h, t: np.stack([correlations(h)[pairs], correlations(t)[pairs]]), moments.human, moments.twin
    )
    return [
        _strong_or_weak(found),
        _pattern_of(moments),
        _ghost_pairs(found, paired, moments),
    ]


def _strong_or_weak(found: Replicates) -> Check:
    squares = found.map(lambda r: np.mean(r[1] ** 2) - np.mean(r[0] ** 2)).estimate()
    # a mean square exceeds that of the true correlations by their sampling variance
    errors = found.estimate().standard_error
    human, twin = (
        float(np.sqrt(max(np.mean(r**2) - np.mean(e**2), 0.0)))
        for r, e in zip(found.value, errors, strict=True)
    )
    way = "too strong" if squares.value > 0 else "too weak"
    return with_estimate(
        STRENGTH,
        squares,
        float(squares.p_values()),
        measure="root mean square correlation of items among twins, sampling noise taken off",
        value=twin,
        baseline=human,
        baseline_measure="the same among people",
        rule="mean squared correlation of twins minus that of people: t test against 0",
        fault=f"correlations between items are {way}: {twin:.2f} among twins, {human:.2f} among people",
    )


def _pattern_of(moments: PairMoments) -> Check:
    pairs = moments.pairs

    def describe(sums: Array) -> Array:
        return np.asarray(correlations(sums)[pairs])

    def compare(h1: Array, h2: Array, t1: Array, t2: Array) -> Array:
        twins = (np.mean((t1 - h2) ** 2) + np.mean((t2 - h1) ** 2)) / 2
        return np.array([twins, np.mean((h1 - h2) ** 2)])

    errors = across_halves(describe, compare, moments.human, moments.twin, moments.in_first_half)
    excess = errors.map(lambda e: e[0] - e[1]).estimate()
    twin, human = np.sqrt(errors.value)
    return with_estimate(
        PATTERN,
        excess,
        float(excess.p_values(side="above")),
        measure="root mean square difference of correlations: twins of one half of people, people of the other half",
        value=float(twin),
        baseline=float(human),
        baseline_measure="the same between people of the two halves (split-half noise)",
        rule="mean squared difference of twins minus that of people: one-sided t test against 0",
        fault=f"which items go together differs from people: correlations are off by {twin:.2f}, two halves of the "
        f"people by {human:.2f}",
    )


def _ghost_pairs(found: Replicates, paired: PairedAnswers, moments: PairMoments) -> Check:
    """Compare single pairs by Fisher's z; the error is at least that of two independent samples of normal answers."""
    z = found.map(
        lambda r: np.arctanh(np.clip(r[1], -0.999, 0.999)) - np.arctanh(np.clip(r[0], -0.999, 0.999))
    )
    estimate = z.estimate()
    n = moments.human[:, 0].sum(axis=0)[moments.pairs]
    error = np.maximum(estimate.standard_error, np.sqrt(2 / np.maximum(n - 3, 1)))
    p = Estimate(estimate.value, error, estimate.df).p_values()
    human, twin = found.value
    stronger = np.where(np.sign(twin) == np.sign(human), np.abs(twin) > np.abs(human), np.abs(twin) > 0)
    adjusted = listed(p)
    certain = adjusted <= 0.05
    ghosts = certain & stronger
    order = np.argsort(p, kind="stable")
    shown = [k for k in order if ghosts[k]][:SHOWN_PAIRS]
    names = [paired.items[j] for j in moments.items]
    rows: list[dict[str, Any]] = [
        {
            "item": names[moments.pairs[0][k]],
            "other_item": names[moments.pairs[1][k]],
            "twin": float(twin[k]),
            "people": float(human[k]),
            "p_adjusted": float(adjusted[k]),
        }
        for k in shown
    ]
    share = float(ghosts.mean())
    example = (
        f", such as {rows[0]['item']} with {rows[0]['other_item']} ({rows[0]['twin']:+.2f}, people "
        f"{rows[0]['people']:+.2f})"
        if rows
        else ""
    )
    return replace(
        GHOSTS,
        measure=f"share of {p.size} pairs that go together more among twins, or the other way round",
        value=share,
        baseline=0.0,
        baseline_measure=f"share among people; {float((certain & ~stronger).mean()):.1%} of the pairs go together less",
        p=any_of(np.where(stronger, p, 1.0)),
        rule="Fisher's z of twins minus that of people, pair by pair; the smallest p-value times the number of pairs. "
        "Listed pairs: at most one in twenty by chance (Benjamini-Hochberg)",
        fault=f"ghost correlations: {share:.1%} of the pairs of items go together more than among people{example}",
        rows=rows,
    )

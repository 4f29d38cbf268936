"""Do twins differ from each other as people do, and do they answer as high?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from truetwin.diagnosis.audit.audit_check import Check, any_of, listed, unmeasured, with_estimate
from truetwin.diagnosis.audit.left_out_people import Array, Replicates
from truetwin.diagnosis.audit.paired_answers import PairedAnswers

SPREAD = Check(
    "spread",
    "flattening",
    ("shares and means", "relations"),
    "Do twins differ from each other as much as people do?",
)
VARIETY = Check(
    "distinct_answers",
    "flattening",
    ("shares and means",),
    "Do twins use as many different answers as people do?",
)
ALL_ALIKE = Check(
    "all_alike_items",
    "flattening",
    ("single answers", "shares and means", "relations"),
    "Are there items to which all twins give one answer, and people do not?",
)
LEVELS = Check(
    "levels", "flattening", ("shares and means",), "Do twins answer as high as people do, item by item?"
)


def spread_checks(paired: PairedAnswers) -> list[Check]:
    """Check spread, number of distinct answers, items answered all alike, and levels."""
    return [*_spread_and_levels(paired), _variety(paired), _all_alike(paired)]


def _spread_and_levels(paired: PairedAnswers) -> list[Check]:
    ordered = np.flatnonzero(~paired.nominal)
    if not ordered.size:
        why = "all items are nominal: their answers have no order"
        return [unmeasured(SPREAD, why), unmeasured(LEVELS, why)]
    names = [paired.items[j] for j in ordered]
    human, twin = (
        np.concatenate(
            [paired.weighted_sums(z[:, ordered]), paired.weighted_sums(z[:, ordered] ** 2)[:, :1]], axis=1
        )
        for z in paired.numbers
    )
    moments = Replicates.of(lambda h, t: np.stack([_mean_and_sd(h), _mean_and_sd(t)]), human, twin)
    return [_spread(moments, names), _levels(moments, names)]


def _mean_and_sd(sums: Array) -> Array:
    """Means and sds from sums of values, of weights, and of squares, (3, m) to (2, m)."""
    mean = sums[0] / np.maximum(sums[1], 1e-12)
    return np.stack([mean, np.sqrt(np.maximum(sums[2] / np.maximum(sums[1], 1e-12) - mean**2, 0.0))])


def _spread(moments: Replicates, names: list[str]) -> Check:
    def apart(v: Array) -> Array:
        """(twin - human) / (twin + human): 0 if equal, -1 if all twins are alike."""
        human, twin = v[0, 1], v[1, 1]
        return np.asarray((twin - human) / np.maximum(twin + human, 1e-12))

    items = moments.map(apart)
    mean = items.map(np.mean).estimate()
    p = items.estimate().p_values()
    adjusted = listed(p)
    ratio = moments.value[1, 1] / np.maximum(moments.value[0, 1], 1e-12)
    rows = [
        {"item": name, "sd_ratio": float(r), "p_adjusted": float(q)}
        for name, r, q in zip(names, ratio, adjusted, strict=True)
    ]
    average = float(ratio.mean())
    way = "less" if mean.value < 0 else "more"
    return with_estimate(
        SPREAD,
        mean,
        float(mean.p_values()),
        measure="standard deviation of twins over that of people, mean over items",
        value=average,
        baseline=1.0,
        baseline_measure="people themselves",
        rule="(twins - people) / (twins + people), mean over items: t test against 0",
        fault=f"twins differ {way} than people: {average:.2f} times their standard deviation; surely other than people "
        f"on {int((adjusted <= 0.05).sum())} of {len(names)} items",
        rows=rows,
    )


def _levels(moments: Replicates, names: list[str]) -> Check:
    bias = moments.map(lambda v: v[1, 0] - v[0, 0]).estimate()
    p = bias.p_values()
    adjusted = listed(p)
    rows = [
        {"item": n, "bias_sd": float(b), "standard_error": float(e), "p_adjusted": float(q)}
        for n, b, e, q in zip(names, bias.value, bias.standard_error, adjusted, strict=True)
    ]
    worst = int(np.argmax(np.abs(bias.value)))
    size = float(np.abs(bias.value).mean())
    noise = float((bias.standard_error * np.sqrt(2 / np.pi)).mean())
    return replace(
        LEVELS,
        measure="mean absolute difference of the means of twins and people, in people's sds",
        value=size,
        baseline=noise,
        baseline_measure="what chance alone gives",
        p=any_of(p),
        rule="paired t test item by item; the smallest p-value times the number of items",
        fault=f"levels are off by {size:.2f} sd on average, surely on {int((adjusted <= 0.05).sum())} of {len(names)} "
        f"items; worst {names[worst]} ({bias.value[worst]:+.2f} sd)",
        rows=rows,
    )


def _diversity(counts: Array) -> Array:
    """Chance that two people give different answers to an item, (m, K) to (m,)."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(1 - (shares**2).sum(axis=1))


def _variety(paired: PairedAnswers) -> Check:
    human, twin = paired.counts
    found = Replicates.of(lambda h, t: np.stack([_diversity(h), _diversity(t)]), human, twin)
    apart = found.map(lambda v: np.mean(v[1] - v[0])).estimate()
    p_items = found.map(lambda v: v[1] - v[0]).estimate().p_values()
    adjusted = listed(p_items)
    distinct = [
        np.array([np.unique(side[np.isfinite(side[:, j]), j]).size for j in range(len(paired.items))])
        for side in (paired.human, paired.twin)
    ]
    rows: list[dict[str, Any]] = [
        {
            "item": item,
            "distinct_twin": int(distinct[1][j]),
            "distinct_people": int(distinct[0][j]),
            "differ_twin": float(found.value[1, j]),
            "differ_people": float(found.value[0, j]),
            "p_adjusted": float(adjusted[j]),
        }
        for j, item in enumerate(paired.items)
    ]
    human_mean, twin_mean = found.value.mean(axis=1)
    way = "fewer" if apart.value < 0 else "more"
    return with_estimate(
        VARIETY,
        apart,
        float(apart.p_values()),
        measure="chance that two twins give different answers, mean over items (numbers in ten bins)",
        value=float(twin_mean),
        baseline=float(human_mean),
        baseline_measure="the same for two people",
        rule="twins minus people, mean over items: t test against 0",
        fault=f"twins use {way} different answers: {distinct[1].mean():.1f} an item, as many people "
        f"{distinct[0].mean():.1f}; two twins differ in {twin_mean:.0%} of answers, two people in {human_mean:.0%}",
        rows=rows,
    )


def _all_alike(paired: PairedAnswers) -> Check:
    n = paired.seen.sum(axis=0)
    counts = paired.counts[0].sum(axis=0)
    alike = np.array([np.ptp(paired.twin[seen, j]) == 0 for j, seen in enumerate(paired.seen.T)], dtype=bool)
    # each of n people gives the commonest answer with its (smoothed) share
    share = counts.max(axis=1) / counts.sum(axis=1)
    share = (share * n + 1) / (n + 2)
    p = np.where(alike, share**n, 1.0)
    names = [item for item, same in zip(paired.items, alike, strict=True) if same]
    some = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
    return replace(
        ALL_ALIKE,
        measure="share of items that all twins answer alike",
        value=float(alike.mean()),
        baseline=0.0,
        baseline_measure="share among people; items that people answer alike are not compared",
        p=any_of(p),
        rule="chance that so many people would all give their commonest answer; the smallest times the number of items",
        fault=f"all twins give the same answer to {len(names)} of {len(paired.items)} items ({some})",
        rows=[{"item": item} for item in names],
    )

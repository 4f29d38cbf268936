r"""Are twins as accurate, as unbiased and as well covered for one group of people as for another?

A group is compared with all others. Differences of groups vary with chance, most where groups are small; *partial
pooling* draws each towards none: with variance :math:`\tau^2` between groups (DerSimonian-Laird) and squared error
:math:`s_g^2`, the pooled difference is :math:`d_g \tau^2 / (\tau^2 + s_g^2)`. Intervals hold for all groups together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from truetwin.diagnosis.audit.audit_check import LEVEL, Check, any_of, unmeasured
from truetwin.diagnosis.audit.left_out_people import Array, Estimate, Replicates
from truetwin.diagnosis.audit.paired_answers import FEWEST, PairedAnswers

Members = Mapping[tuple[str, str], NDArray[np.bool_]]
ACCURACY = Check(
    "equity_accuracy", "equity", ("groups",), "Are twins as close to their people in one group as in another?"
)
BIAS = Check("equity_bias", "equity", ("groups",), "Do twins answer too high or too low for some groups?")
COVERAGE = Check(
    "equity_coverage",
    "equity",
    ("groups",),
    "Do intervals of the twins' group means hold people's group means, as often in one group as in another?",
)


def equity_checks(paired: PairedAnswers, members: Members) -> list[Check]:
    """Check accuracy, bias and coverage by group of people."""
    if not members:
        why = "no groups of people were given (--by), or they are too small"
        return [unmeasured(check, why) for check in (ACCURACY, BIAS, COVERAGE)]
    return [_accuracy(paired, members), _bias(paired, members), _coverage(paired, members)]


def partially_pooled(values: Array, errors: Array) -> tuple[Array, Array, float]:
    """Draw differences of groups towards 0 by how much of their variation is chance.

    Returns
    -------
    tuple of (ndarray, ndarray, float)
        Pooled differences, their posterior sds, and the sd between groups.

    Examples
    --------
    >>> pooled, sd, between = partially_pooled(np.array([1.0, -1.0, 0.0]), np.array([0.1, 0.1, 2.0]))
    >>> pooled.round(2).tolist(), round(between, 1)
    ([0.99, -0.99, 0.0], 1.0)
    """
    weight = 1 / np.maximum(errors, 1e-9) ** 2
    excess = float(np.sum(weight * values**2) - values.size)
    tau2 = max(excess / float(weight.sum()), 0.0)
    kept = tau2 / (tau2 + errors**2)
    return values * kept, np.sqrt(kept) * errors, float(np.sqrt(tau2))


def _group_means(values: Array, paired: PairedAnswers, members: Members) -> Replicates:
    """Mean of each group and of its others, (n_groups, 2), from one value a cell, (n, m)."""
    seen = np.isfinite(values)
    person = np.stack([np.where(seen, values, 0.0).sum(axis=1), seen.sum(axis=1)], axis=1)
    heavy = paired.weights[:, None] * person
    sums = np.stack(
        [
            np.stack([paired.groups.sums(heavy * side[:, None]) for side in (member, ~member)], axis=1)
            for member in members.values()
        ],
        axis=1,
    )
    return Replicates.of(lambda s: s[..., 0] / np.maximum(s[..., 1], 1e-12), sums)


def _compared(check: Check, means: Replicates, members: Members, **words: Any) -> tuple[Check, int]:
    """Test every group against its others, with pooled differences and joint intervals. Returns the largest, too."""
    apart = means.map(lambda v: v[:, 0] - v[:, 1]).estimate()
    pooled, sd, between = partially_pooled(apart.value, apart.standard_error)
    p = apart.p_values()
    far = float(stats.t.ppf(1 - LEVEL / 2 / len(members), max(apart.df, 1)))
    rows = [
        {
            "by": column,
            "group": group,
            "n_people": int(member.sum()),
            "mean": float(means.value[k, 0]),
            "difference": float(apart.value[k]),
            "standard_error": float(apart.standard_error[k]),
            "joint_low": float(apart.value[k] - far * apart.standard_error[k]),
            "joint_high": float(apart.value[k] + far * apart.standard_error[k]),
            "pooled": float(pooled[k]),
            "pooled_sd": float(sd[k]),
            "p": float(min(1.0, p[k] * len(members))),
        }
        for k, ((column, group), member) in enumerate(members.items())
    ]
    worst = int(np.argmin(p))
    low, high = Estimate(apart.value[worst], apart.standard_error[worst], apart.df).interval()
    rule = "group minus others: t test group by group, the smallest p-value times the number of groups"
    return replace(
        check, p=any_of(p), low=low, high=high, rule=rule, rows=rows, value=between, **words
    ), worst


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['by']} {row['group']}"


def _accuracy(paired: PairedAnswers, members: Members) -> Check:
    near = paired.closeness
    means = _group_means(near - np.nanmean(near, axis=0), paired, members)
    check, worst = _compared(
        ACCURACY,
        means,
        members,
        measure="standard deviation between groups of the closeness of twins to their people (1 is equal, 0 the whole "
        "scale away), chance taken off",
        baseline=0.0,
        baseline_measure="equal groups. Beside each group: closeness of people's median answer",
    )
    median = _group_means(paired.closeness_to(_medians(paired)), paired, members)
    level = _group_means(near, paired, members)
    rows = [
        {**row, "mean": float(level.value[k, 0]), "median_answer": float(median.value[k, 0])}
        for k, row in enumerate(check.rows)
    ]
    row = rows[worst]
    way = "less" if row["difference"] < 0 else "more"
    return replace(
        check,
        rows=rows,
        fault=f"twins are {way} accurate for {_name(row)}: closeness {row['mean']:.3f}, {row['difference']:+.3f} "
        f"against others",
    )


def _medians(paired: PairedAnswers) -> Array:
    """Give everybody the median answer of people, and the commonest one to nominal items."""
    return np.broadcast_to(typical_answers(paired), paired.human.shape)


def typical_answers(paired: PairedAnswers) -> Array:
    """Return people's median answer to each item, or their commonest one where answers have no order, (m,)."""
    found = np.empty(len(paired.items))
    for j, seen in enumerate(paired.seen.T):
        answers = paired.human[seen, j]
        codes, counts = np.unique(answers, return_counts=True)
        found[j] = codes[np.argmax(counts)] if paired.nominal[j] else np.median(answers)
    return found


def _bias(paired: PairedAnswers, members: Members) -> Check:
    ordered = ~paired.nominal
    if not ordered.any():
        return unmeasured(BIAS, "all items are nominal: their answers have no order")
    human, twin = paired.numbers
    difference = (twin - human)[:, ordered]
    means = _group_means(difference - np.nanmean(difference, axis=0), paired, members)
    check, worst = _compared(
        BIAS,
        means,
        members,
        measure="standard deviation between groups of the mean of twin minus person (in people's sds, after the bias "
        "of each item), chance taken off",
        baseline=0.0,
        baseline_measure="equal groups",
    )
    row = check.rows[worst]
    way = "low" if row["difference"] < 0 else "high"
    return replace(
        check,
        fault=f"twins answer too {way} for {_name(row)}: {row['difference']:+.2f} sd against others, over all items",
    )


def _coverage(paired: PairedAnswers, members: Members) -> Check:
    human, twin = paired.numbers
    sums = np.stack(
        [
            np.stack(
                [
                    paired.weighted_sums(np.where(side[:, None], twin - human, np.nan))
                    for side in (member, ~member)
                ],
                axis=1,
            )
            for member in members.values()
        ],
        axis=1,
    )  # (left out, groups, side, 2, m)
    bias = Replicates.of(lambda s: s[..., 0, :] / np.maximum(s[..., 1, :], 1e-12), sums)
    enough = (sums.sum(axis=0)[:, :, 1] >= FEWEST).all(axis=1)
    own = bias.map(lambda b: b[:, 0]).estimate().p_values()
    apart = bias.map(lambda b: b[:, 0] - b[:, 1]).estimate()
    p = np.where(enough, apart.p_values(), 1.0)
    covered = [
        float((own[k] > LEVEL)[enough[k]].mean()) if enough[k].any() else None for k in range(len(members))
    ]
    rows: list[dict[str, Any]] = [
        {
            "by": column,
            "group": group,
            "n_people": int(member.sum()),
            "coverage": covered[k],
            "n_items": int(enough[k].sum()),
            "items_with_own_bias": int((p[k] * max(enough.sum(), 1) <= LEVEL).sum()),
            "p": float(min(1.0, p[k].min() * max(enough.sum(), 1))),
        }
        for k, ((column, group), member) in enumerate(members.items())
    ]
    known = [row for row in rows if row["coverage"] is not None]
    if not known:
        return unmeasured(COVERAGE, f"no item has {FEWEST} answers in a group and outside of it")
    lowest = min(known, key=lambda row: row["coverage"])
    k, j = np.unravel_index(int(np.argmin(p)), p.shape)
    return replace(
        COVERAGE,
        measure="share of items whose group mean of people lies in the interval of 95% of the twins' group mean "
        "(errors of both counted), mean over groups",
        value=float(np.mean([row["coverage"] for row in known])),
        baseline=0.95,
        baseline_measure="what intervals of 95% promise",
        p=any_of(p[enough]),
        rule="twin minus person in the group, minus the same among others, item by item: t test; the smallest p-value "
        "times the number of items and groups",
        fault=f"twins err otherwise for some groups: for {_name(rows[int(k)])}, {paired.items[int(j)]} is off by "
        f"{apart.value[k, j]:+.2f} sd more than for others; coverage is lowest for {_name(lowest)}: "
        f"{lowest['coverage']:.0%} of items at 95%",
        rows=rows,
    )

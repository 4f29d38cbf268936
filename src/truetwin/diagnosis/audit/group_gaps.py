"""Are groups of people as different among twins as among people, more alike, or stereotyped?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.diagnosis.audit.audit_check import Check, any_of, unmeasured, with_estimate
from truetwin.diagnosis.audit.left_out_people import Array, across_halves
from truetwin.diagnosis.audit.paired_answers import FEWEST, PairedAnswers

GAPS = Check(
    "group_gaps",
    "flattening",
    ("groups",),
    "Are groups as different among twins as among people (less: more alike; more: stereotyped)?",
)


def groups_of(paired: PairedAnswers, min_cell: int) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """Return the members of each group of people, (n,) each; without groups of fewer people than ``min_cell`` or 20."""
    found = {}
    for column, names in paired.people.items():
        for name in sorted({str(g) for g in names if g is not None}):
            member = np.array([g is not None and str(g) == name for g in names])
            if max(min_cell, FEWEST) <= member.sum() < len(member):
                found[column, name] = member
    return found


def gap_check(paired: PairedAnswers, members: Mapping[tuple[str, str], NDArray[np.bool_]]) -> Check:
    """Check the slope of twins' gaps on people's gaps, over all items and groups, and group by group."""
    if not members:
        return unmeasured(GAPS, "no groups of people were given (--by), or they are too small")
    human, twin = (_sums(z, paired, list(members.values())) for z in paired.numbers)

    def compare(h1: Array, h2: Array, t1: Array, t2: Array) -> Array:
        return np.stack([((t1 * h2).mean(axis=1) + (t2 * h1).mean(axis=1)) / 2, (h1 * h2).mean(axis=1)])

    products = across_halves(_gaps, compare, human, twin, paired.groups.in_first_half)
    total = products.map(lambda v: v.mean(axis=1)[0] - v.mean(axis=1)[1]).estimate()
    by_group = products.map(lambda v: v[0] - v[1]).estimate()
    differ = products.map(lambda v: v.mean(axis=1)[1]).estimate()
    if float(differ.p_values(side="above")) > 0.05:
        return unmeasured(GAPS, "people's groups do not differ enough for a comparison")
    twins, people = products.value.mean(axis=1)
    slope = float(twins / people)
    p_groups = by_group.p_values()
    way = "stereotyped" if slope > 1 else "more alike"
    rows: list[dict[str, Any]] = [
        {
            "by": column,
            "group": group,
            "n_people": int(member.sum()),
            "gap_slope": float(products.value[0, k] / products.value[1, k])
            if products.value[1, k] > 0
            else None,
            "p": float(min(1.0, p_groups[k] * len(members))),
        }
        for k, ((column, group), member) in enumerate(members.items())
    ]
    return with_estimate(
        replace(
            GAPS,
            measure="slope of twins' gaps (group minus others) on people's gaps, freed of sampling noise by two halves",
            value=slope,
            baseline=1.0,
            baseline_measure="people themselves",
            rule="mean product of gaps across halves, twins minus people, of all groups together and of each group: t "
            "tests against 0, the smallest p-value times their number",
            fault=f"groups are {way} among twins: their gaps are {slope:.2f} times people's",
            rows=rows,
        ),
        total,
        any_of(np.array([float(total.p_values()), any_of(p_groups)])),
    )


def _sums(z: Array, paired: PairedAnswers, members: list[NDArray[np.bool_]]) -> Array:
    """Sum answers and weights of each group and of its others, (n_groups_left_out, n_groups, 2, 2, m)."""
    found = []
    for member in members:
        sides = [paired.weighted_sums(np.where(side[:, None], z, np.nan)) for side in (member, ~member)]
        found.append(np.stack(sides, axis=1))
    return np.stack(found, axis=1)


def _gaps(sums: Array) -> Array:
    """Return group minus others by group and item; 0 where either has too few answers."""
    mean = sums[..., 0, :] / np.maximum(sums[..., 1, :], 1e-12)
    enough = (sums[..., 1, :] >= FEWEST / 4).all(axis=1)
    return np.asarray(np.where(enough, mean[:, 0] - mean[:, 1], 0.0))

"""Do twins change their answers with the order of the options, or with the wording, more than people do?

Items declare that they are variants of others (``variant_of`` in the item file). Answers are compared by their labels
where both items have the same labels, so that reversed options are no change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from truetwin.data import Item
from truetwin.diagnosis.audit.audit_check import Check, any_of, unmeasured
from truetwin.diagnosis.audit.left_out_people import Array, Estimate, PeopleGroups, Replicates
from truetwin.diagnosis.audit.paired_answers import FEWEST

VARIANTS = Check(
    "wording_variants",
    "flattening",
    ("shares and means",),
    "Do twins change their answers with the order of the options or the wording more than people do?",
)


@dataclass(frozen=True, eq=False)
class _Shift:
    """Change of one side's answers from an item to its variant, in shares of the scale's range.

    For a nominal item it is the change in the share of the item's commonest answer.
    """

    value: float
    standard_error: float
    same: float
    df: int
    n: int


def variant_check(human: Array, twin: Array, items: Mapping[str, Item], *, random_state: int = 0) -> Check:
    """Check whether answers to variants of an item differ.

    Parameters
    ----------
    human, twin : ndarray of shape (n, m)
        All answers, in the order of ``items``; people need not have answered variants.
    items : mapping from id to Item
    """
    places = {item: j for j, item in enumerate(items)}
    pairs = [(items[i.variant_of], i) for i in items.values() if i.variant_of in items and i.variant_of]
    if not pairs:
        return unmeasured(
            VARIANTS, "no item is declared as a variant of another (variant_of in the item file)"
        )
    groups = PeopleGroups.drawn(human.shape[0], random_state=random_state)
    rows: list[dict[str, Any]] = []
    p_values = []
    for base, variant in pairs:
        found = [
            _shift(
                side[:, places[base.id]],
                _relabelled(side[:, places[variant.id]], variant, base),
                base,
                groups,
            )
            for side in (twin, human)
        ]
        if found[0] is None:
            continue
        theirs = found[1]
        change = found[0].value - (theirs.value if theirs else 0.0)
        error = float(np.hypot(found[0].standard_error, theirs.standard_error if theirs else 0.0))
        p_values.append(float(Estimate(np.asarray(change), np.asarray(error), found[0].df).p_values()))
        rows.append(
            {
                "item": base.id,
                "variant": variant.id,
                "n_twins": found[0].n,
                "shift_twin": found[0].value,
                "shift_people": theirs.value if theirs else None,
                "same_answer_twin": found[0].same,
                "same_answer_people": theirs.same if theirs else None,
                "p": p_values[-1],
            }
        )
    if not rows:
        return unmeasured(
            VARIANTS, f"no variant was answered by {FEWEST} twins who answered the item as well"
        )
    worst = max(rows, key=lambda row: -row["p"])
    asked = any(row["shift_people"] is not None for row in rows)
    moved = sum(p * len(rows) <= 0.05 for p in p_values)
    return replace(
        VARIANTS,
        measure="mean absolute change of the mean answer from an item to its variant, in shares of the scale",
        value=float(np.mean([abs(row["shift_twin"]) for row in rows])),
        baseline=float(np.mean([abs(row["shift_people"] or 0.0) for row in rows])) if asked else 0.0,
        baseline_measure="the same among people" if asked else "no change: people were not asked variants",
        p=any_of(np.array(p_values)),
        rule="change of twins minus that of people (or 0), pair by pair: t test; the smallest p-value times the number "
        "of pairs",
        fault=f"answers depend on wording or order in {moved} of {len(rows)} pairs: from {worst['item']} to "
        f"{worst['variant']} twins move by {worst['shift_twin']:+.0%} of the scale; {worst['same_answer_twin']:.0%} "
        "give the same answer to both",
        rows=rows,
    )


def _relabelled(answers: Array, variant: Item, base: Item) -> Array:
    """Give answers to a variant the codes that their labels have in the item itself, where both have all labels."""
    if variant.scale is None or base.scale is None:
        return answers
    ours = {_folded(text): code for code, text in base.scale.labels.items()}
    theirs = {code: _folded(text) for code, text in variant.scale.labels.items()}
    if not ours or set(theirs.values()) != set(ours) or len(theirs) != len(ours):
        return answers
    found = np.full(answers.shape, np.nan)
    for code, text in theirs.items():
        found[answers == code] = ours[text]
    return found


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _shift(first: Array, second: Array, base: Item, groups: PeopleGroups) -> _Shift | None:
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < FEWEST:
        return None
    scale = base.scale
    low, high = (scale.low, scale.high) if scale is not None else (np.nan, np.nan)
    span = high - low if np.isfinite(high - low) and high > low else np.ptp(first[both])
    change = (second - first) / (span or 1.0)
    if scale is not None and scale.kind == "nominal":
        codes, counts = np.unique(first[both], return_counts=True)
        commonest = codes[np.argmax(counts)]
        change = (second == commonest).astype(float) - (first == commonest)
    sums = groups.sums(np.stack([np.where(both, change, 0.0), both.astype(float)], axis=1))
    estimate = Replicates.of(lambda s: s[0] / max(s[1], 1e-12), sums).estimate()
    return _Shift(
        float(estimate.value),
        float(estimate.standard_error),
        float((first[both] == second[both]).mean()),
        estimate.df,
        int(both.sum()),
    )

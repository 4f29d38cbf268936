"""Find faults of the twins' answers: constant answers, too little spread, wrong level and the like."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel
from truetwin.data.alike_answers import alike_in_words, modal_share
from truetwin.diagnosis.standardised_panel import Array

#: Thresholds from which a figure is called a fault: conventions, not estimates.
CONCENTRATED = 0.5  # sd of twins over sd of humans
LEVEL_BIAS = 0.5  # difference of means in human sds: a "medium" effect
MISSING = 0.2  # share of twins without an answer
POPULAR = 0.05  # a category that this share of humans chose and no twin did


def item_faults(panel: Panel, weights: Array | None = None) -> list[dict[str, Any]]:
    """List the faults of each item that twins have answered.

    With ``weights`` (n_respondents,), spreads, level and popular categories are those of the weighted people and of
    their twins.

    Human answers are compared where there are any, over the respondents whom both sources have. Values that need
    human answers are None for a new item.

    Returns
    -------
    list of dict
        One row an item: ``item``, ``n_human``, ``n_twin``, ``twin_missing`` (share), ``constant``, ``modal_share``,
        ``sd_ratio`` (twin over human), ``level_bias`` (twin mean minus human mean) with ``level_bias_standard_error``
        (paired) and ``level_bias_sd`` (in human sds), ``off_range`` (twin answers outside the range of the declared
        scale or, without one, of the human answers), ``unused`` (categories that at least 5% of humans chose and no
        twin), and ``faults`` in words.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> rows = item_faults(generate_population(100, 12, n_new_items=2, concentration=0.8).panel)
    >>> rows[0]["constant"], round(rows[0]["sd_ratio"], 1) < 0.5
    (False, True)
    """
    human, twin = panel.human_values, panel.twin_values
    twins = np.asarray(np.isfinite(twin).any(axis=1))
    return [
        _faults(item, human[:, j], twin[:, j], panel.source_values[:, :, j], twins, panel, weights)
        for j, item in enumerate(panel.item_ids)
        if item in set(panel.twin.item_ids)
    ]


def _faults(
    item: str,
    human: Array,
    twin: Array,
    sources: Array,
    twins: NDArray[np.bool_],
    panel: Panel,
    weights: Array | None,
) -> dict[str, Any]:
    answers, theirs = twin[np.isfinite(twin)], human[np.isfinite(human)]
    said = sources[np.isfinite(sources)]  # an average of sources is no answer that anybody gave
    # If a person was not asked the item, the twin's missing answer is no fault: only people with an answer count.
    asked = twins & np.isfinite(human) if theirs.size else twins
    row: dict[str, Any] = {
        "item": item,
        "n_human": int(theirs.size),
        "n_twin": int(answers.size),
        "twin_missing": float(1 - np.isfinite(twin[asked]).mean()) if asked.any() else None,
        "constant": bool(answers.size and np.ptp(answers) == 0),
        "modal_share": modal_share(said),
    }
    nominal = panel.scales[item].kind == "nominal"  # no spread, no level
    row |= _beside_humans(human, twin, weights) if theirs.size and answers.size and not nominal else {}
    counted = None if weights is None else weights[np.isfinite(human)]
    row |= _on_the_scale(item, theirs, said, panel, counted)
    return row | {"faults": _in_words(row)}


def _beside_humans(human: Array, twin: Array, weights: Array | None) -> dict[str, Any]:
    both = np.isfinite(human) & np.isfinite(twin)
    if weights is not None:
        both &= weights > 0
    if both.sum() < 3:
        return {}
    if weights is not None:
        return _weighted_beside_humans(human[both], twin[both], weights[both])
    difference, sd = twin[both] - human[both], float(human[both].std())
    return {
        "sd_ratio": float(twin[both].std() / sd) if sd else None,
        "level_bias": float(difference.mean()),
        "level_bias_standard_error": float(difference.std(ddof=1) / both.sum() ** 0.5),
        "level_bias_sd": float(difference.mean() / sd) if sd else None,
    }


def _weighted_beside_humans(human: Array, twin: Array, weights: Array) -> dict[str, Any]:
    """Compare spread and level with weights; the standard error is linearised, with every person as a cluster."""
    w = weights / weights.sum()
    difference = twin - human
    bias = float(w @ difference)
    sds = [float(np.sqrt(w @ (v - w @ v) ** 2)) for v in (human, twin)]
    n = human.size
    return {
        "sd_ratio": sds[1] / sds[0] if sds[0] else None,
        "level_bias": bias,
        "level_bias_standard_error": float(np.sqrt(n / (n - 1) * np.sum((w * (difference - bias)) ** 2))),
        "level_bias_sd": bias / sds[0] if sds[0] else None,
    }


def _on_the_scale(
    item: str, human: Array, twin: Array, panel: Panel, weights: Array | None
) -> dict[str, Any]:
    declared = panel.items[item].scale
    if not twin.size:
        return {"off_range": 0, "unused": []}
    low, high = -np.inf, np.inf
    if declared is not None:
        low, high = declared.low, declared.high
    elif human.size:
        low, high = float(human.min()), float(human.max())
    outside = (twin < low) | (twin > high)
    if declared is not None and declared.kind == "nominal":
        outside = ~declared.on_scale(twin)
    found: dict[str, Any] = {"off_range": int(outside.sum()), "unused": []}
    codes, position = np.unique(human, return_inverse=True)
    if human.size and codes.size <= 21:
        counts = np.bincount(position, weights)
        popular = codes[counts >= POPULAR * counts.sum()]
        chosen = (
            twin if declared is None else declared.snap(twin)
        )  # an expectation counts as the nearest answer
        found["unused"] = [float(c) for c in popular if not (chosen == c).any()]
    return found


def _in_words(row: dict[str, Any]) -> list[str]:
    if not row["n_twin"]:
        return ["no twin has answered it"]
    words = []
    if alike := alike_in_words(row["modal_share"], constant=row["constant"]):
        words.append(alike)
    ratio, bias = row.get("sd_ratio"), row.get("level_bias_sd")
    if ratio is not None and ratio < CONCENTRATED and not row["constant"]:
        words.append(f"twins differ {ratio:.2f} times as much as people")
    if ratio is not None and ratio > 1 / CONCENTRATED:
        words.append(f"twins differ {ratio:.1f} times as much as people")
    if bias is not None and abs(bias) > LEVEL_BIAS:
        words.append(f"twins answer {abs(bias):.1f} sd too {'high' if bias > 0 else 'low'}")
    if row["twin_missing"] is not None and row["twin_missing"] > MISSING:
        words.append(f"{row['twin_missing']:.0%} of the twins gave no answer")
    if row["off_range"]:
        words.append(f"{row['off_range']} twin answers outside the range that people use")
    if row["unused"]:
        words.append(f"no twin chose {', '.join(f'{c:g}' for c in row['unused'])}, which people do")
    return words

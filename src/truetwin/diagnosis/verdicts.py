r"""Verdict on each new item: calibrate, use the twin as it is, or do not trust.

The rule is learned on the panel's own answered items. Each of them is hidden in turn. Three figures can still be
computed: how well its twin answers follow from those to its donors (the other answered items), the correlation with
its nearest donor, and how well calibrated predictions and twins agree. They are compared with how well calibration
and the twins did. A small ridge regression of the two correlations on the three figures, and the answered siblings
(items of the same battery), then tell what to expect of a new item
(:mod:`truetwin.calibration.laws.item_expectation`). No threshold is fitted:

- *do not trust*: the better of the two expected correlations is below .1, Cohen's "small" effect (1% of the
  variance), or nothing can be learned, because all twins gave the same answer, or chance explains what the answered
  items show (:mod:`truetwin.diagnosis.beyond_chance`), or neither the method nor the twins did better on them than
  chance, where its record is known (their mean correlations are within two standard errors of 0);
- *use the twin*: calibration is expected to gain less than .005 in correlation, which would not show in the second
  decimal;
- *calibrate*: otherwise.

With fewer than eight answered items there are no expected correlations: *calibrate* if donors explain a tenth of how
the item's twins differ and chance does not explain what the answered items show; else *use the twin* if twins' answers
to these items go with people's, beyond chance and by .1 on average; else *do not trust*. Where people answered every
donor alike, nothing shows that twins know them: *do not trust*.

"Calibrated" means predicted from the answers to other items (fit-and-transfer), unless scores of another method, or
what its laws expect, are given. A method that also uses the item's own twins may beat both. Then *use the twin* says
only that other items alone tell less than the twin does.

The twins' own correlation with people can only be learned where some item like the target has been answered. In a
battery that is unlike all others, twins may be better than *do not trust* suggests; asking some people will show it.
For the same reason *use the twin* is said of a new battery only if calibration gains nothing on other batteries. On the
data tried, no figure that is known beforehand singles out a battery whose twins beat calibration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.laws.item_expectation import Expected, Positions, expect
from truetwin.diagnosis.beyond_chance import ERROR, Chance, chance, chance_without_each
from truetwin.diagnosis.span import Span, span
from truetwin.diagnosis.standardised_panel import Array, Prepared
from truetwin.diagnosis.track_record import agreement_of_new, left_out, left_out_twice, twin_scores

Verdict = Literal["calibrate", "use the twin", "do not trust"]
VERDICTS: tuple[Verdict, ...] = ("calibrate", "use the twin", "do not trust")
SMALL = 0.1
LEAST_GAIN = 0.005
MIN_TWIN_ANSWERS = 3
#: A mean over answered items is better than chance if it lies this many standard errors from 0.
CERTAIN = 2.0
MIN_GROUPS = 3
_SHOWN = 0.05


def item_verdicts(
    prepared: Prepared,
    scores: Array | None = None,
    battery_scores: Array | None = None,
    known_expectations: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """Give a verdict on each new item, with reasons in words.

    An item whose battery people have partly answered is judged by the record of items left out alone. An item of a
    new battery, or of none, is judged by the record of items left out together with their batteries.

    Parameters
    ----------
    prepared : Prepared
        The panel.
    scores : ndarray of shape (n_items,), optional
        Correlations with human answers that a method of the user's choice reached on the answered items, each hidden
        in turn, NaN where undefined; by default those of the conditional expectation.
    battery_scores : ndarray of shape (n_items,), optional
        Correlations with whole batteries hidden, for targets of new batteries. Where they are missing and there are
        batteries, verdicts on new batteries rest on the conditional expectation.
    known_expectations : mapping from item id to correlation, optional
        Expected correlations of calibrated predictions, where the laws of the method say them.
    """
    said = known_expectations or {}
    rows: list[dict[str, Any]] = []
    known = set(prepared.groups[prepared.donors].tolist())
    sibling = np.array([prepared.groups[j] in known for j in prepared.new], dtype=bool)
    everyone = np.arange(prepared.human.shape[1], dtype=np.intp)
    for new_battery, targets in ((False, prepared.new[sibling]), (True, prepared.new[~sibling])):
        if not targets.size:
            continue
        groups = prepared.groups if new_battery else everyone
        around = span(prepared, groups)
        record = left_out(prepared, groups)
        agreement = record.agreement.copy()
        agreement[targets] = agreement_of_new(prepared, targets)
        features = _features(around, agreement)
        reached = battery_scores if new_battery and len(known) < prepared.donors.size else scores
        twins = twin_scores(prepared)
        outcomes = np.column_stack([record.calibrated if reached is None else reached, twins])
        shown = chance(prepared, groups)
        own = _own_answers(shown, twins[prepared.donors])
        failed = _by_chance(outcomes, prepared.donors, prepared.groups)
        for j in targets:
            expected = expect(features, outcomes, prepared.donors, int(j), prepared.groups)
            law = said.get(prepared.panel.item_ids[j])
            if expected and law is not None:
                expected = replace(expected, calibrated=law)
            # a method whose law is known may do better than conditional expectations, whose record says nothing then
            judged = reached is not None or law is None
            doubts = _doubts(shown, failed if judged else "", expected)
            rows.append(_row(prepared, int(j), around, agreement[j], expected, new_battery, doubts, own))
    order = {j: k for k, j in enumerate(prepared.new.tolist())}
    return sorted(rows, key=lambda row: order[prepared.panel.item_ids.index(row["item"])])


def hidden_verdicts(prepared: Prepared, scores: Array | None = None) -> list[dict[str, Any]]:
    """Give the verdict that each *answered* item would get if nobody had answered it, beside the true outcome.

    Human answers to the item are hidden from every figure that its verdict rests on, also from the record of the
    other items. (With ``scores`` of another method this does not hold fully: the other items' scores were made with
    the item among their donors.)

    Returns
    -------
    list of dict
        ``item``, ``verdict``, ``expected_calibrated``, ``expected_twin``, and the true outcome: ``calibrated`` and
        ``twin``, correlations with the human answers.
    """
    groups = np.arange(prepared.human.shape[1], dtype=np.intp)
    around = span(prepared, groups)
    record, twin = left_out_twice(prepared), twin_scores(prepared)
    rows = []
    for h, shown in zip(prepared.donors, chance_without_each(prepared), strict=True):
        features = _features(around, record.agreement[:, h])
        calibrated = record.calibrated[:, h] if scores is None else scores
        outcomes = np.column_stack([calibrated, twin])
        expected = expect(features, outcomes, prepared.donors[prepared.donors != h], int(h), prepared.groups)
        failed = _by_chance(outcomes, prepared.donors[prepared.donors != h], prepared.groups)
        doubts = _doubts(shown, failed, expected)
        own = _own_answers(shown, twin[prepared.donors[prepared.donors != h]])
        row = _row(prepared, int(h), around, record.agreement[h, h], expected, False, doubts, own)
        rows.append(
            row | {"calibrated": float(calibrated[h]), "twin": float(twin[h]), "block": prepared.blocks[h]}
        )
    return rows


def record_summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Average the correlations of the answered items by the verdict that they would have got.

    Items of one battery are not independent. Every mean is therefore given over items and over batteries (each the
    mean of its items), with standard errors over batteries.
    """
    found = []
    for verdict in VERDICTS:
        here = [r for r in rows if r["verdict"] == verdict]
        row: dict[str, Any] = {"verdict": verdict, "n_items": len(here)}
        row["n_blocks"] = len({r.get("block", r["item"]) for r in here})
        for name in ("calibrated", "twin"):
            scored = [(r.get("block", r["item"]), r[name]) for r in here if np.isfinite(r[name])]
            members: dict[Any, list[float]] = {}
            for block, score in scored:
                members.setdefault(block, []).append(score)
            means = np.array([np.mean(each) for each in members.values()])
            row[name] = float(np.mean([score for _, score in scored])) if scored else None
            row[f"{name}_n"] = len(scored)
            row[f"{name}_by_block"] = float(means.mean()) if scored else None
            row[f"{name}_standard_error"] = (
                float(means.std(ddof=1) / means.size**0.5) if means.size > 1 else None
            )
        found.append(row)
    return found


def _features(around: Span, agreement: Array) -> Array:
    nearest = np.array([abs(near[0][1]) if near else np.nan for near in around.nearest])
    return np.column_stack([np.sqrt(np.maximum(around.r2, 0.0)), nearest, agreement])


def _row(
    prepared: Prepared,
    j: int,
    around: Span,
    agreement: float,
    expected: Expected | None,
    new_battery: bool,
    doubts: str,
    own: float,
) -> dict[str, Any]:
    answers = prepared.panel.twin_values[:, j]
    answers = answers[np.isfinite(answers)]
    others = prepared.human[:, prepared.donors[prepared.donors != j]]
    people_differ = bool(np.nan_to_num(others).any())
    verdict, why = _decide(answers, around.r2[j], expected, people_differ, doubts, own)
    ids = prepared.panel.item_ids
    near = [(ids[d], c) for d, c in around.nearest[j] if abs(c) >= _SHOWN]
    shown = ", ".join(f"{d} ({c:+.2f})" for d, c in near)
    r2 = float(around.r2[j])
    reasons = [why]
    if np.isfinite(r2):
        reasons.append(
            f"donors explain {max(r2, 0.0):.0%} of how twins differ on it; "
            + (f"nearest: {shown}" if shown else "no donor is related to it")
        )
    if np.isfinite(agreement):
        reasons.append(f"calibrated predictions and its twins agree at {agreement:+.2f}")
    if new_battery and (prepared.groups == prepared.groups[j]).sum() > 1:
        reasons.append("no item of its battery has human answers")
    return {
        "item": ids[j],
        "verdict": verdict,
        "expected_calibrated": expected.calibrated if expected else None,
        "expected_twin": expected.twin if expected else None,
        "twin_r2": r2 if np.isfinite(r2) else None,
        "span_distance": float(around.distance[j]) if np.isfinite(around.distance[j]) else None,
        "agreement": float(agreement) if np.isfinite(agreement) else None,
        "nearest": [d for d, _ in near],
        "new_battery": new_battery,
        "reasons": reasons,
    }


def _own_answers(shown: Chance, twins: Array) -> float:
    """Mean correlation of twins' answers with people's on the answered items; 0 where chance explains it."""
    known = twins[np.isfinite(twins)]
    return float(known.mean()) if known.size and shown.own <= ERROR / 2 else 0.0


def _doubts(shown: Chance, failed: str, expected: Expected | None) -> str:
    """Say so if chance explains what the answered items show, or how the method did on them; few say nothing of it."""
    if shown.explains:
        return shown.in_words()
    return failed if expected else ""


def _by_chance(outcomes: Array, record: Positions, groups: Positions) -> str:
    """Say so if neither calibration nor the twins did better than chance on the answered items, groups alike.

    Two items predict each other from the same answers, so that chance in a pair counts in both. The variance of the
    mean over calibrated items is therefore twice that of independent items.
    """
    told = []
    columns = outcomes[record].T
    for name, column, factor in zip(("calibrated", "as the twins are"), columns, (2.0, 1.0), strict=True):
        fine = np.isfinite(column)
        place, sizes = np.unique(groups[record][fine], return_inverse=True, return_counts=True)[1:]
        if sizes.size < MIN_GROUPS:
            return ""
        means = np.bincount(place, column[fine]) / sizes
        mean, error = float(means.mean()), float(means.std(ddof=1) * (factor / sizes.size) ** 0.5)
        if abs(mean) > CERTAIN * error:
            return ""
        told.append(f"{mean:.2f} {name}")
    return f"on the answered items neither did better than chance (mean correlation {', '.join(told)})"


def _decide(
    answers: NDArray[np.float64],
    r2: float,
    expected: Expected | None,
    people_differ: bool,
    doubts: str,
    own: float,
) -> tuple[Verdict, str]:
    if answers.size < MIN_TWIN_ANSWERS:
        return "do not trust", f"only {answers.size} twin answers: nothing to learn from"
    if np.ptp(answers) == 0:
        return "do not trust", f"all {answers.size} twins gave the same answer: nothing to learn from"
    if not people_differ:
        return "do not trust", "people answered every other item alike: nothing to learn from"
    if expected is None:
        why = "too few answered items to learn from, so judged by how its twins differ"
        if doubts:
            return "do not trust", f"{why}; {doubts}"
        if np.isfinite(r2) and r2 >= SMALL:
            return "calibrate", why
        if own >= SMALL:
            return "use the twin", f"{why}; their answers go with people's ({own:.2f} on average)"
        return "do not trust", why
    what = f"expected correlation {expected.calibrated:.2f} calibrated, {expected.twin:.2f} as the twins are"
    if max(expected.calibrated, expected.twin) < SMALL:
        return "do not trust", what
    if doubts:
        return "do not trust", doubts
    return ("use the twin" if expected.gain < LEAST_GAIN else "calibrate"), what

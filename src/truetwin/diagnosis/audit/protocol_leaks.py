"""Say whether twins were shown the answers that a protocol of evaluation hides."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from truetwin.data import Axis, Panel, ResponseMatrix
from truetwin.diagnosis.audit.audit_check import LEVEL
from truetwin.diagnosis.audit.paired_answers import PairedAnswers
from truetwin.diagnosis.audit.twin_leaks import (
    OwnAnswers,
    copy_check,
    new_people_check,
    own_answers,
    predicted_from_twins,
)
from truetwin.errors import DataError, NotPredictableError


def refuse_shown(panel: Panel, axis: Axis, shown: Collection[str] | None) -> list[dict[str, Any]]:
    """Refuse a protocol of which every target was shown to the twins; return the items that were shown otherwise.

    New respondents are no test at all if twins were shown any of the people's answers that are scored.

    Parameters
    ----------
    panel : Panel
    axis : {"item", "respondent"}
        What the protocol hides.
    shown : collection of item ids or None
        Items whose answers the personas showed.

    Raises
    ------
    NotPredictableError
        If no honest score is left.
    """
    answered = np.isfinite(np.stack([panel.human_values, panel.twin_values])).any(axis=1).all(axis=0)
    scored = [panel.item_ids[j] for j in np.flatnonzero(answered).tolist()]
    given = set(shown or ())
    leaked = [item for item in scored if item in given]
    if not leaked:
        return []
    if axis == "respondent":
        raise NotPredictableError(
            f"people are no new respondents if their twins were shown their answers; personas showed {len(leaked)} of "
            f"the {len(scored)} scored items, such as {leaked[0]!r}. Leave these items out of both tables, or evaluate "
            "items that were not shown (leave-one-item-out)."
        )
    if len(leaked) == len(scored):
        raise NotPredictableError(
            f"an evaluation needs items whose answers the twins were not shown; personas showed all {len(scored)} items"
        )
    return [{"source": None, "items": leaked, "why": "personas showed these answers", "declared": True}]


def suspected_leaks(panel: Panel, axis: Axis, retest: ResponseMatrix | None = None) -> list[dict[str, Any]]:
    """Find sources whose answers show that they were shown what the protocol hides; 5% for all sources together."""
    found: list[dict[str, Any]] = []
    scales = [panel.scales[i] for i in panel.item_ids]
    again = None if retest is None else retest.on_grid(panel.respondent_ids, panel.item_ids)
    people = panel.human_values
    own: OwnAnswers | None = None
    for name, values in zip(panel.source_names, panel.source_values, strict=True):
        try:
            paired = PairedAnswers.of(people, values, panel.item_ids, scales, retest=again)
            checks = [copy_check(paired)]
            if axis == "respondent":
                own = own or own_answers(PairedAnswers.of(people, people, panel.item_ids, scales))
                checks.append(new_people_check(paired, own, predicted_from_twins(paired)))
        except DataError:
            continue  # too few people or items to tell
        found += [
            {"source": name, "items": [row["item"] for row in c.rows], "why": c.fault, "declared": False}
            for c in checks
            if c.p is not None and c.p * len(checks) * len(panel.source_names) <= LEVEL
        ]
    return found


def leak_in_words(leak: dict[str, Any], protocol: str) -> str:
    """Say that scores under a protocol are spoilt, and by what."""
    who = "" if leak["source"] is None else f"{leak['source']}: "
    items = f" on {len(leak['items'])} items" if leak["items"] else ""
    return f"{who}scores under {protocol}{items} say nothing: {leak['why']}"

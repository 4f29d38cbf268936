"""Report section on predictions: what people would answer to the new items, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truetwin.data import Panel
from truetwin.data.human_marginals import twin_category_shares
from truetwin.evaluation import Evaluation
from truetwin.report.cited_cells import CellsOf, pointer
from truetwin.report.figures.calibration_figures import (
    MOST_ITEMS,
    expectation_figure,
    ratio_figure,
    shares_grid,
)
from truetwin.report.figures.theme import MOST_PANELS
from truetwin.report.page import Field, Picture, Section, Table

#: The file beside the report, and where it keeps what laws tell of a target.
FILE = "predictions.json"
IN_LAWS = {
    "low": ("expected_correlation", 0),
    "expected": ("expected_correlation", 1),
    "high": ("expected_correlation", 2),
    "level": ("mean",),
    "spread": ("sd",),
}
TARGET_FIELDS = (
    Field("target", "target"),
    Field("axis", "a new"),
    Field("n_predicted", "predicted", "d"),
    Field("n_unpredicted", "not predicted", "d"),
    Field("expected", "expected correlation", ".3f"),
    Field("low", "from", ".3f"),
    Field("high", "to", ".3f"),
    Field("level", "mean answer", ".2f"),
    Field("spread", "sd", ".2f"),
    Field("situation", "situation"),
    Field("reason", "note"),
)


def calibration_section(
    sidecar: Mapping[str, Any], shares: Sequence[Mapping[str, Any]], evaluation: Evaluation | None
) -> Section:
    """Show the predictions per target with their expected quality, example shares, and how much variance is kept.

    Parameters
    ----------
    sidecar : mapping
        The JSON that `calibrate` writes beside its predictions.
    shares : sequence of {"item", "category", "calibrated", "twin"}
        Category shares of new items, see :func:`new_item_shares`.
    evaluation : Evaluation, optional
        Evaluation from which the variance ratios are taken, if it has them.
    """
    method = sidecar["method"]
    rows = [{**record, **_law(sidecar, record["target"])} for record in sidecar["targets"]]
    known = [
        {"item": row["target"], "expected": row["expected"], "low": row["low"], "high": row["high"]}
        for row in rows
        if row.get("expected") is not None
    ]
    texts = [f"Method: {method}. Every value is a prediction by a model, not an answer that anybody gave."]
    if "sample" in sidecar.get("inputs", ()):
        texts.append(
            "The sample's answers count in the estimates, not in these predictions, so that their means differ."
        )
    fields, pictures = list(TARGET_FIELDS), list[Picture]()
    if len({(row["expected"], row["low"], row["high"]) for row in known}) == 1 and len(known) > 1:
        texts.append(_same_expectation(known))
        fields = [f for f in fields if f.name not in ("expected", "low", "high")]
    elif known:
        pictures.append(_expectations(known))
    blocks: list[Table | Picture] = [
        Table("Predicted targets", fields, rows, cells=CellsOf(FILE, _cell)),
        *pictures,
    ]
    if shares:
        blocks.append(_shares(shares))
    if evaluation is not None:
        blocks += _ratios(evaluation, method)
    return Section("Predictions", texts, blocks)


def _cell(place: int, row: Mapping[str, Any], field: str) -> str:
    """Point to a number of a target: of its law, or of what is noted of it."""
    law = IN_LAWS.get(field)
    return pointer("laws", row["target"], *law) if law else pointer("targets", place, field)


def _shares(rows: Sequence[Mapping[str, Any]]) -> Picture:
    n = len({row["item"] for row in rows})
    drawn = f"The first {MOST_PANELS} of {n} are drawn; the data has all." if n > MOST_PANELS else ""
    return Picture(
        "predicted-shares",
        shares_grid(rows),
        f"New items: predicted shares of the categories ({rows[0]['n']} people), and the twins' own. {drawn}".strip(),
        rows,
    )


def _same_expectation(known: Sequence[Mapping[str, Any]]) -> str:
    first = known[0]
    return (
        f"Going by answered items, each hidden in turn, the predictions of any of the {len(known)} new items should "
        f"correlate {first['expected']:.2f} with people's answers (90% interval {first['low']:z.2f} to "
        f"{first['high']:z.2f}); the verdicts below tell the items apart."
    )


def _expectations(known: Sequence[Mapping[str, Any]]) -> Picture:
    cut = f" The {MOST_ITEMS} highest and lowest are drawn." if len(known) > MOST_ITEMS else ""
    return Picture(
        "expectations",
        expectation_figure(known),
        f"Expected correlation of the predictions with people's answers, and its 90% interval, for {len(known)} new "
        f"items, learned from answered items that were hidden in turn.{cut}",
        known,
    )


def new_item_shares(
    sidecar: Mapping[str, Any], panel: Panel, weights: NDArray[np.float64] | None = None
) -> list[dict[str, Any]]:
    """Return the predicted share of each category of the new items, beside the share of twins that chose it.

    Parameters
    ----------
    sidecar : mapping
        The JSON that `calibrate` writes beside its predictions; shares are in it if intervals are.
    panel : Panel
        Panel from which the twins' answers and the labels are taken.
    weights : ndarray of shape (n_respondents,), optional
        Survey weights with which the predictions were made.
    """
    rows = []
    for item, law in sidecar.get("laws", {}).items():
        scale = panel.scales[item]
        labels = scale.labels
        twin = twin_category_shares(panel, item, weights)
        for code, share in law.get("shares", {}).items():
            rows.append(
                {
                    "item": item,
                    "category": labels.get(float(code), code),
                    "calibrated": share,
                    "twin": twin.get(float(code)),
                    "n": law["n"],
                }
            )
    return rows


def _law(sidecar: Mapping[str, Any], target: str) -> dict[str, Any]:
    law = sidecar.get("laws", {}).get(target)
    if law is None:
        return {}
    low, expected, high = law.get(
        "expected_correlation", (None, None, None)
    )  # nominal items have no correlation
    return {
        "expected": expected,
        "low": low,
        "high": high,
        "level": law.get("mean"),
        "spread": law.get("sd"),
    }


def _ratios(evaluation: Evaluation, method: str) -> list[Picture]:
    names = {"twins as they are": "twin", f"calibrated ({method})": method}
    if not all((source, "variance-ratio") in evaluation.scores for source in names.values()):
        return []
    ratios = {label: evaluation.scores[source, "variance-ratio"] for label, source in names.items()}
    data = [
        {"item": item, **{label: float(values[k]) for label, values in ratios.items()}}
        for k, item in enumerate(evaluation.target_ids)
    ]
    return [
        Picture(
            "variance-ratios",
            ratio_figure({label: values.tolist() for label, values in ratios.items()}),
            "How much of people's variance the answers keep, over hidden items. Point predictions vary less than "
            "people do, since they leave out what cannot be predicted; the category shares and intervals put it back.",
            data,
        )
    ]

"""Report section on the evaluation: what calibration gained where the truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from truetwin.evaluation import Evaluation
from truetwin.evaluation.target_gains import target_rows
from truetwin.evaluation.threshold_sweep import ThresholdSweep
from truetwin.report.figures.calibration_figures import shares_figure
from truetwin.report.figures.evaluation_figures import method_figure, target_figure
from truetwin.report.figures.threshold_figure import threshold_figure
from truetwin.report.page import Field, Picture, Section, Table

SUMMARY_FIELDS = (
    Field("method", "method"),
    Field("mean", "mean", ".3f"),
    Field("standard_error", "SE", ".3f"),
    Field("n_scored", "n", "d"),
    Field("n_unscored", "unscored", "d"),
    Field("difference", "gain", "+.3f"),
    Field("difference_standard_error", "SE of gain", ".3f"),
    Field("n_paired", "n paired", "d"),
)
TARGET_FIELDS = (
    Field("target", "target"),
    Field("twin", "twin", ".3f"),
    Field("calibrated", "calibrated", ".3f"),
    Field("calibrated_low", "95% from", ".3f"),
    Field("calibrated_high", "to", ".3f"),
    Field("gain", "gain", "+.3f"),
    Field("n_answers", "answers", "d"),
    Field("reason", "not scored because"),
)
CHOICE_FIELDS = (
    Field("choice", "threshold"),
    Field("threshold", "at (median)", ".3f"),
    Field("mean", "mean", ".3f"),
    Field("standard_error", "SE", ".3f"),
    Field("share_calibrated", "share calibrated", ".2f"),
    Field("n_items", "n", "d"),
)
PROTOCOLS = {
    "leave-one-item-out": "every answered item was hidden in turn; other items of its battery stayed",
    "leave-block-out": "every battery of items was hidden as a whole in turn, as for a new questionnaire",
    "leave-one-respondent-out": "every respondent was hidden in turn, as for a person who has answered nothing",
}


def evaluation_section(
    evaluation: Evaluation, method: str, *, metric: str = "pearson", key: str = ""
) -> Section:
    """Compare the methods, and show each target with and without calibration."""
    protocol = str(evaluation.settings["protocol"])
    rows = [row for row in evaluation.summary("twin") if row["metric"] == metric]
    targets = target_rows(evaluation, method, metric=metric)
    n = sum(1 for row in targets if row["gain"] == row["gain"])
    unit = "respondents" if "respondent" in protocol else "items"
    name = f"{protocol}{key}"
    blocks: list[Table | Picture] = [
        Table(
            f"Methods ({protocol})",
            SUMMARY_FIELDS,
            rows,
            f"Mean {metric} correlation over {unit}. A score that is undefined counts as unscored: it is left "
            f"out of the mean, and not taken as zero.",
        ),
        Picture(
            f"methods-{name}",
            method_figure(rows),
            f"Gain of every method over the twin, paired by {unit[:-1]} (n as in the table), with 95% intervals; "
            f"grey where the interval holds zero.",
            rows,
        ),
        Picture(
            f"targets-{name}",
            target_figure(targets),
            f"Correlation of calibrated predictions ({method}) and of twins with hidden human answers: {n} of "
            f"{len(targets)} {unit}, each with its 95% interval; above the line, calibration helped.",
            targets,
        ),
        Table(f"Each {unit[:-1]} ({protocol})", TARGET_FIELDS, targets),
    ]
    return Section(
        f"What calibration gained: {protocol}",
        (
            f"{PROTOCOLS[protocol].capitalize()}. What was hidden is predicted and compared with the real answers.",
        ),
        blocks,
    )


def examples_section(rows: Sequence[Mapping[str, Any]]) -> Section:
    """Show the shares of a few hidden items; ``rows`` have item, category, human, calibrated, twin and n."""
    blocks: list[Table | Picture] = []
    for item in dict.fromkeys(row["item"] for row in rows):
        here = [row for row in rows if row["item"] == item]
        blocks.append(
            Picture(
                f"example-{len(blocks) + 1}",
                shares_figure(here, item),
                f"Shares of {here[0]['n']} people's answers, of their calibrated predictions (auto, mean probability "
                f"of each category), and of their twins' answers. Standard errors of people's shares are at most "
                f"{0.5 / max(here[0]['n'], 1) ** 0.5:.3f}.",
                here,
            )
        )
    text = (
        "Answered items at even distances in the order of the table, not picked by how well they come out. Each was "
        "hidden before its shares were predicted."
    )
    return Section(
        "Example items", (text if blocks else "No ordinal item could be hidden and predicted.",), blocks
    )


def thresholds_section(records: Mapping[str, Mapping[str, Any]]) -> Section:
    """Show adaptive transfer at every threshold.

    A record is a threshold sweep as JSON, or says why there is none.
    """
    texts, blocks = [], list[Table | Picture]()
    for method, record in records.items():
        if "impossible" in record:
            texts.append(f"{method}: {record['impossible']}")
            continue
        sweep = ThresholdSweep(
            record["method"],
            tuple(record["item_ids"]),
            tuple(record["blocks"]),
            *(np.asarray(record[name], dtype=float) for name in ("errors", "calibrated", "twin")),
        )
        blocks += [
            Picture(
                f"thresholds-{method}",
                threshold_figure([sweep]),
                f"Adaptive transfer with {method}: an item is calibrated if its training error on the twins is below "
                f"the threshold. Mean correlation over {len(sweep.item_ids)} items hidden in turn, band of one "
                f"standard error. The top of the curve is found in hindsight and is no estimate of what a new item "
                f"gains; the horizontal lines are what can be had.",
                sweep.rows(),
            ),
            Table(f"Ways to choose the threshold ({method})", CHOICE_FIELDS, sweep.summary()),
        ]
    return Section("Calibrating only where twins are well explained", texts, blocks)

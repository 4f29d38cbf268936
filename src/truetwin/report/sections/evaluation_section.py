"""Report section on the evaluation: what calibration gained where the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from truetwin.diagnosis.audit.protocol_leaks import leak_in_words
from truetwin.evaluation import Evaluation
from truetwin.evaluation.group_scores import spread_rows
from truetwin.evaluation.metric_names import meaning_of
from truetwin.evaluation.score_summary import batteries_tell_another_story
from truetwin.evaluation.target_gains import target_rows
from truetwin.evaluation.threshold_sweep import ThresholdSweep
from truetwin.report.cited_cells import CellsOf, Row, pointer
from truetwin.report.figures.calibration_figures import shares_figure
from truetwin.report.figures.evaluation_figures import method_figure, target_figure
from truetwin.report.figures.threshold_figure import threshold_figure
from truetwin.report.page import Field, Picture, Section, Table

SUMMARY_FIELDS = (
    Field("method", "method"),
    Field("common_mean", "mean", ".3f"),
    Field("common_difference", "gain", "+.3f"),
    Field("common_difference_standard_error", "SE", ".3f"),
    Field("zero_mean", "as 0", ".3f"),
    Field("zero_difference", "gain", "+.3f"),
    Field("zero_difference_standard_error", "SE", ".3f"),
    Field("n_unscored", "undefined", "d"),
    Field("battery_difference", "by battery", "+.3f"),
    Field("battery_difference_standard_error", "SE", ".3f"),
    Field("difference", "both score", "+.3f"),
    Field("difference_standard_error", "SE", ".3f"),
    Field("n_paired", "n", "d"),
)
OTHER_FIELDS = (
    Field("metric", "score"),
    Field("method", "method"),
    Field("common_mean", "mean", ".3f"),
    Field("common_difference", "minus twin", "+.3f"),
    Field("common_difference_standard_error", "SE", ".3f"),
    Field("n_common", "n", "d"),
    Field("zero_mean", "as 0", ".3f"),
    Field("n_unscored", "undefined", "d"),
)
GROUP_FIELDS = (
    Field("method", "method"),
    Field("group", "group"),
    Field("n_people", "people", "d"),
    Field("mean", "mean", ".3f"),
    Field("standard_error", "SE", ".3f"),
    Field("difference", "from the mean of groups", "+.3f"),
    Field("difference_standard_error", "SE", ".3f"),
)
SPREAD_FIELDS = (
    Field("method", "method"),
    Field("highest", "highest"),
    Field("lowest", "lowest"),
    Field("spread", "highest minus lowest", ".3f"),
    Field("chance_spread", "by chance up to", ".3f"),
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
    "leave-domain-out": "every domain (subject, survey) was hidden as a whole in turn, and predicted from the others",
    "leave-one-respondent-out": "every respondent was hidden in turn, as for a person who has answered nothing",
}


def evaluation_section(
    evaluation: Evaluation, method: str, *, metric: str = "pearson", file: str = ""
) -> Section:
    """Compare the methods, and show each target with and without calibration.

    ``file`` holds the record of the evaluation with its summary, if one does.
    """
    protocol = str(evaluation.settings["protocol"])
    summary = evaluation.summary("twin")
    rows = [row for row in summary if row["metric"] == metric]
    others = [row for row in summary if row["metric"] != metric]
    cells = CellsOf(file, _of_summary(summary)) if file else None
    targets = target_rows(evaluation, method, metric=metric)
    n = sum(1 for row in targets if row["gain"] == row["gain"])
    unit = "respondents" if "respondent" in protocol else "items"
    blocks: list[Table | Picture] = [
        Table(f"Methods ({protocol})", _fields(rows), rows, _methods_in_words(rows, metric, unit), cells),
        Picture(
            f"methods-{protocol}",
            method_figure(rows),
            f"Gain of every method over the twin, with 95% intervals: on the {unit} that every method scores, and on "
            f"all {unit} with an undefined score counted as 0; grey where the interval holds zero.",
            rows,
        ),
        Picture(
            f"targets-{protocol}",
            target_figure(targets),
            f"Correlation of calibrated predictions ({method}) and of twins with hidden human answers: {n} of "
            f"{len(targets)} {unit}, each with its 95% interval; above the line, calibration helped.",
            targets,
        ),
        *_other_scores(others, protocol, cells),
        *_group_tables(evaluation, metric),
        Table(
            f"Each {unit[:-1]} ({protocol})",
            TARGET_FIELDS,
            targets,
            cells=CellsOf(file, _of_scores(evaluation, method, metric)) if file else None,
        ),
    ]
    return Section(
        f"What calibration gained: {protocol}",
        (
            f"{PROTOCOLS[protocol].capitalize()}. What was hidden is predicted and compared with the real answers.",
            *(f"Warning: {leak_in_words(leak, protocol)}." for leak in evaluation.settings.get("leaks", ())),
        ),
        blocks,
    )


def _fields(rows: Sequence[Mapping[str, Any]]) -> tuple[Field, ...]:
    """Leave out the columns on batteries where every target is a cluster of its own."""
    if any(row["n_clusters"] < row["n_scored"] for row in rows):
        return SUMMARY_FIELDS
    return tuple(field for field in SUMMARY_FIELDS if not field.name.startswith("battery"))


def _methods_in_words(rows: Sequence[Mapping[str, Any]], metric: str, unit: str) -> str:
    """Say over which targets the means are, and what their standard errors are clustered by."""
    n = max(row["n_scored"] + row["n_unscored"] for row in rows)
    common = max((row.get("n_common", 0) for row in rows), default=0)
    clusters = max(row["n_clusters"] for row in rows)
    by = rows[0].get("clustered_by") or unit[:-1]
    others = [row["method"] for row in rows if batteries_tell_another_story(row)]
    story = (
        f" For {', '.join(others)}, counting every battery once leads to another conclusion than counting every item "
        f"once."
        if others
        else ""
    )
    batteries = " By battery: the first gain with every battery counted once." if by == "battery" else ""
    return (
        f"Mean {metric} correlation with hidden answers, and gain over the twin: on the {common} of {n} {unit} that "
        f"every method has a score for; as 0: on all {unit}, an undefined score counted as 0; both score: on those "
        f"that this method and the twin have a score for.{batteries} Standard errors (SE) are clustered by {by} "
        f"({clusters} in all).{story}"
    )


def _of_scores(evaluation: Evaluation, method: str, metric: str) -> Callable[[int, Row, str], str]:
    """Point to the scores of each target; gains and intervals are worked out of them."""
    numbers = {key: k for k, key in enumerate(evaluation.scores)}
    baseline = str(evaluation.settings.get("baseline", "twin"))
    scores = {"twin": numbers[baseline, metric], "calibrated": numbers[method, metric]}

    def cell(place: int, row: Row, field: str) -> str:
        if field == "n_answers":
            return pointer("n_answers", method, place)
        return pointer("scores", scores[field], "values", place) if field in scores else ""

    return cell


def _of_summary(summary: Sequence[Row]) -> Callable[[int, Row, str], str]:
    """Point to the row of a method and a metric in the summary."""
    places = {(row["method"], row["metric"]): place for place, row in enumerate(summary)}
    return lambda place, row, field: pointer("summary", places[row["method"], row["metric"]], field)


def _other_scores(
    rows: Sequence[Mapping[str, Any]], protocol: str, cells: CellsOf | None
) -> list[Table | Picture]:
    """List the scores by other metrics, if there are any, and say what each measures."""
    if not rows:
        return []
    said = [
        f"{name}: {about}."
        for name in dict.fromkeys(row["metric"] for row in rows)
        if (about := meaning_of(name))
    ]
    text = f"Means over the targets that every method has a score for. {' '.join(said)}"
    ordered = sorted(rows, key=lambda row: str(row["metric"]))
    return [Table(f"Other scores ({protocol})", OTHER_FIELDS, ordered, text, cells)]


def _group_tables(evaluation: Evaluation, metric: str) -> list[Table | Picture]:
    """Compare groups of people, and say how large a spread between them chance explains."""
    groups, spreads = evaluation.by_group(), spread_rows(evaluation)
    tables: list[Table | Picture] = []
    for by in dict.fromkeys(row["by"] for row in groups):
        shown, between = (
            [row for row in rows if (row["by"], row["metric"]) == (by, metric) and not row.get("suppressed")]
            for rows in (groups, spreads)
        )
        n = max((row["n_common"] for row in shown), default=0)
        small = sorted({row["group"] for row in groups if row["by"] == by and row.get("suppressed")})
        left = f" Groups that are too small to be shown: {', '.join(small)}." if small else ""
        tables += [
            Table(
                f"Groups: {by}",
                GROUP_FIELDS,
                shown,
                f"Mean {metric} correlation among the people of each group, on the {n} items that every group has a "
                f"score for.{left}",
            ),
            Table(
                f"Spread between groups: {by}",
                SPREAD_FIELDS,
                between,
                "Groups that do not differ would exceed the last column once in twenty times.",
            ),
        ]
    return tables


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

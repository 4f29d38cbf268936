"""Print tables of an evaluation: methods side by side on the same targets, groups of people, and what was not scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from truetwin.cli.output import Column, note, print_table

if TYPE_CHECKING:
    from truetwin.evaluation import Evaluation

Row = Mapping[str, Any]
#: Digits for scores below 10; larger ones are on a scale of their own, where these digits mean little.
SMALL = ".3f"
#: With fewer clusters, a standard error is hardly known itself.
FEW_CLUSTERS = 10
PLURALS = {"battery": "batteries"}


def print_evaluation(result: Evaluation) -> None:
    """Print one table a metric, the groups of people, and the reasons why some targets could not be scored."""
    rows = result.summary()
    for metric in dict.fromkeys(row["metric"] for row in rows):
        here = [row for row in rows if row["metric"] == metric]
        print_table(here, _columns(here), title=_title(result, metric, here))
    for text in (*_about_errors(rows), *_other_stories(rows)):
        note(text)
    if result.group_scores:
        _print_groups(result)
    _note_unscored(result)


def plural(unit: str, n: int) -> str:
    """Count units in words.

    Examples
    --------
    >>> plural("battery", 2)
    '2 batteries'
    """
    return f"{n} {unit if n == 1 else PLURALS.get(unit, f'{unit}s')}"


def _title(result: Evaluation, metric: str, rows: Sequence[Row]) -> str:
    """Say over which targets the means of a table are."""
    n = rows[0]["n_scored"] + rows[0]["n_unscored"]
    axis = "respondent" if "respondent" in str(result.settings.get("protocol")) else "item"
    common = max((row.get("n_common", 0) for row in rows), default=0)
    baseline = result.settings.get("baseline")
    where = f"all {plural(axis, n)}" if common == n else f"the {common} of {plural(axis, n)} that all methods score"
    lines = [f"{metric}, {result.settings.get('protocol')}", f"mean, gain over {baseline!r}: on {where}"]
    if any(row.get("zero_mean") is not None for row in rows):
        counted = max(row.get("n_zero", 0) for row in rows)
        lines.append(f"as 0: undefined scores counted as 0, on {plural(axis, counted)}")
    return "\n".join(lines)


def _columns(rows: Sequence[Row]) -> list[Column]:
    style = ".1f" if any(abs(row.get("common_mean") or 0.0) >= 1000 for row in rows) else SMALL
    columns = [
        Column("method", "method"),
        Column("common_mean", "mean", style),
        Column("common_standard_error", "SE", style, optional=True),
        Column("common_difference", "gain", f"+{style}"),
        Column("common_difference_standard_error", "SE", style),
        Column("n_unscored", "undef.", "d"),
    ]
    if any(row["n_unscored"] for row in rows):
        columns += [
            Column("zero_mean", "as 0", style),
            Column("zero_difference", "gain", f"+{style}", optional=True),
            Column("zero_difference_standard_error", "SE", style, optional=True),
        ]
    if any(row["n_clusters"] < row["n_scored"] for row in rows):
        columns += [
            Column("battery_mean", "by battery", style, optional=True),
            Column("battery_difference", "gain", f"+{style}", optional=True),
        ]
    return columns


def _about_errors(rows: Sequence[Row]) -> list[str]:
    """Say what standard errors are clustered by, and over how many clusters."""
    unit = rows[0].get("clustered_by") or "target"
    counts = sorted({row.get("n_common_clusters") or 0 for row in rows} - {0})
    if not counts:
        return []
    said = plural(unit, counts[0]) if len(counts) == 1 else f"{counts[0]} to {plural(unit, counts[-1])}"
    few = "; few, so that the errors themselves are uncertain" if counts[0] < FEW_CLUSTERS else ""
    return [f"standard errors (SE) are clustered by {unit}: {said}{few}"]


def _other_stories(rows: Sequence[Row]) -> list[str]:
    """Name the methods for which a mean over batteries leads to another conclusion than the mean over items."""
    from truetwin.evaluation.score_summary import batteries_tell_another_story

    return [
        f"{row['method']}: {row['metric']} tells another story by battery: gain {row['common_difference']:+.3f} (SE "
        f"{row['common_difference_standard_error']:.3f}) over items, {row['battery_difference']:+.3f} (SE "
        f"{row['battery_difference_standard_error']:.3f}) over batteries, each counted once"
        for row in rows
        if batteries_tell_another_story(row)
    ]


def _print_groups(result: Evaluation) -> None:
    """Print the scores of groups of people, and the spread between groups."""
    from truetwin.evaluation.group_scores import group_rows, spread_rows

    rows, spreads = group_rows(result), spread_rows(result)
    for by, metric in dict.fromkeys((row["by"], row["metric"]) for row in rows):
        here = [row for row in rows if (row["by"], row["metric"]) == (by, metric)]
        shown = [row for row in here if not row.get("suppressed")]
        n = max((row["n_common"] for row in shown), default=0)
        columns = [
            Column("method", "method"),
            Column("group", by, foldable=True),
            Column("n_people", "people", "d"),
            Column("mean", metric, SMALL),
            Column("standard_error", "SE", SMALL, optional=True),
            Column("difference", "from mean", f"+{SMALL}"),
            Column("difference_standard_error", "SE", SMALL),
        ]
        title = f"{metric} by {by}, on the {plural('item', n)} that every group has a score for"
        print_table(_named_once(shown), columns, title=title)
        between = [row for row in spreads if (row["by"], row["metric"]) == (by, metric)]
        spread_columns = [
            Column("method", "method"),
            Column("highest", "highest", foldable=True, optional=True),
            Column("lowest", "lowest", foldable=True, optional=True),
            Column("spread", "spread", SMALL),
            Column("chance_spread", "by chance", SMALL),
        ]
        print_table(
            between, spread_columns, title="spread: highest minus lowest; by chance: exceeded once in twenty if none"
        )
        small = sorted({str(row["group"]) for row in here if row.get("suppressed")})
        if small:
            note(f"not shown, fewer than {result.settings.get('min_cell')} people: {', '.join(small)}")


def _named_once(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Leave the method's name out where it is that of the row above."""
    found, last = [], None
    for row in rows:
        found.append({**row, "method": None if row["method"] == last else row["method"]})
        last = row["method"]
    return found


def _note_unscored(result: Evaluation) -> None:
    """Say which targets have no prediction or no score, and why."""
    for method, reasons in result.reasons.items():
        counts: dict[str, list[str]] = {}
        for target, why in reasons.items():
            counts.setdefault(why, []).append(target)
        for why, targets in list(counts.items())[:5]:
            more = f", ... ({len(targets)} in all)" if len(targets) > 3 else ""
            note(f"{method}: not predicted: {', '.join(targets[:3])}{more}: {why}")
    for method, stopped in result.unconverged.items():
        if stopped:
            note(
                f"{method}: the solver stopped before it met its tolerance for {len(stopped)} targets (such as "
                f"{stopped[0]!r})"
            )
    for (method, metric), scores in result.scores.items():
        undefined = [
            target
            for target, score in zip(result.target_ids, scores.tolist(), strict=True)
            if score != score and target not in result.reasons[method]
        ]
        if undefined:
            note(
                f"{method}: {metric} is undefined for {len(undefined)} targets with predictions (such as "
                f"{undefined[0]!r}): constant or too few values, or not defined for this kind of target"
            )

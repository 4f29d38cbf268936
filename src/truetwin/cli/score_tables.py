"""Print an evaluation: methods side by side on the same targets, groups of people, and what was not scored."""

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
#: Most lines on targets without a score.
MOST_NOTES = 8
PLURALS = {"battery": "batteries"}


def print_evaluation(result: Evaluation) -> None:
    """Print one table a metric, the groups of people, and the reasons why some targets could not be scored."""
    rows = result.summary()
    for metric in dict.fromkeys(row["metric"] for row in rows):
        here = [row for row in rows if row["metric"] == metric]
        print_table(here, _columns(here), title=_title(result, metric, here))
    for text in (*_about_errors(rows), *_undefined_counts(rows), *_other_stories(rows)):
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
    where = (
        f"all {plural(axis, n)}"
        if common == n
        else f"the {common} of {plural(axis, n)} that every method scores"
    )
    lines = [
        f"{metric}, {result.settings.get('protocol')}, "
        f"{'gains over' if _is_skill(metric) else 'differences from'} {result.settings.get('baseline')!r}",
        f"mean: on {where}",
    ]
    if _has_undefined(rows):
        counted = max(row["n_zero"] for row in rows)
        lines.append(f"as 0: on {plural(axis, counted)}, an undefined score taken as 0")
    return "\n".join(lines)


def _is_skill(metric: str) -> bool:
    """Tell whether a larger score is a better one, and 0 stands for no skill at all."""
    from truetwin.evaluation.score_summary import declared_metric

    declared = declared_metric(metric)
    return declared is not None and declared.undefined_as is not None


def _has_undefined(rows: Sequence[Row]) -> bool:
    """Tell whether undefined scores can be counted as 0, and there are some."""
    return any(row["n_scored"] < row.get("n_zero", 0) for row in rows)


def _columns(rows: Sequence[Row]) -> list[Column]:
    change = "gain" if _is_skill(str(rows[0]["metric"])) else "diff."
    style = ".1f" if any(abs(row.get("common_mean") or 0.0) >= 1000 for row in rows) else SMALL
    columns = [
        Column("method", "method"),
        Column("common_mean", "mean", style),
        Column("common_standard_error", "SE", style, optional=True),
        *_as_correlation(str(rows[0]["metric"])),
        Column("common_difference", change, f"+{style}"),
        Column("common_difference_standard_error", "SE", style),
    ]
    if _has_undefined(rows):
        columns += [
            Column("zero_mean", "as 0", style),
            Column("n_scored", "n", "d", optional=True),
            Column("zero_difference", change, f"+{style}", optional=True),
            Column("zero_difference_standard_error", "SE", style, optional=True),
        ]
    else:
        columns.append(Column("n_scored", "n", "d"))
    if any(row["n_clusters"] < row["n_scored"] for row in rows):
        columns += [
            Column("battery_difference", "by battery", f"+{style}", optional=True),
            Column("battery_difference_standard_error", "SE", style, optional=True),
        ]
    return columns


def _as_correlation(metric: str) -> list[Column]:
    """Return the column that takes a mean of Fisher's z back to a correlation."""
    from truetwin.evaluation.score_summary import declared_metric

    declared = declared_metric(metric)
    is_z = declared is not None and declared.is_fisher_z
    return [Column("common_fisher_mean", "as correlation", SMALL)] if is_z else []


def _about_errors(rows: Sequence[Row]) -> list[str]:
    """Say what standard errors are clustered by, and over how many clusters."""
    unit = rows[0].get("clustered_by") or "target"
    counts = sorted({row.get("n_common_clusters") or 0 for row in rows} - {0})
    if not counts:
        return []
    said = plural(unit, counts[0]) if len(counts) == 1 else f"{counts[0]} to {plural(unit, counts[-1])}"
    few = "; few, so that the errors themselves are uncertain" if counts[0] < FEW_CLUSTERS else ""
    return [f"standard errors (SE) are clustered by {unit}: {said}{few}"]


def _undefined_counts(rows: Sequence[Row]) -> list[str]:
    """Say how many scores of each method are undefined, methods with the same number together."""
    found = []
    for metric in dict.fromkeys(row["metric"] for row in rows):
        counts: dict[int, list[str]] = {}
        for row in rows:
            if row["metric"] == metric and row["n_unscored"]:
                counts.setdefault(row["n_unscored"], []).append(row["method"])
        said = "; ".join(f"{n} for {', '.join(methods)}" for n, methods in counts.items())
        if said:
            found.append(f"undefined {metric}: {said}")
    return found


def _other_stories(rows: Sequence[Row]) -> list[str]:
    """Name the methods for which a mean over batteries leads to another conclusion than the mean over items."""
    from truetwin.evaluation.score_summary import batteries_tell_another_story

    return [
        f"{row['method']}: {row['metric']} tells another story by battery: {row['common_difference']:+.3f} (SE "
        f"{row['common_difference_standard_error']:.3f}) over items, {row['battery_difference']:+.3f} (SE "
        f"{row['battery_difference_standard_error']:.3f}) over batteries, each counted once"
        for row in rows
        if batteries_tell_another_story(row)
    ]


def gain_columns(rows: Sequence[Row]) -> list[Column]:
    """Choose columns of the gain of each method over the plain twins, one row for each method and protocol.

    The mean is over the targets that all methods have a score for; the gain is over those that the method and the twins
    have one for.
    """
    columns = [
        Column("method", "method"),
        Column("common_mean", "mean", SMALL),
        Column("common_standard_error", "SE", SMALL, optional=True),
        Column("difference", "gain", f"+{SMALL}"),
        Column("difference_standard_error", "SE", SMALL),
        Column("n_paired", "n paired", "d", optional=True),
    ]
    if _has_undefined(rows):
        columns[3:3] = [Column("zero_mean", "as 0", SMALL), Column("n_scored", "n", "d", optional=True)]
    if len({row.get("protocol") for row in rows}) > 1:
        columns.insert(0, Column("protocol", "hidden in turn"))
    return columns


def gain_title(rows: Sequence[Row], what: str) -> str:
    """Say what a table of gains shows, with what was hidden where that is the same in every row."""
    found = {str(row["protocol"]) for row in rows if "protocol" in row}
    hidden = f" ({found.pop()})" if len(found) == 1 else ""
    zero = "\nas 0: with an undefined correlation taken as 0" if _has_undefined(rows) else ""
    return f"{what}{hidden}{zero}"


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
            Column("mean", "mean", SMALL),
            Column("standard_error", "SE", SMALL, optional=True),
            Column("difference", "diff.", f"+{SMALL}"),
            Column("difference_standard_error", "SE", SMALL),
            Column("n_people", "people", "d", optional=True),
        ]
        title = f"{metric} by {by}, on the {plural('item', n)} that every group scores"
        print_table(_named_once(shown), columns, title=f"{title}\ndiff.: from the mean of the groups")
        between = [row for row in spreads if (row["by"], row["metric"]) == (by, metric)]
        spread_columns = [
            Column("method", "method"),
            Column("highest", "highest", foldable=True, optional=True),
            Column("lowest", "lowest", foldable=True, optional=True),
            Column("spread", "spread", SMALL),
            Column("chance_spread", "by chance", SMALL),
        ]
        about = "by chance: what equal groups exceed once in twenty times"
        print_table(between, spread_columns, title=f"spread: highest minus lowest group\n{about}")
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
    """Say which targets have no prediction or no score, and why, methods with the same gaps together."""
    said: dict[str, list[str]] = {}
    for method, reasons in result.reasons.items():
        counts: dict[str, list[str]] = {}
        for target, why in reasons.items():
            counts.setdefault(why, []).append(target)
        for why, targets in counts.items():
            said.setdefault(f"not predicted: {_some(targets)}: {why}", []).append(method)
    for (method, metric), scores in result.scores.items():
        applies = result.applicable.get(metric, [True] * len(scores))
        unfit, undefined = [], []
        for target, score, fits in zip(result.target_ids, scores.tolist(), applies, strict=True):
            if not fits:
                unfit.append(target)
            elif score != score and target not in result.reasons[method]:
                undefined.append(target)
        if unfit:
            said.setdefault(f"{metric} is not defined for the scale of {_some(unfit)}", []).append(method)
        if undefined:
            text = f"{metric} is undefined for {_some(undefined)} with predictions: constant or too few values, or not "
            said.setdefault(f"{text}defined for this kind of target", []).append(method)
    for text, methods in list(said.items())[:MOST_NOTES]:
        note(f"{', '.join(methods)}: {text}")
    if len(said) > MOST_NOTES:
        note(
            f"... and {len(said) - MOST_NOTES} more such notes; --per-target writes the reason for every target"
        )
    for method, stopped in result.unconverged.items():
        if stopped:
            note(
                f"{method}: the solver stopped before it met its tolerance for {len(stopped)} targets (such as "
                f"{stopped[0]!r})"
            )


def _some(targets: Sequence[str]) -> str:
    more = f", ... ({len(targets)} in all)" if len(targets) > 3 else ""
    return f"{', '.join(targets[:3])}{more}"

"""Report section on voices: how well models speak as given persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.report.figures.voice_figures import capability_figures
from truetwin.report.page import Field, Picture, Section, Table
from truetwin.voice.scoring.leaderboard import Standing
from truetwin.voice.scoring.pillars import PILLAR_COLUMNS

FIELDS = (
    Field("dimension", "dimension"),
    Field("protocol", "protocol"),
    Field("model", "model"),
    Field("accuracy_all", "right, %", ".1f"),
    Field("mean_score", "mean mark", ".2f"),
    Field("ci_low", "95% from", ".1f"),
    Field("ci_high", "to", ".1f"),
    Field("opinion", "opinion, %", ".0f"),
    Field("logic", "logic, %", ".0f"),
    Field("style", "style, %", ".0f"),
    Field("n_imputed", "marks imputed", "d"),
    Field("judged_mean_score", "mean of the judge's own", ".2f"),
    Field("baseline_accuracy", "without persona, %", ".1f"),
    Field("baseline", "by the rule"),
    Field("chance", "guessing, %", ".1f"),
    Field("n", "n", "d"),
    Field("n_answered", "answered", "d"),
    Field("accuracy_answered", "of those, %", ".1f"),
    Field("judge", "judge"),
)
CAPTION = (
    "Share of right answers over all items, wrong and unreadable answers counted as wrong. A model below the best "
    "rule without persona has not shown that it plays a person."
)
PILLARS_CAPTION = "Opinion, logic and style are the mean of the judge's verdicts on each, in percent."
IMPUTED_CAPTION = (
    "An imputed mark is the lowest, given by rule to a reply that was cut off or could not be read; no judge saw it. "
    "It counts in the mean mark, and the mean of the judge's own marks stands beside."
)

#: Columns of paired comparisons.
PAIRED = (
    Field("first", "first"),
    Field("second", "second"),
    Field("dimension", "dimension"),
    Field("protocol", "protocol"),
    Field("n", "items of both", "d"),
    Field("difference", "first minus second, points", "+.1f"),
    Field("ci_low", "95% from", "+.1f"),
    Field("ci_high", "to", "+.1f"),
    Field("only_first_right", "only first right", "d"),
    Field("only_second_right", "only second right", "d"),
    Field("mcnemar_p", "McNemar p", ".2g"),
    Field("cluster_p", "p, by person", ".2g"),
    Field("cluster_p_holm", "p, Holm", ".2g"),
)
PAIRED_TITLE = "Two models on the same items"
PAIRED_CAPTION = (
    "Differences item by item, in percentage points (marks are put on 0 to 100); failed and unreadable answers count "
    "as wrong. McNemar's exact test takes items as independent. The interval draws whole persons, and the p-value by "
    "person flips the signs of whole persons; Holm's correction counts all pairs."
)


def paired_table(comparisons: Sequence[Mapping[str, Any]]) -> Table:
    """Show paired tests of two models on the same items."""
    return Table(PAIRED_TITLE, PAIRED, list(comparisons), PAIRED_CAPTION)


def voice_in_words(standings: Sequence[Standing]) -> str:
    """Say the best result of each dimension under choice, beside the best rule that knows no persona."""
    best: dict[str, Standing] = {}
    for each in standings:
        if each.protocol == "choice" and each.accuracy_all is not None:
            held = best.get(each.dimension)
            if held is None or each.accuracy_all > (held.accuracy_all or 0.0):
                best[each.dimension] = each
    texts = [
        f"{name}: {each.model} chooses the true reply in {each.accuracy_all:.1f}% of {each.n} questions asked"
        + (
            f" (a rule without persona: {each.baseline_accuracy:.1f}%)"
            if each.baseline_accuracy is not None
            else ""
        )
        for name, each in best.items()
    ]
    return f"{'; '.join(texts)}." if texts else "No result of a choice among replies."


def voice_section(standings: Sequence[Standing], capabilities: Sequence[Mapping[str, Any]] = ()) -> Section:
    """Show a leaderboard beside the best rule that knows no persona, and results by capability where annotated."""
    pictures = capability_section(capabilities).blocks if capabilities else ()
    return Section("Voices", (), [leaderboard_table(standings), *pictures])


def leaderboard_table(standings: Sequence[Standing]) -> Table:
    """Show standings: intervals, the best rule that knows no persona, verdicts on the pillars, and imputed marks."""
    rows = [_leaderboard_row(each) for each in standings]
    caption = [CAPTION]
    if any(row[pillar] is not None for row in rows for pillar in PILLAR_COLUMNS.values()):
        caption.append(PILLARS_CAPTION)
    if any(row["n_imputed"] for row in rows):
        caption.append(IMPUTED_CAPTION)
    return Table("Leaderboard", FIELDS, rows, " ".join(caption))


def _leaderboard_row(standing: Standing) -> dict[str, Any]:
    """Leave out what does not apply, so that columns without any value are not shown."""
    return {
        **standing.to_row(),
        "judge": standing.judge or None,
        "baseline": standing.baseline or None,
        "n_imputed": standing.n_imputed or None,
        "judged_mean_score": standing.judged_mean_score if standing.n_imputed else None,
    }


def capability_section(capabilities: Sequence[Mapping[str, Any]]) -> Section:
    """Draw results by capability: radars, and bars with intervals."""
    pictures = [
        Picture(
            name,
            figure,
            f"Results by capability ({name.replace('-', ' ')}), in percent; counts and intervals are in the data.",
            list(capabilities),
        )
        for name, figure in capability_figures(capabilities).items()
    ]
    return Section("Capabilities", (), pictures)

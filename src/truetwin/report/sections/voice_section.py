"""Report section on voices: how well models speak as given persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truetwin.report.figures.voice_figures import capability_figures
from truetwin.report.page import Field, Picture, Section, Table
from truetwin.voice.scoring.leaderboard import Standing

FIELDS = (
    Field("dimension", "dimension"),
    Field("protocol", "protocol"),
    Field("model", "model"),
    Field("accuracy_all", "all items, %", ".1f"),
    Field("accuracy_answered", "answered only, %", ".1f"),
    Field("mean_score", "mean mark", ".2f"),
    Field("ci_low", "95% from", ".1f"),
    Field("ci_high", "to", ".1f"),
    Field("n", "n", "d"),
    Field("n_answered", "answered", "d"),
    Field("chance", "guessing, %", ".1f"),
    Field("baseline_accuracy", "without persona, %", ".1f"),
    Field("baseline", "by the rule"),
)


def voice_in_words(standings: Sequence[Standing]) -> str:
    """Say the best result of each dimension under choice, beside the best rule that knows no persona."""
    best: dict[str, Standing] = {}
    for each in standings:
        if each.protocol == "choice" and each.accuracy_all is not None:
            held = best.get(each.dimension)
            if held is None or each.accuracy_all > (held.accuracy_all or 0.0):
                best[each.dimension] = each
    texts = [
        f"{name}: {each.model} chooses the true reply in {each.accuracy_all:.1f}% of {each.n} items"
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
    table = Table(
        "Leaderboard",
        FIELDS,
        [standing.to_row() for standing in standings],
        "Accuracy in percent over all items, wrong and unreadable answers counted as wrong. A model below the "
        "rule that knows no persona has not shown that it plays a person.",
    )
    pictures = [
        Picture(
            name,
            figure,
            f"Results by capability ({name.replace('-', ' ')}), in percent; counts and intervals are in the data.",
            list(capabilities),
        )
        for name, figure in (capability_figures(capabilities) if capabilities else {}).items()
    ]
    return Section("Voices", (), [table, *pictures])

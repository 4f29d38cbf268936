"""Averages over the three dimensions, the last columns of tables 3 and 5 of paper B."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from truetwin.reproduction.published import published_voice
from truetwin.voice.protocols.outcomes import Protocol

Row = Mapping[str, Any]
Cells = dict[tuple[str, str], dict[str, list[Row]]]

AVERAGE = "average"
#: How the paper ranks written replies: among distractors in the first dimension, mapped to an option in the last.
_RANKING = {
    "social": Protocol.REPLY_VS_DISTRACTORS.value,
    "interpersonal": Protocol.MAP_TO_OPTIONS.value,
    "narrative": Protocol.MAP_TO_OPTIONS.value,
}


def averages(table: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Average the figures of each model and metric over the three dimensions, one row each, beside the printed average.

    Every dimension counts alike. A model without exactly one figure in each dimension has no average: a mean over
    other dimensions would be another quantity. Of two rankings of written replies the paper's counts.
    """
    figure = _figure(table)
    found = []
    for (model, metric), dimensions in _cells(table, rows).items():
        if not _is_whole(table, dimensions):
            continue
        parts = [some[0] for some in dimensions.values()]
        mean = sum(part[figure(metric)] for part in parts) / len(parts)
        known = parts[0].get("paper_model")
        paper = published_voice()[table].get(known, {}).get(AVERAGE, {}).get(metric)
        found.append(
            {
                "table": table,
                "model": model,
                "paper_model": known,
                "dimension": AVERAGE,
                "metric": metric,
                "n": sum(part["n"] for part in parts),
                figure(metric): mean,
                "paper": paper,
                "difference": None if paper is None else mean - paper,
            }
        )
    return found


def models_without_average(table: str, rows: Sequence[Row]) -> list[str]:
    """List the models and metrics that lack a figure in some dimension, as ``"model, metric"``."""
    cells = _cells(table, rows)
    return [f"{model}, {metric}" for (model, metric), found in cells.items() if not _is_whole(table, found)]


def _cells(table: str, rows: Sequence[Row]) -> Cells:
    cells: Cells = {}
    for row in _counted(table, rows):
        cells.setdefault((row["model"], row["metric"]), {}).setdefault(row["dimension"], []).append(row)
    return cells


def _counted(table: str, rows: Sequence[Row]) -> Iterator[Row]:
    figure = _figure(table)
    for row in rows:
        is_ranking = row["metric"] == "accuracy_gen"
        if is_ranking and row["protocol"] != _RANKING.get(row["dimension"], row["protocol"]):
            continue
        if row.get(figure(row["metric"])) is not None:
            yield row


def _is_whole(table: str, dimensions: Mapping[str, Sequence[Row]]) -> bool:
    wanted = next(iter(published_voice()[table].values())).keys() - {AVERAGE}
    return dimensions.keys() == wanted and all(len(some) == 1 for some in dimensions.values())


def _figure(table: str) -> Any:
    def of(metric: str) -> str:
        if table == "voice-table-5":
            return "mean"
        return "mean_score" if metric == "score_gen" else "accuracy_answered"

    return of

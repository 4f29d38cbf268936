"""Leaderboard: any number of result files as one table of models."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from truetwin.data.plots import Plots
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.errors import DataError, FileFormatError
from truetwin.io.readable_files import read_text
from truetwin.voice.protocols.outcomes import SCORE_RANGE, Protocol
from truetwin.voice.scoring.dimension_averages import AVERAGE, average_standings
from truetwin.voice.scoring.score_table import Scoreboard, score_answers
from truetwin.voice.scoring.stored_answers import Answers, files_of, read_answers

UNIT = "percent"
_NUMBERS = (
    "n", "n_answered", "n_failed", "accuracy_answered", "accuracy_all", "ci_low", "ci_high", "cluster_ci_low",
    "cluster_ci_high", "mean_score", "normalised_ci_low", "normalised_ci_high", "baseline_accuracy",
    "chance", "judged_mean_score", "n_imputed", "opinion", "logic", "style",
)  # fmt: skip


SHOWN = (
    Shown("dimension", "dimension"),
    Shown("protocol", "protocol"),
    Shown("model", "model"),
    Shown("accuracy_all", "right, %", ".1f"),
    Shown("mean_score", "mark", ".2f"),
    Shown("ci_low", "from", ".2f"),
    Shown("ci_high", "to", ".2f"),
    Shown("baseline_accuracy", "without persona, %", ".1f"),
    Shown("n", "items", "d"),
)


@dataclass(frozen=True)
class Standing:
    """Row of a leaderboard: one model under one protocol on one dimension.

    Accuracies are in percent and None for marks; ``mean_score`` is the mean of marks from 1 to 5. ``ci_low`` and
    ``ci_high`` belong to ``accuracy_all`` or ``mean_score``, in its units; personas are drawn whole where they are
    known. ``n_imputed`` counts marks that replies got by rule, ``judged_mean_score`` is the mean of the judge's own;
    ``opinion``, ``logic`` and ``style`` are mean verdicts on the pillars in percent. ``baseline``
    names the best guess that knows no persona, on the same items, where the items are known. ``chance`` is what
    guessing gives.
    """

    dimension: str
    protocol: str
    model: str
    n: int
    n_answered: int
    accuracy_answered: float | None = None
    accuracy_all: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    mean_score: float | None = None
    judge: str = ""
    n_failed: int = 0
    baseline: str = ""
    baseline_accuracy: float | None = None
    file: str = ""
    chance: float | None = None
    judged_mean_score: float | None = None
    n_imputed: int = 0
    opinion: float | None = None
    logic: float | None = None
    style: float | None = None

    @property
    def points(self) -> float:
        """Value by which models are ordered: accuracy over all items, or the mean mark."""
        for value in (self.accuracy_all, self.mean_score):
            if value is not None and not math.isnan(value):
                return value
        return -math.inf

    def to_row(self) -> dict[str, Any]:
        """Convert the standing to a row of a table."""
        return asdict(self)


@dataclass(frozen=True)
class Results:
    """Content of result files: standings, notes for the reader, and whether lines of a file were damaged.

    ``comparisons`` are paired tests of two models on the items that both were given, one row a pair. Tables of scores
    know no single items, so that only stored answers are compared.
    """

    standings: tuple[Standing, ...]
    notes: tuple[str, ...] = ()
    is_damaged: bool = False
    comparisons: tuple[dict[str, Any], ...] = ()

    plot = Plots("models")

    def summary(self) -> SummaryTable:
        """Rank the models under each protocol and dimension, the best first."""
        return SummaryTable([one.to_row() for one in ranked(self.standings)], SHOWN)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def read_results(
    paths: Sequence[str | Path],
    *,
    with_baseline: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Results:
    """Read standings from any number of files: output of ``truetwin voice score --json``, stored
    answers, or folders of runs.

    Stored answers are scored as that verb does, with the best guess that knows no persona beside them.

    Raises
    ------
    FileFormatError
        If a file is neither.
    """
    standings: list[Standing] = []
    answers: list[Answers] = []
    for path in files_of(paths):
        rows = score_rows(path)
        if rows is None:
            answers.append(read_answers(path))
        else:
            standings += [_from_row(row, f"{path}, row {k}", str(path)) for k, row in enumerate(rows, 1)]
    board = score_answers(answers, with_baseline=with_baseline, progress=progress)
    standings += [_from_row(row, row["file"], row["file"]) for row in board.rows() if _is_scored(row)]
    averages = average_standings(standings)
    return Results(
        (*standings, *averages.standings),
        (*board.notes, *averages.notes),
        any(a.broken_lines for a in answers),
        board.comparisons,
    )


def standings_of(board: Scoreboard) -> tuple[list[Standing], tuple[str, ...]]:
    """Make standings of scores, averages over dimensions included; also return notes for the reader."""
    standings = [_from_row(row, row["file"], row["file"]) for row in board.rows() if _is_scored(row)]
    averages = average_standings(standings)
    return [*standings, *averages.standings], averages.notes


def score_rows(path: str | Path) -> list[Any] | None:
    """Read the rows of a file that ``truetwin voice score --json`` printed; None if it is no such object at all.

    Raises
    ------
    FileFormatError
        If it is the result of another verb, has no rows, or is not in percent.
    """
    path = Path(path)
    content = _json_object(read_text(path))
    if content is None or "rows" not in content:
        return None
    if content.get("command") not in ("voice score", "voice leaderboard"):
        raise FileFormatError(
            f"{path} must be the result of 'truetwin voice score --json'; it is of {content.get('command')!r}"
        )
    settings, rows = content.get("settings"), content["rows"]
    if not isinstance(settings, dict) or settings.get("unit") != UNIT:
        raise FileFormatError(f"{path} must say in its settings that accuracies are in {UNIT}; it does not")
    if not isinstance(rows, list) or not rows:
        raise FileFormatError(f"{path} must hold a list of rows; it has none")
    return [row for row in rows if not isinstance(row, dict) or _is_scored(row)]


def ranked(standings: Sequence[Standing]) -> list[Standing]:
    """Sort standings by dimension and protocol, the best model first; averages over dimensions come last.

    Raises
    ------
    DataError
        If there are no standings.
    """
    if not standings:
        raise DataError("a leaderboard needs at least one scored result; the files hold none")
    order = {p.value: k for k, p in enumerate(Protocol)}
    return sorted(
        standings,
        key=lambda s: (
            s.dimension == AVERAGE,
            s.dimension,
            order.get(s.protocol, 99),
            s.judge,
            -s.points,
            s.model,
        ),
    )


def _is_scored(row: Mapping[str, Any]) -> bool:
    """Test whether a row has a score of its own; written replies that nobody judged have none, and averages neither."""
    return row.get("protocol") != Protocol.REPLY.value and row.get("dimension") != AVERAGE


def _from_row(row: Any, where: str, file: str) -> Standing:
    if not isinstance(row, Mapping):
        raise FileFormatError(f"{where}: a row must be an object")
    for name in _NUMBERS:
        value = row.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise FileFormatError(f"{where}: {name!r} must be a number; got {value!r}")
    known = [name for name in Standing.__dataclass_fields__ if row.get(name) is not None]
    for name in known:
        if name not in _NUMBERS and not isinstance(row[name], str):
            raise FileFormatError(f"{where}: {name!r} must be a text; got {row[name]!r}")
    fields = {"dimension": "", "file": file, **{name: row[name] for name in known}}
    try:
        return Standing(**{**fields, **_ends(row)})
    except TypeError as error:
        raise FileFormatError(f"{where}: protocol, model, n and n_answered must be there") from error


def _ends(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the ends of the cluster-bootstrap interval (whole personas), if the row has one."""
    if row.get("normalised_ci_low") is not None and row.get("normalised_ci_high") is not None:
        low, high = SCORE_RANGE
        scale = (high - low) / 100
        return {
            "ci_low": low + scale * row["normalised_ci_low"],
            "ci_high": low + scale * row["normalised_ci_high"],
        }
    if row.get("cluster_ci_low") is not None and row.get("cluster_ci_high") is not None:
        return {"ci_low": row["cluster_ci_low"], "ci_high": row["cluster_ci_high"]}
    return {}


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None

"""Tables 3 and 5 of paper B beside figures computed from stored answers; no model is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from truetwin.datasets.twinvoice import ANSWERS, available_answers, twinvoice
from truetwin.errors import DatasetError
from truetwin.reproduction.published import published_voice
from truetwin.voice.protocols.outcomes import Protocol
from truetwin.voice.scoring.score_table import Entry, score_answers
from truetwin.voice.scoring.stored_answers import Answers, read_answers

VOICE_TABLES = ("voice-table-3", "voice-table-5")
#: Columns of table 3 that a protocol's figures are compared with.
_COLUMNS = {
    Protocol.CHOICE: "accuracy",
    Protocol.REPLY_VS_DISTRACTORS: "accuracy_gen",
    Protocol.MAP_TO_OPTIONS: "accuracy_gen",
    Protocol.SCORING: "score_gen",
}
BERT_NOTE = "the paper does not name the model of its BERTScore, and scores of two models cannot be compared"
NOT_IN_MIRROR = "published, but not in this mirror (`truetwin datasets fetch twinvoice` gets it)"
NOT_GIVEN = "not in the files given by --answers"
NO_MODEL = "stored replies are here; --bert-model names the model that compares them"
NOT_IN_COMMIT = "the published commit holds no answers to the whole set"
#: Kind of published file that has the answers behind a column of tables 3 and 5.
_KINDS = {
    "accuracy": "choice",
    "accuracy_gen": "ranking",
    "score_gen": "marks",
    **dict.fromkeys(("bleu1", "meteor", "bertscore"), "reply"),
}
METEOR_NOTE = "the paper does not give METEOR's settings; with NLTK's defaults its figure is not reached"


def stored_answers(paths: Sequence[Path] = ()) -> list[Answers]:
    """Read the files named, or all published answers that this mirror holds.

    Raises
    ------
    DatasetError
        If this mirror holds none.
    """
    if paths:
        return [read_answers(path) for path in paths]
    found = [read_answers(twinvoice.fetch(file.path)) for file in available_answers()]
    if not found:
        raise DatasetError(
            "the published answers are not in this mirror; `truetwin datasets fetch twinvoice` gets them, and "
            "--answers names others"
        )
    return found


def reproduce_voice(
    table: str,
    paths: Sequence[Path] = (),
    *,
    bert_model: str | None = None,
    bert_layer: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:
    """Compute every cell of the table for which stored answers exist, one row each.

    Parameters
    ----------
    table : {"voice-table-3", "voice-table-5"}
        Name of the table.
    paths : sequence of Path
        Stored answers; by default the published ones that this mirror holds.
    bert_model, bert_layer : str and int, optional
        Model (a name or a folder) and layer for BERTScore in voice-table-5; without a model there is no BERTScore.

    Returns
    -------
    list of dict
        ``paper`` is the printed figure; it is missing for models that are not in the paper. ``difference`` is ours
        minus the printed one, except for BERTScore; for accuracies, unanswered items are left out, as in the paper.
    """
    answers = stored_answers(paths)
    if table == "voice-table-5":
        from truetwin.voice.scoring.stored_reply_metrics import text_rows

        rows = text_rows(
            answers, with_bert_score=bert_model is not None, bert_model=bert_model, bert_layer=bert_layer
        )
        return [_text_row(row) for row in rows]
    board = score_answers(answers, with_baseline=False, progress=progress)
    return [_accuracy_row(entry) for entry in board.entries if entry.score.protocol in _COLUMNS]


def cells_without_answers(table: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    """List the cells of the paper's table that no answers were read for, as ``"model, dimension, metric"``."""
    have = {(row.get("paper_model"), row["dimension"], row["metric"]) for row in rows}
    return [
        f"{model}, {dimension}, {metric}"
        for model, dimensions in published_voice()[table].items()
        for dimension, metrics in dimensions.items()
        if dimension != "average"
        for metric in metrics
        if (model, dimension, metric) not in have
    ]


def why_without_answers(cells: Sequence[str], *, given: bool = False) -> dict[str, list[str]]:
    """Group cells by why no answers were read: what the published commit holds is not in this mirror.

    Parameters
    ----------
    cells : sequence of str
        Cells from :func:`cells_without_answers`.
    given : bool, default=False
        Whether files were named, so that nothing else was looked for.
    """
    published = {(file.model, file.dimension, file.kind): file.path for file in ANSWERS}
    reasons: dict[str, list[str]] = {}
    for cell in cells:
        model, dimension, metric = cell.split(", ")
        path = published.get((model, dimension, _KINDS[metric]))
        if given:
            why = NOT_GIVEN
        elif path is None:
            why = NOT_IN_COMMIT
        else:
            is_here = metric == "bertscore" and twinvoice.is_available(path)
            why = NO_MODEL if is_here else NOT_IN_MIRROR
        reasons.setdefault(why, []).append(cell)
    return reasons


def paper_model(name: str) -> str | None:
    """Return the paper's name of a model, whatever its version suffix; None if the paper has not tested it.

    Examples
    --------
    >>> paper_model("qwen2.5-14b-instruct"), paper_model("claude-sonnet-4-20250514"), paper_model("gpt-4o")
    ('Qwen2.5-14B', 'Claude-Sonnet-4', None)
    """
    wanted = _bare(name.rpartition("/")[2])
    found = [known for known in published_voice()["voice-table-3"] if wanted.startswith(_bare(known))]
    return max(found, key=len, default=None)


def _bare(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _accuracy_row(entry: Entry) -> dict[str, Any]:
    score = entry.score
    metric = _COLUMNS[score.protocol]
    known, paper = _printed("voice-table-3", score.model, score.dimension, metric)
    row = entry.row()
    ours = row.get("mean_score") if metric == "score_gen" else row["accuracy_answered"]
    return {
        "table": "voice-table-3",
        "model": score.model,
        "paper_model": known,
        "dimension": score.dimension,
        "metric": metric,
        "protocol": score.protocol.value,
        "n": score.n,
        "n_answered": score.n_answered,
        "accuracy_answered": row["accuracy_answered"],
        "accuracy_all": row["accuracy_all"],
        "ci_low": row.get("ci_low"),
        "ci_high": row.get("ci_high"),
        "mean_score": row.get("mean_score"),
        "paper": paper,
        "difference": None if paper is None or ours is None else ours - paper,
        "file": entry.file,
    }


def _text_row(found: dict[str, Any]) -> dict[str, Any]:
    metric = str(found["metric"]).replace("-", "")
    known, paper = _printed("voice-table-5", found["model"], found["dimension"], metric)
    mean = found.get("mean")
    comparable = paper is not None and metric != "bertscore"
    return {
        **found,
        "table": "voice-table-5",
        "paper_model": known,
        "metric": metric,
        "paper": paper,
        "difference": mean - paper if comparable and mean is not None else None,
    }


def _printed(table: str, model: str, dimension: str, metric: str) -> tuple[str | None, float | None]:
    known = paper_model(model)
    cell = published_voice()[table].get(known, {}).get(dimension, {}).get(metric) if known else None
    return known, None if cell is None else float(cell)

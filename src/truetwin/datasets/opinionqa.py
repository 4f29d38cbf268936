"""OpinionQA: how Americans answered 489 survey questions with five choices, and 2058 twins' answers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from truetwin.data import Item, ResponseMatrix, Scale
from truetwin.data.marginals import ItemMarginal, Marginals
from truetwin.datasets.movielens_marginals import MarginalData
from truetwin.datasets.pinned_dataset import SYN_DIGITS, Dataset, datasets
from truetwin.errors import AlignmentError, FileFormatError
from truetwin.io import read_table

_FOLDER = "data/OpinionQA/distribution_calibration"
QUESTIONS, ANSWERS = "Qs_likert_scale_5_choices.json", "persona_answers.csv"
_FILES = {
    QUESTIONS: "7e632b57e9a0767c5d7350b4fc699d528ec482f665d94d1d8d752d6162192956",
    ANSWERS: "6b89f71dc1f5b3a669479b88d8b4d8a51000779d2a8da27b54950f2723c215aa",
}


def load(*, keep_off_scale: bool = False) -> MarginalData:
    """Load all 489 questions; the grouping ``wave`` is the survey wave in the question's id.

    Parameters
    ----------
    keep_off_scale : bool, default=False
        Count "Refused" as the fifth category, as paper A does. It is not the top of the scale.
    """
    questions, answers = (opinionqa.fetch(f"{_FOLDER}/{name}") for name in (QUESTIONS, ANSWERS))
    return read(questions, answers, keep_off_scale=keep_off_scale)


def read(questions: Path, answers: Path, *, keep_off_scale: bool = False) -> MarginalData:
    """Read files in the published layout, complete or an excerpt of them."""
    try:
        asked = json.loads(questions.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{questions} must be a JSON file of questions: {error}") from error
    table = read_table(answers)
    names = [name for name in table.column_names if name.startswith("pid_")]
    ids = [str(i) for i in table.column(0).to_pylist()]
    lacking = [i for i in ids if i not in asked]
    if lacking or not ids:
        raise AlignmentError(
            f"every row of {answers} must be a question of {questions}; "
            + (f"{lacking[0]!r} is not ({len(lacking)} in all)" if lacking else "it has no rows")
        )
    items = {i: _item(i, asked[i], keep_off_scale) for i in ids}
    columns = [np.array([_number(v) for v in table.column(name).to_pylist()]) for name in names]
    twins = ResponseMatrix(np.array(columns), names, items.values(), source=str(answers))
    marginals = Marginals.of(
        (
            ItemMarginal.from_amounts(
                items[i],
                {float(code): float(count) for code, count in asked[i]["choice_counts"].items()},
                are_counts=True,
                source=str(questions),
            )
            for i in ids
        ),
        source=str(questions),
        notes=()
        if keep_off_scale
        else ("'Refused' is an off-scale code: left out of shares and of twins' answers",),
    )
    return MarginalData(marginals, twins, {"wave": {i: wave_of(i) for i in ids}})


def wave_of(item_id: str) -> str:
    """Read the survey wave from a question's id.

    Examples
    --------
    >>> wave_of("SAFECRIME_W26")
    'W26'
    """
    found = re.search(r"_(W\d+)$", item_id)
    return found.group(1) if found else "unknown"


def _item(item_id: str, question: dict[str, dict[str, int]], keep_off_scale: bool) -> Item:
    labels = {float(code): label for label, code in question["choice_to_numeric"].items()}
    off = {} if keep_off_scale else {c: label for c, label in labels.items() if label.lower() == "refused"}
    codes = tuple(sorted(code for code in labels if code not in off))
    on = {code: labels[code] for code in codes}
    scale = Scale("ordinal", codes, codes[0], codes[-1], 1.0, on, off)
    return Item(item_id, str(question["question"]), scale)


def _number(cell: str | float | None) -> float:
    return float(cell) if cell not in (None, "") else float("nan")


opinionqa = Dataset(
    name="opinionqa",
    title="OpinionQA: answer shares of 489 questions of Pew's American Trends Panel, and answers of 2058 twins",
    licence="Pew Research Center terms of use",
    citation="Santurkar et al. (2023), Whose Opinions Do Language Models Reflect?; twins: paper A, section 7.3",
    repository=SYN_DIGITS,
    files={f"{_FOLDER}/{name}": sha256 for name, sha256 in _FILES.items()},
    load=load,
)
datasets.add("opinionqa", opinionqa)

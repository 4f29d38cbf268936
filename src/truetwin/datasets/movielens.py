"""MovieLens: ratings of 250 films by 500 people and by their twins."""

from __future__ import annotations

from truetwin.data import Item, Panel, ResponseMatrix, Scale
from truetwin.datasets.pinned_dataset import SYN_DIGITS, Dataset, datasets
from truetwin.io import read_responses

_FOLDER = "data/MovieLens-20M/synthetic_control"
_FILES = {
    "real.csv": "8dff5125f627b28100582d8d6c077bef27a6f2b80a88ff57fd45dbbcc63ffb43",
    "LLM.csv": "b12f5f61344751b87a540c271fecdd5768e5d891e08bd7142330e5934f1aa3bd",
    "LLM_in_context_other_ratings_full.csv": "5bc36c4bc915ec8bd3782274e88d4c920bbd102adbec7669757654832e475f08",
}
STARS = Scale.ordinal(0.5, 5.0, 0.5)


def load() -> Panel:
    """Load human ratings, zero-shot twins and in-context twins (paper A, section 3.3).

    Returns
    -------
    Panel
        500 respondents by 250 items, 22% missing, on a scale of 0.5 to 5 stars.
    """
    human, twin, in_context = (_read(name) for name in _FILES)
    return Panel(human, twin, in_context)


def _read(name: str) -> ResponseMatrix:
    answers = read_responses(movielens.fetch(f"{_FOLDER}/{name}"), id_column="userId")
    return answers.with_items({i: Item(i, scale=STARS) for i in answers.item_ids})


movielens = Dataset(
    name="movielens",
    title="MovieLens-20M: ratings of 250 films by 500 people and by their twins",
    licence="GroupLens terms of use for MovieLens 20M (research, no redistribution without permission)",
    citation="Harper and Konstan (2015), The MovieLens Datasets; twins: paper A, section 3.3",
    repository=SYN_DIGITS,
    files={f"{_FOLDER}/{name}": sha256 for name, sha256 in _FILES.items()},
    load=load,
)
datasets.add("movielens", movielens)

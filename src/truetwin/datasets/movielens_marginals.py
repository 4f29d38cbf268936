"""MovieLens for populations: how ratings of 500 films split over ten half-star steps, and 2058 twins' ratings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from truetwin.data import Item, ResponseMatrix, Scale
from truetwin.data.marginals import ItemMarginal, Marginals
from truetwin.datasets.pinned_dataset import SYN_DIGITS, Dataset, datasets
from truetwin.errors import DataError
from truetwin.io import read_table

_FOLDER = "data/MovieLens-20M/distribution_calibration"
_FILES = {
    "top_movies_df.csv": "36013019671217ed0fa5dc7ffd23d69c1121f2de4b67b86bf75f1a9c84f43e10",
    "persona_ratings.csv": "8e817d3c2870e5a64d8874a1f08f3ab47976a214e211f77fe13adb827a448ffd",
}
STARS = Scale.ordinal(0.5, 5.0, 0.5)


@dataclass(frozen=True, eq=False)
class MarginalData:
    """Human marginals and twins' answers for the same items, and which items belong together.

    Attributes
    ----------
    marginals : Marginals
        How people's answers split over the categories of each item.
    twins : ResponseMatrix
        Answers of the twins.
    groups : dict of str to dict of str to str
        Groupings by name; each maps every item to its group.
    """

    marginals: Marginals
    twins: ResponseMatrix
    groups: dict[str, dict[str, str]]


def load() -> MarginalData:
    """Load 500 films with ten categories and 2058 twins (paper A, section 7.3).

    The grouping ``year`` is the film's year of release.
    """
    return read(
        movielens_marginals.fetch(f"{_FOLDER}/top_movies_df.csv"),
        movielens_marginals.fetch(f"{_FOLDER}/persona_ratings.csv"),
    )


def read(films: Path, ratings: Path) -> MarginalData:
    """Read files in the published layout: films with counts per rating, and twins' ratings in the same order."""
    table = read_table(films).to_pylist()
    answers = read_table(ratings)
    names = [name for name in answers.column_names if name.startswith("pid_")]
    if answers.num_rows != len(table):
        raise DataError(
            f"{ratings} must have one row for each of the {len(table)} films of {films}; it has {answers.num_rows}"
        )
    items = [Item(row["title"], _text(row), STARS) for row in table]
    values = np.array([answers.column(name).to_numpy(zero_copy_only=False).astype(float) for name in names])
    marginals = Marginals.of(
        (
            ItemMarginal.from_amounts(
                item,
                {code: float(row[f"{code:.1f}"]) for code in STARS.categories},
                are_counts=True,
                source=str(films),
            )
            for item, row in zip(items, table, strict=True)
        ),
        source=str(films),
    )
    years = {item.id: _year(item.id) for item in items}
    return MarginalData(marginals, ResponseMatrix(values, names, items, source=str(ratings)), {"year": years})


def _text(row: dict[str, str]) -> str:
    return f"{row['title']} {row['genres'].replace('|', ' ')} {row['top_10_tags']}"


def _year(title: str) -> str:
    found = re.search(r"\((\d{4})\)\s*$", title)
    return found.group(1) if found else "unknown"


movielens_marginals = Dataset(
    name="movielens-marginals",
    title="MovieLens-20M, distribution level: rating shares of 500 films, and ratings of 2058 twins",
    licence="GroupLens terms of use for MovieLens 20M (research, no redistribution without permission)",
    citation="Harper and Konstan (2015), The MovieLens Datasets; twins: paper A, section 7.3",
    repository=SYN_DIGITS,
    files={f"{_FOLDER}/{name}": sha256 for name, sha256 in _FILES.items()},
    load=load,
)
datasets.add("movielens-marginals", movielens_marginals)

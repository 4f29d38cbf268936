"""Tables 2, 4 and 5 of paper A: the ten methods on new items and new respondents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from truetwin.calibration.calibrators import PAPER_METHODS, methods
from truetwin.calibration.design import PAPER_PREPROCESSING
from truetwin.data import Panel
from truetwin.datasets import datasets, twin_2k_500
from truetwin.datasets.pinned_dataset import MIRROR_VARIABLE
from truetwin.errors import DatasetError, ParameterError, UnknownNameError
from truetwin.evaluation import evaluate
from truetwin.registry import closest
from truetwin.reproduction.gains import with_gains
from truetwin.reproduction.published import published_mean

METRIC = "pearson-paper"


@dataclass(frozen=True)
class Part:
    """Row of cells: a dataset, how its twins were made, and where the paper's figures are."""

    dataset: str
    construction: str | None
    published_under: str


@dataclass(frozen=True)
class Table:
    """Table of the paper: its data, its protocol, and the baselines beside the methods."""

    protocol: str
    parts: Callable[[], list[Part]]
    baselines: tuple[str, ...]


def _constructions() -> list[Part]:
    names = list(twin_2k_500.CONSTRUCTIONS)
    if os.environ.get(MIRROR_VARIABLE):
        names = twin_2k_500.available_constructions()
    return [Part("twin-2k-500", name, name) for name in names]


TABLES = {
    "table-2": Table(
        "leave-one-item-out",
        lambda: [Part("movielens", None, "movielens")],
        ("twin", "in-context", "human-respondent-mean"),
    ),
    "table-4": Table("leave-one-item-out", _constructions, ("twin", "human-respondent-mean")),
    "table-5": Table(
        "leave-one-respondent-out",
        lambda: [
            Part("movielens", None, "movielens"),
            Part("twin-2k-500", twin_2k_500.DEFAULT_CONSTRUCTION, "twin-2k-500"),
        ],
        ("twin", "twin-item-mean", "human-item-mean"),
    ),
}


def reproduce_table(
    table: str,
    *,
    construction: str | None = None,
    dataset: str | None = None,
    chosen: Sequence[str] | None = None,
    n_jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Compute a table of paper A with its settings and its metric, cell by cell.

    Parameters
    ----------
    table : {"table-2", "table-4", "table-5"}
        Name of the table.
    construction : str, optional
        Only this persona construction of Twin-2K-500.
    dataset : str, optional
        Only this dataset.
    chosen : sequence of str, optional
        Only these methods; by default all ten, the paper's under-converged synthetic control, and baselines.
    n_jobs : int
        Number of parallel workers.
    progress : callable, optional
        Called with the number of finished and of all folds of the current part.

    Yields
    ------
    dict
        One cell: dataset, construction, method, mean, standard error, mean by Fisher's z, counts, the paper's figure,
        the difference, and gains over baselines (:func:`~truetwin.reproduction.gains.with_gains`).
    """
    spec = TABLES[table]
    names = list(chosen) if chosen else [*spec.baselines, *PAPER_METHODS, "synthetic-control-paper"]
    names = [methods.resolve(name) for name in names]
    for part in _selected(table, spec, construction, dataset):
        panel: Panel = datasets[part.dataset].load(*([part.construction] if part.construction else []))
        scores = evaluate(
            panel,
            names,
            spec.protocol,
            metric=METRIC,
            baseline=names[0],
            preset=part.dataset,
            preprocessing=PAPER_PREPROCESSING,
            n_jobs=n_jobs,
            progress=progress,
        )
        # the paper's standard errors take targets as independent
        rows = replace(scores, clusters=()).summary()
        yield from with_gains([_cell(table, part, row, scores.shared_seconds) for row in rows])


def _cell(table: str, part: Part, row: dict[str, Any], shared_seconds: float) -> dict[str, Any]:
    paper = published_mean(table, part.published_under, row["method"])
    return {
        "dataset": part.dataset,
        "construction": part.construction,
        "method": row["method"],
        "mean": row["mean"],
        "standard_error": row["standard_error"],
        "fisher_mean": row["fisher_mean"],
        "n_scored": row["n_scored"],
        "n_unscored": row["n_unscored"],
        "paper": paper,
        "difference": None if paper is None else row["mean"] - paper,
        "seconds": row["seconds"],
        "shared_seconds": shared_seconds,
    }


def _selected(table: str, spec: Table, construction: str | None, dataset: str | None) -> list[Part]:
    if dataset is not None:
        datasets.resolve(dataset)
    if construction is not None and construction not in twin_2k_500.CONSTRUCTIONS:
        known = list(twin_2k_500.CONSTRUCTIONS)
        raise UnknownNameError(
            f"no persona construction named {construction!r}.{closest(construction, known)} There are "
            f"{', '.join(known)}."
        )
    parts = [
        part
        for part in spec.parts()
        if dataset in (None, part.dataset) and construction in (None, part.construction)
    ]
    if not parts:
        if construction is not None and table == "table-4":
            raise DatasetError(
                f"the answers of construction {construction!r} are not in the mirror that {MIRROR_VARIABLE} names"
            )
        asked = " and ".join(
            f"{what} {name!r}"
            for what, name in (("dataset", dataset), ("construction", construction))
            if name is not None
        )
        has = dict.fromkeys(part.dataset for part in spec.parts())
        raise ParameterError(f"{table} has no part with {asked}; its datasets are {', '.join(has)}")
    return parts

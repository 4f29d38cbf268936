"""Measure methods in worlds with known truth, and write the tables of docs/worlds.md.

Usage: python benchmarks/worlds.py [--repeats 20] [--write]. No data are needed.

Every world is generated several times (:mod:`truetwin.datasets.worlds`), and each method predicts its new items, or
its new people. A figure is the mean over repeats of the mean over targets, with the standard error over repeats, so
that items of one world do not count as independent. Scores are against what everybody would have answered:

- r: correlation over people by item; a constant prediction counts as 0; an item that all answer alike is left out;
- rmse: root mean squared error, in sds of the item's answers;
- coverage: share of true answers inside the 90% intervals;
- shares: total variation distance between expected and true shares of the categories. Where a method has no
  probabilities, its rounded predictions are counted;
- accuracy: share of right categories, nominal items only.

Predictions are those of the method alone: laws of persons add up to their own shares, and are not fitted to pooled
ones as the method auto of ``truetwin.calibrate`` does by default. Pooled shares and their intervals are scored by the
table of estimates (:mod:`world_estimates`).
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import world_estimates
from truetwin.calibration import Calibration, calibrate
from truetwin.data import Scale
from truetwin.datasets import World, generate_world
from truetwin.datasets.worlds import MIXED
from truetwin.errors import NotPredictableError, ParameterError

Array = NDArray[np.float64]
PAGE = Path(__file__).parents[1] / "docs" / "worlds.md"
LEVEL = 0.9
FIRST_SEED = 70


@dataclass(frozen=True)
class Study:
    """Worlds, methods and measures of one table.

    Attributes
    ----------
    name : str
        Name of the table in the page.
    worlds : mapping from str to callable
        From a row's name to a function that generates its world from a seed.
    methods : tuple of str
    measures : mapping from str to callable
        From a column's name to a function of a world and a result; NaN where it is undefined.
    """

    name: str
    worlds: Mapping[str, Callable[..., World]]
    methods: tuple[str, ...]
    measures: Mapping[str, Callable[[Result], float]]


@dataclass(frozen=True)
class Result:
    """What one method predicted in one world.

    Attributes
    ----------
    world : World
    calibration : Calibration
    rows, columns : ndarray of int
        Cells of the grid that are scored: new people by known items, or everybody by new items.
    """

    world: World
    calibration: Calibration
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    axis: str = field(default="item")

    def items(self, *kinds: str) -> Iterable[tuple[int, str, Scale]]:
        """Yield position, id and scale of the scored items of some kinds."""
        panel = self.world.panel
        for j in self.columns:
            item = panel.item_ids[j]
            if panel.scales[item].kind in kinds:
                yield j, item, panel.scales[item]

    def pair(self, j: int) -> tuple[Array, Array]:
        """Return true and predicted answers to one item."""
        return self.world.truth.values[self.rows, j], self.calibration.grid[self.rows, j]


def correlation(result: Result) -> float:
    found = []
    for j, _, _ in result.items("ordinal", "numeric"):
        y, f = result.pair(j)
        there = np.isfinite(f)
        if there.any() and np.ptp(y) > 0:
            constant = np.ptp(f[there]) <= 1e-9 or np.ptp(y[there]) <= 0
            found.append(0.0 if constant else np.corrcoef(y[there], f[there])[0, 1])
    return mean(found)


def error(result: Result) -> float:
    found = []
    for j, _, _ in result.items("ordinal", "numeric"):
        y, f = result.pair(j)
        if np.isfinite(f).any() and y.std() > 0:
            found.append(np.sqrt(np.nanmean((y - f) ** 2)) / y.std())
    return mean(found)


def coverage(result: Result) -> float:
    """Compute the share of true answers inside the intervals; NaN for a method without intervals."""
    try:
        ends = result.calibration.intervals(LEVEL, result.axis)
    except ParameterError:
        return float("nan")
    panel = result.world.panel
    low, high = (np.full(panel.human_values.shape, np.nan) for _ in range(2))
    for target, (lower, upper) in ends.items():
        if result.axis == "item":
            low[:, panel.item_ids.index(target)], high[:, panel.item_ids.index(target)] = lower, upper
        else:
            low[panel.respondent_ids.index(target)], high[panel.respondent_ids.index(target)] = lower, upper
    cells = np.ix_(result.rows, [j for j, _, _ in result.items("ordinal", "numeric")])
    y, low, high = result.world.truth.values[cells], low[cells], high[cells]
    there = np.isfinite(low)
    inside = (y >= low - 1e-9) & (y <= high + 1e-9)
    return float(inside[there].mean()) if there.any() else float("nan")


def share_error(result: Result) -> float:
    found = []
    for j, item, scale in result.items("ordinal", "nominal"):
        y, f = result.pair(j)
        if np.isfinite(f).any():
            codes = np.asarray(scale.categories)
            true = (y[:, None] == codes).mean(axis=0)
            found.append(np.abs(expected_shares(result, item, f, scale) - true).sum() / 2)
    return mean(found)


def expected_shares(result: Result, item: str, predicted: Array, scale: Scale) -> Array:
    try:
        law = result.calibration.law(item)
        wanted = {result.world.panel.respondent_ids[r] for r in result.rows}
        among = [r in wanted for r in law.respondent_ids]
        return np.nanmean(law.probabilities()[among], axis=0)
    except ParameterError:
        rounded = scale.snap(predicted[np.isfinite(predicted)])
        return np.asarray((rounded[:, None] == np.asarray(scale.categories)).mean(axis=0))


def accuracy(result: Result) -> float:
    """Compute the share of right categories of nominal items."""
    found = []
    for j, _, scale in result.items("nominal"):
        y, f = result.pair(j)
        there = np.isfinite(f)
        if there.any():
            found.append(np.mean(scale.snap(f[there]) == y[there]))
    return mean(found)


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


world = partial(generate_world, n_respondents=300, n_items=40, n_new_items=10)
ITEM_MEASURES = {"r": correlation, "rmse": error, "coverage": coverage, "shares": share_error}
ITEMS = Study(
    "new-items",
    {
        **{
            twins: partial(world, twins)
            for twins in ("noise", "perfect", "good", "base", "misaligned", "inverted", "nostruct")
        },
        "mixed scales": partial(world, "base", kinds=MIXED, n_items=48, n_new_items=12),
        "70% missing": partial(world, "base", missing=0.7),
        "15 people": partial(world, "base", n_respondents=15),
        "informative missingness": partial(world, "base", missing="informative"),
    },
    ("twin", "human-respondent-mean", "ridge", "auto"),
    ITEM_MEASURES,
)
NOMINAL = Study(
    "nominal-items",
    {
        twins: partial(
            generate_world, twins, 300, 30, n_new_items=6, kinds=("nominal", "five-point"), missing=0.1
        )
        for twins in ("good", "base", "noise")
    },
    ("twin", "ridge", "auto"),
    {"accuracy": accuracy, "shares": share_error},
)
PEOPLE = Study(
    "new-people",
    {
        f"{twins}, {n} known": partial(
            generate_world, twins, n + 300, 30, n_new_items=0, n_new_respondents=300
        )
        for twins in ("perfect", "base", "noise")
        for n in (30, 60, 200)
    },
    ("twin", "human-item-mean", "auto"),
    {"r": correlation, "rmse": error, "coverage": coverage},
)
STUDIES = {study.name: study for study in (ITEMS, NOMINAL, PEOPLE)}
ESTIMATES: dict[str, Callable[..., world_estimates.Surveyed]] = {
    **{name: partial(world_estimates.of_world, generate) for name, generate in ITEMS.worlds.items()},
    **{
        f"{twins}, people {how}": partial(world_estimates.surveyed, twins, survey)
        for twins in ("noise", "good", "base")
        for survey, how in (("weights", "drawn unequally"), ("clusters", "in clusters"))
    },
}


@dataclass(frozen=True)
class Row:
    """Mean and standard error over repeats of each measure, for one method (or sample) in one world."""

    world: str
    method: str
    figures: Mapping[str, tuple[float, float]]


def run(study: Study, repeats: int) -> list[Row]:
    """Generate every world ``repeats`` times and score every method in it."""
    rows = []
    for name, generate in study.worlds.items():
        scores: dict[str, list[list[float]]] = {method: [] for method in study.methods}
        for seed in range(FIRST_SEED, FIRST_SEED + repeats):
            made = generate(random_state=seed)
            for method in study.methods:
                result = predicted(made, method)
                scores[method].append(
                    [np.nan if result is None else measure(result) for measure in study.measures.values()]
                )
        for method, values in scores.items():
            rows.append(Row(name, method, summary(study.measures, np.array(values))))
            print(line(study.name, rows[-1]), flush=True)
    return rows


def run_estimates(worlds: Mapping[str, Callable[..., world_estimates.Surveyed]], repeats: int) -> list[Row]:
    """Estimate the new items of every world, before anybody has answered them and with answers of some people."""
    rows = []
    for name, generate in worlds.items():
        found: dict[str, list[dict[str, float]]] = {}
        for seed in range(FIRST_SEED, FIRST_SEED + repeats):
            for answers, figures in world_estimates.scores(generate(random_state=seed)).items():
                found.setdefault(answers, []).append(figures)
        for answers, figures_of in found.items():
            values = np.array([list(each.values()) for each in figures_of])
            rows.append(Row(name, answers, summary(figures_of[0], values)))
            print(line("estimates", rows[-1]), flush=True)
    return rows


def estimate_tables(rows: Sequence[Row], repeats: int) -> dict[str, str]:
    """Write the table of estimates before anybody has answered, and the one with answers of some people."""
    nobody = [row for row in rows if row.method == world_estimates.NOBODY]
    some = [row for row in rows if row.method != world_estimates.NOBODY]
    return {
        "estimates": markdown(["world"], nobody, repeats),
        "estimates-with-answers": markdown(["world", "people drawn"], some, repeats),
    }


def predicted(made: World, method: str) -> Result | None:
    """Predict the new items, or else the new people, of a world; None where nothing can be predicted."""
    panel = made.panel
    try:
        found = calibrate(panel, method)
    except NotPredictableError:
        return None
    if panel.new_items:
        columns = np.array([panel.item_ids.index(i) for i in panel.new_items])
        return Result(made, found, np.arange(len(panel.respondent_ids)), columns)
    rows = np.array([panel.respondent_ids.index(r) for r in panel.new_respondents])
    return Result(made, found, rows, np.arange(len(panel.item_ids)), "respondent")


def summary(names: Iterable[str], values: Array) -> dict[str, tuple[float, float]]:
    figures = {}
    for name, column in zip(names, values.T, strict=True):
        known = column[np.isfinite(column)]
        spread = known.std(ddof=1) / np.sqrt(known.size) if known.size > 1 else float("nan")
        figures[name] = (float(known.mean()) if known.size else float("nan"), float(spread))
    return figures


def cell(figure: tuple[float, float]) -> str:
    mean, spread = figure
    return f"{mean:.3f} ({spread:.3f})" if np.isfinite(mean) else "-"


def line(study: str, row: Row) -> str:
    figures = "".join(f"{name:>10s} {cell(figure):15s}" for name, figure in row.figures.items())
    return f"{study:14s} {row.world:24s} {row.method:22s}{figures}"


def markdown(labels: Sequence[str], rows: Sequence[Row], repeats: int) -> str:
    """Write a table: one row a world and method, or a world alone."""
    head = [*labels, *rows[0].figures]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        told = [row.world, row.method][: len(labels)]
        lines.append("| " + " | ".join([*told, *map(cell, row.figures.values())]) + " |")
    return "\n".join([f"Means over {repeats} worlds a row.", "", *lines])


def put_into_page(text: str, tables: Mapping[str, str]) -> str:
    """Put each table between its two marks in the page."""
    for name, table in tables.items():
        begin, end = f"<!-- table {name} -->", f"<!-- end {name} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--table", action="append", choices=[*STUDIES, "estimates"])
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    arguments = parser.parse_args()
    for name in arguments.table or [*STUDIES, "estimates"]:
        if name == "estimates":
            tables = estimate_tables(run_estimates(ESTIMATES, arguments.repeats), arguments.repeats)
        else:
            rows = run(STUDIES[name], arguments.repeats)
            tables = {name: markdown(["world", "method"], rows, arguments.repeats)}
        if arguments.write:
            PAGE.write_text(put_into_page(PAGE.read_text(), tables))


if __name__ == "__main__":
    main()

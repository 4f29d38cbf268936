"""Show what the limit of the agreement rule does, and how flat its choice is, on data that had no part in it.

    python benchmarks/agreement.py [--experiments FOLDER] [--twin-2k]

The rule and its limit, kappa, are explained in :mod:`truetwin.calibration.auto.agreement`. Whole batteries are hidden.
A row is a value of kappa: 0 is the twin alone, inf no limit at all, and "rule" what the calibrator chooses by itself.
"zero" is the mean correlation with people's answers over items, undefined counted as 0. "gain" is the paired difference
to the twin where both are defined, over items and over batteries, with errors clustered by battery.

Generated worlds have batteries of five items. Films of MovieLens have no batteries and are divided at random into 25.
``--experiments`` names a folder with human.csv, twin.csv and items.csv (item_id, block):
the experiments of the Twin-2K-500 mega study, each study a battery. ``--twin-2k`` adds the constructions on which the
rule was designed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from truetwin.calibration.auto.agreement import Parts, correlation
from truetwin.calibration.auto.new_items import predict_items
from truetwin.calibration.auto.pseudo_targets import FoldFeatures, Problem
from truetwin.data import Panel
from truetwin.datasets import generate_world, movielens, twin_2k_500
from truetwin.evaluation.mean_scores import clustered_ratio, mean_over_clusters
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.io import read_blocks, read_responses

Array = NDArray[np.float64]
KAPPAS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 10.0, np.inf)
WORLDS = ("good", "base", "misaligned", "inverted", "nostruct", "noise")


def problem_of(panel: Panel, blocks: Mapping[str, str]) -> Problem:
    """Lay a panel out as the calibrator does."""
    order = sorted(range(len(panel.item_ids)), key=lambda k: panel.item_ids[k])
    names = tuple(panel.item_ids[k] for k in order)
    return Problem(
        panel.human_values[:, order],
        panel.twin_values[:, order],
        tuple(blocks[name] for name in names),
        panel.respondent_ids,
        names,
    )


def correlations(problem: Problem) -> tuple[dict[str, Array], list[str]]:
    """Hide every battery in turn; return the correlation of each item by kappa, and the items' batteries."""
    folds = [tuple(np.flatnonzero(problem.block == b).tolist()) for b in np.unique(problem.block)]
    found = predict_items(problem, folds, block_blind=False)
    features, n = FoldFeatures(problem, folds), len(problem.sample_ids)
    parts = [np.zeros((2, n, len(fold))) for fold in folds]

    def keep(k: int, t: int, who: NDArray[np.intp], F: Array) -> None:
        parts[k][:, who, t] = found[k].stacks[t].parts(F.T)

    features.walk(np.ones(n, dtype=bool), {}, keep)
    rows: dict[str, list[float]] = {f"{kappa:g}": [] for kappa in KAPPAS} | {"rule": [], "twin": []}
    batteries = []
    for k, fold in enumerate(folds):
        there = problem.people.seen[:, problem.donors(fold)].any(axis=1)
        for t, item in enumerate(fold):
            answered = there & problem.people.seen[:, item]
            if found[k].situations[t] != "new battery" or problem.people.values[answered, item].std() < 1e-9:
                continue
            here, scored = (Parts.of(parts[k][:, who, t]) for who in (there, answered))
            donors, own = parts[k][:, answered, t] - parts[k][:, answered, t].mean(axis=1, keepdims=True)
            y, t_own = problem.people.values[answered, item], problem.twins.values[answered, item]
            rows["twin"].append(np.corrcoef(t_own, y)[0, 1] if t_own.std() > 1e-9 else np.nan)
            for name, kappa in [*((f"{v:g}", v) for v in KAPPAS), ("rule", found[k].stacks[t].limit)]:
                kept = here.kept(kappa)
                product = kept * (donors @ y) / len(y) + (own @ y) / len(y)
                rows[name].append(float(correlation(scored.variance(kept), product)[0] / y.std()))
            batteries.append(problem.blocks[item])
    return {name: np.array(values) for name, values in rows.items()}, batteries


def data_sets(arguments: argparse.Namespace) -> Iterator[tuple[str, Problem]]:
    """Yield the data sets by name."""
    for twins in WORLDS:
        panel = generate_world(twins, 300, 40, n_new_items=0, random_state=70).panel
        yield (
            f"generated, {twins}",
            problem_of(panel, {i: f"b{k // 5}" for k, i in enumerate(panel.item_ids)}),
        )
    panel = movielens.load()
    at_random = np.random.default_rng(0).integers(0, 25, len(panel.item_ids))
    yield (
        "MovieLens, random",
        problem_of(panel, {i: f"b{b}" for i, b in zip(panel.item_ids, at_random, strict=True)}),
    )
    if arguments.experiments:
        human, twin = (read_responses(arguments.experiments / f"{side}.csv") for side in ("human", "twin"))
        yield (
            "experiments, studies",
            problem_of(Panel(human, twin), read_blocks(arguments.experiments / "items.csv")),
        )
    if arguments.twin_2k:
        for name in twin_2k_500.available_constructions():
            panel = twin_2k_500.load(name)
            yield f"Twin-2K, {name}", problem_of(panel, resolve_blocks(panel, "auto")[0])


def main() -> None:
    """Print one table for each data set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=Path)
    parser.add_argument("--twin-2k", action="store_true")
    for name, problem in data_sets(parser.parse_args()):
        found, batteries = correlations(problem)
        twin = found.pop("twin")
        both = np.isfinite(twin)
        print(
            f"{name}: {len(batteries)} items, {len(set(batteries))} batteries, twin {np.nan_to_num(twin).mean():.4f}"
        )
        print(f"  {'kappa':>6}{'zero':>8}{'gain':>9}{'s.e.':>8}{'by battery':>12}{'s.e.':>8}")
        for kappa, r in found.items():
            gain, of = (r - twin)[both], [b for b, there in zip(batteries, both, strict=True) if there]
            items, each = (f(gain, np.ones(gain.size), of) for f in (clustered_ratio, mean_over_clusters))
            print(
                f"  {kappa:>6}{r.mean():8.4f}{items.value:+9.4f}{items.standard_error:8.4f}"
                f"{each.value:+12.4f}{each.standard_error:8.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Measure how often intervals of correlations between new items hold in generated populations, or in public data.

Usage, without data: python benchmarks/relations.py [--populations 12] [--first-seed 0] [--people 150] [--items 20]
       with it:      python benchmarks/relations.py --data movielens|twin-2k-500 [--repeats 2]

Each population has four new items, which make six pairs. The truth is the correlation of the people's true answers.
"width" is the mean width of the 90% intervals; the standard error is over populations, whose pairs are not independent.
The null expects 0, as far off as the true correlations of the answered items are.

In public data 30 items are hidden from 300 people. The truth is the correlation among those who answered both items, at
least 30. By chance it differs from that of everybody: intervals are widened by as much (Fisher's z). The standard error
is over hidden items.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
from dataclasses import replace
from itertools import combinations

import numpy as np

import truetwin as tt
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import datasets, generate_population

NEW = 4
PEOPLE, HIDDEN, LEAST_PAIRS = 300, 30, 30


def main() -> None:
    """Print the share of intervals that hold, and their mean width."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--populations", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--people", type=int, default=150)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--data", choices=["movielens", "twin-2k-500"])
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    if options.data:
        hidden_in(datasets[options.data].load(), options.repeats)
        return
    held, widths, errors, null = [], [], [], []
    for seed in range(options.first_seed, options.first_seed + options.populations):
        population = generate_population(options.people, options.items, n_new_items=NEW, random_state=seed)
        answers = population.truth.values
        true, known = (
            np.corrcoef(part, rowvar=False)[np.triu_indices(part.shape[1], 1)]
            for part in (answers[:, -NEW:], answers[:, :-NEW])
        )
        found = correlations(tt.estimate(population.panel, statistics="correlation"))
        estimate, lower, upper = np.array(list(found.values())).T
        held.append(np.mean((lower <= true) & (true <= upper)))
        widths.append(np.mean(upper - lower))
        errors.append(np.mean((estimate - true) ** 2))
        half = 1.645 * np.sqrt(np.mean(known**2))
        null.append((np.mean(np.abs(true) <= half), 2 * half, np.mean(true**2)))
    n, error = len(held), np.sqrt(np.mean(errors))
    print(
        f"{n} populations, {len(true) * n} pairs of new items: {np.mean(held):.3f} hold "
        f"(SE {np.std(held, ddof=1) / np.sqrt(n):.3f}), width {np.mean(widths):.2f}, error {error:.3f}"
    )
    share, width, square = np.mean(null, axis=0)
    print(f"null: {share:.3f} hold, width {width:.2f}, error {np.sqrt(square):.3f}")


def correlations(estimates: tt.Estimates) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Return estimate, lower and upper bound of each pair of items."""
    return {
        (row["item"], row["category"].removeprefix("with ")): (row["estimate"], row["lower"], row["upper"])
        for row in estimates.rows
        if row["statistic"] == "correlation"
    }


def hidden_in(panel: Panel, repeats: int) -> None:
    """Hide items of public data, and print the share of intervals that hold the correlations found there."""
    held, widths, errors, by_item = [], [], [], []
    for repeat in range(repeats):
        rng = np.random.default_rng(700 + repeat)
        people = np.sort(rng.permutation(len(panel.respondent_ids))[:PEOPLE])
        truth, twin = panel.human_values[people], panel.twin_values[people]
        usable = (np.isfinite(truth).sum(axis=0) >= LEAST_PAIRS) & (np.nanstd(truth, axis=0) > 1e-9)
        hidden = np.sort(rng.choice(np.flatnonzero(usable), HIDDEN, replace=False))
        seen = truth.copy()
        seen[:, hidden] = np.nan
        ids = [panel.respondent_ids[k] for k in people]
        items = [replace(panel.items[i], scale=panel.scales[i]) for i in panel.item_ids]
        half = Panel(ResponseMatrix(seen, ids, items), ResponseMatrix(twin, ids, items))
        names = [panel.item_ids[h] for h in hidden]
        found = correlations(tt.estimate(half, items=names, statistics="correlation"))
        table = np.full((HIDDEN, HIDDEN), np.nan)
        for i, j in combinations(range(HIDDEN), 2):
            both = truth[:, hidden[[i, j]]]
            both = both[np.isfinite(both).all(axis=1)]
            if len(both) < LEAST_PAIRS or not np.ptp(both, axis=0).all() or (names[i], names[j]) not in found:
                continue
            true = np.corrcoef(both.T)[0, 1]
            estimate, lower, upper = found[names[i], names[j]]
            low, high = np.arctanh([lower, upper])
            chance = 1.645**2 * max(1 / (len(both) - 3) - 1 / (PEOPLE - 3), 0)
            far = abs(np.arctanh(np.clip(true, -0.999, 0.999)) - (low + high) / 2)
            table[i, j] = table[j, i] = far <= np.hypot((high - low) / 2, np.sqrt(chance))
            held.append(table[i, j])
            widths.append(upper - lower)
            errors.append((estimate - true) ** 2)
        by_item += list(np.nanmean(table, axis=1))
    shares = np.array(by_item)[np.isfinite(by_item)]
    error = shares.std(ddof=1) / np.sqrt(len(shares))
    print(
        f"{len(held)} pairs of hidden items: {np.mean(held):.3f} hold (SE {error:.3f}), "
        f"width {np.mean(widths):.2f}, error {np.sqrt(np.mean(errors)):.3f}"
    )


if __name__ == "__main__":
    main()

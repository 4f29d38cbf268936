"""Measure how often intervals of correlations between new items hold in generated populations.

Usage: python benchmarks/relations.py [--populations 12] [--first-seed 0] [--people 150] [--items 20]; needs no data.

Each population has four new items, which make six pairs. The truth is the correlation of the people's true answers.
"width" is the mean width of the 90% intervals; the standard error is over populations, whose pairs are not independent.
The null expects 0, as far off as the true correlations of the answered items are.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse

import numpy as np

import truetwin as tt
from truetwin.datasets import generate_population

NEW = 4


def main() -> None:
    """Print the share of intervals that hold, and their mean width."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--populations", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--people", type=int, default=150)
    parser.add_argument("--items", type=int, default=20)
    options = parser.parse_args()
    held, widths, errors, null = [], [], [], []
    for seed in range(options.first_seed, options.first_seed + options.populations):
        population = generate_population(options.people, options.items, n_new_items=NEW, random_state=seed)
        answers = population.truth.values
        true, known = (
            np.corrcoef(part, rowvar=False)[np.triu_indices(part.shape[1], 1)]
            for part in (answers[:, -NEW:], answers[:, :-NEW])
        )
        rows = [
            row
            for row in tt.estimate(population.panel, statistics="correlation").rows
            if row["statistic"] == "correlation"
        ]
        estimate, lower, upper = np.array(
            [[row[k] for k in ("estimate", "lower", "upper")] for row in rows]
        ).T
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


if __name__ == "__main__":
    main()

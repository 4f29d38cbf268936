"""Measure how often intervals of correlations between new items hold in generated populations.

Usage: python benchmarks/relations.py [--populations 12] [--first-seed 0] [--people 150] [--items 20]; needs no data.

Each population has four new items, which make six pairs. The truth is the correlation of the people's true answers.
"width" is the mean width of the 90% intervals.
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
    held, widths = [], []
    for seed in range(options.first_seed, options.first_seed + options.populations):
        population = generate_population(options.people, options.items, n_new_items=NEW, random_state=seed)
        true = np.corrcoef(population.truth.values[:, -NEW:], rowvar=False)[np.triu_indices(NEW, 1)]
        rows = [
            row
            for row in tt.estimate(population.panel, statistics="correlation").rows
            if row["statistic"] == "correlation"
        ]
        ends = np.array([[row["lower"], row["upper"]] for row in rows])
        held += ((ends[:, 0] <= true) & (true <= ends[:, 1])).tolist()
        widths += (ends[:, 1] - ends[:, 0]).tolist()
    print(f"{len(held)} pairs of new items: {np.mean(held):.3f} hold, width {np.mean(widths):.2f}")


if __name__ == "__main__":
    main()

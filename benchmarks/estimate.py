"""Measure the time of `estimate` with intervals, three columns of groups and weights, on one core.

Usage: python benchmarks/estimate.py [--items 123]; needs the public data (TRUETWIN_DATA_MIRROR or the network).

The targets are items of Twin-2K-500 whose twins come from another persona construction, under new names: 2,058 people
have answered 123 items, and their twins these and 123 more.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time

import numpy as np

from truetwin.data import Item, Panel, ResponseMatrix
from truetwin.data.people import People
from truetwin.datasets import twin_2k_500
from truetwin.estimation.estimation import estimate

OTHER = "JSON Persona - GPT4.1-mini"


def panel_with_new_items(n_items: int) -> Panel:
    """Make a panel in which twins have answered further items, with groups and weights."""
    first, second = twin_2k_500.load(), twin_2k_500.load(OTHER)
    ids = first.respondent_ids
    more = second.twin.on_grid(ids, second.item_ids)[:, :n_items]
    names = [Item(f"new {item}", scale=first.scales[item]) for item in second.item_ids[:n_items]]
    twin = ResponseMatrix(
        np.column_stack([first.twin_values, more]),
        ids,
        [*(first.items[i] for i in first.item_ids), *names],
        expectations=True,
    )
    rng = np.random.default_rng(0)
    columns = {
        name: np.array([f"{name} {k}" for k in rng.integers(0, n, len(ids))], dtype=object)
        for name, n in (("age", 5), ("region", 4), ("sex", 2))
    }
    people = People(ids, {**columns, "weight": np.exp(0.4 * rng.standard_normal(len(ids)))})
    return Panel(first.human, twin, people=people)


def main() -> None:
    """Estimate, and print the time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=123)
    panel = panel_with_new_items(parser.parse_args().items)
    begin, cpu = time.perf_counter(), time.process_time()
    found = estimate(panel, by=["age", "region", "sex"], weights="weight")
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    n, m = len(panel.respondent_ids), len(found.verdicts)
    print(f"{m} targets, {n} people, three columns of groups, weights: {wall:.1f} s wall, {cpu:.1f} s CPU")
    print(f"{len(found.rows)} rows")


if __name__ == "__main__":
    main()

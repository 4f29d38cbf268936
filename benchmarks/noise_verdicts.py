"""Measure in generated worlds whether twins that know nothing are told from twins that help.

Usage: python benchmarks/noise_verdicts.py [--worlds 40] [--first-seed 5000]; needs no data.

Each world has new items of every kind of scale. "calibrate" and "use the twin" are the numbers of new items that got
this verdict of `truetwin.diagnose`, "rightly" those of "calibrate" whose predictions reach a correlation of .1 with
the true answers. "reached" is the mean of these correlations over all new items.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse

import numpy as np

import truetwin as tt
from truetwin.data import Panel
from truetwin.datasets import generate_world

#: People, items and new items of a world.
SIZES = ((60, 9, 3), (60, 14, 3), (150, 20, 3))
KINDS = ("noise", "base", "good", "misaligned", "inverted")
USEFUL = 0.1


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Correlate two columns; NaN where one is constant."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3 or min(np.ptp(a[both]), np.ptp(b[both])) == 0:
        return np.nan
    return float(np.corrcoef(a[both], b[both])[0, 1])


def judged(panel: Panel, truth: np.ndarray) -> tuple[list[str], list[float]]:
    """Return the verdict on each new item, and the correlation that predictions of it reach."""
    predicted = tt.calibrate(panel)
    verdicts = {row["item"]: row["verdict"] for row in tt.diagnose(panel, method="auto").verdicts}
    columns = [panel.item_ids.index(item) for item in panel.new_items]
    reached = [correlation(predicted.grid[:, j], truth[:, j]) for j in columns]
    return [verdicts[item] for item in panel.new_items], reached


def main() -> None:
    """Print a line for each kind of twins and size of world."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=5000)
    options = parser.parse_args()
    print("twins       people items  new  calibrate  rightly  use the twin  reached")
    for kind in KINDS:
        for people, items, new in SIZES:
            verdicts: list[str] = []
            reached: list[float] = []
            for seed in range(options.first_seed, options.first_seed + options.worlds):
                world = generate_world(kind, people, items, n_new_items=new, random_state=seed)
                said, found = judged(world.panel, world.truth.values)
                verdicts += said
                reached += found
            told = np.array(verdicts)
            right = (told == "calibrate") & (np.array(reached) >= USEFUL)
            print(
                f"{kind:12}{people:6}{items:6}{told.size:5}{(told == 'calibrate').sum():11}{right.sum():9}"
                f"{(told == 'use the twin').sum():14}{np.nanmean(reached):9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

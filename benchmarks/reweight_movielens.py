"""Fit all seven objectives in three variants on MovieLens, to a thousandth of the optimum.

Printed are CPU seconds, steps, and the proven gap to the optimum.

python benchmarks/reweight_movielens.py      # needs the published data (download, or TRUETWIN_DATA_MIRROR)
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time

from truetwin.datasets import movielens_marginals
from truetwin.reweighting import DISCREPANCIES, Ensemble
from truetwin.reweighting.ensemble import VARIANTS
from truetwin.reweighting.marginal_inputs import align
from truetwin.reweighting.splits import train_test_splits


def main() -> None:
    data = movielens_marginals.load()
    table = align(data.twins, data.marginals, predict=()).table
    human = data.marginals.shares(table.item_ids)
    train, test = train_test_splits(table.n_items, 1)[0]
    known, hidden = table.take(train), table.take(test)
    total = 0.0
    print(
        f"{'variant':14s} {'objective':10s} {'CPU s':>7s} {'steps':>6s} {'minimum':>10s} {'gap':>8s} {'test':>8s}"
    )
    for variant in VARIANTS:
        for name in DISCREPANCIES:
            begun = time.process_time()  # seconds of one core, whatever else the machine does
            fit = Ensemble(discrepancy=name, variant=variant).fit(known, human[train], {})
            seconds = time.process_time() - begun
            total += seconds
            score = DISCREPANCIES[name].value(human[test], fit.predict(hidden)).mean()
            gap = fit.solution.gap / fit.solution.objective
            print(
                f"{variant:14s} {name:10s} {seconds:7.2f} {fit.solution.n_steps:6d} {fit.solution.objective:10.5g} "
                f"{gap:8.1e} {score:8.4g}"
            )
    print(f"together: {total:.1f} s of one core")


if __name__ == "__main__":
    main()

"""Measure the cost of the papers' tables for each method, beside the reference implementation.

    python benchmarks/tables.py [--table table-2|table-4|table-5] [--all-constructions] [--n-jobs 1]

Times of the reference are CPU seconds of the authors' code for one full leave-one-item-out sweep on one core of a
2-core machine. There, every linear method imputes missing answers by itself. Here, the methods share one imputation,
which is the first row. The column `yardsticks` is CPU time in the unit of `yardstick.py`, for comparisons across
machines. Seconds are CPU seconds of this process with one worker, and wall-clock seconds with several.
"""

from __future__ import annotations

import argparse
import os
import time
from functools import partial
from types import SimpleNamespace

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from truetwin.datasets import twin_2k_500
from truetwin.evaluation import fold_scores
from truetwin.reproduction import reproduce_table
from yardstick import Cost, cost

REFERENCE = {  # seconds: Twin-2K-500 (table 4), MovieLens (table 2)
    "ridge": (795, 587),
    "lasso": (797, 588),
    "elastic-net": (796, 588),
    "synthetic-control": (825, 626),
    "synthetic-intervention": (796, 591),
    "hard-svd": (250, 329),
    "soft-svd": (213, 515),
    "als": (239, 227),
    "synthetic-prior": (385, 258),
    "neural-net": (1118, 852),
}


def main() -> None:
    """Run the methods and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", action="append", choices=["table-2", "table-4", "table-5"])
    parser.add_argument("--all-constructions", action="store_true", help="every construction at hand")
    parser.add_argument("--n-jobs", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.n_jobs == 1:  # a busy machine then shows in no method's seconds
        fold_scores.time = SimpleNamespace(perf_counter=time.process_time)
    for table in arguments.table or ["table-4", "table-2"]:
        construction = twin_2k_500.DEFAULT_CONSTRUCTION if table == "table-4" else None
        if arguments.all_constructions:
            construction = None
        rows: list[dict] = []
        computed = partial(reproduce_table, table, construction=construction, n_jobs=arguments.n_jobs)
        whole = cost(lambda rows=rows, computed=computed: rows.extend(computed()))
        report(table, rows, whole)
        print(f"{table}: {whole}; n_jobs={arguments.n_jobs}\n", flush=True)


def report(table: str, rows: list[dict], whole: Cost) -> None:
    """Print the cost of each method, its ratio to the reference, and its figure beside the paper's."""
    column = {"table-4": 0, "table-2": 1}.get(table)
    for dataset, construction in dict.fromkeys((r["dataset"], r["construction"]) for r in rows):
        here = [r for r in rows if (r["dataset"], r["construction"]) == (dataset, construction)]
        print(f"{dataset} {construction or ''}")
        heads = f"{'seconds':>9}{'yardsticks':>12}{'reference':>11}{'ratio':>8}"
        print(f"  {'method':26}{'mean':>8}{'paper':>8}{'diff':>9}{heads}")
        total, total_reference = here[0]["shared_seconds"], 0
        print(f"  {'imputation, shared':26}{'':25}{total:9.1f}{total / whole.yardstick:12.1f}")
        for r in here:
            known = column is not None and r["method"] in REFERENCE
            reference = REFERENCE[r["method"]][column] if known else 0
            paper = "" if r["paper"] is None else f"{r['paper']:.3f}"
            difference = "" if r["difference"] is None else f"{r['difference']:+.4f}"
            beside = f"{reference:11d}{reference / max(r['seconds'], 0.05):8.0f}" if reference else ""
            spent = f"{r['seconds']:9.1f}{r['seconds'] / whole.yardstick:12.1f}"
            print(f"  {r['method']:26}{r['mean']:8.4f}{paper:>8}{difference:>9}{spent}{beside}")
            total += r["seconds"]
            total_reference += reference
        ratio = f"{total_reference:11d}{total_reference / total:8.0f}" if total_reference else ""
        print(f"  {'all':26}{'':25}{total:9.1f}{total / whole.yardstick:12.1f}{ratio}")
        if len(rows) == len(here):
            rest = whole.seconds - total
            print(f"  {'outside the methods':26}{'':25}{rest:9.1f}{rest / whole.yardstick:12.1f}", flush=True)


if __name__ == "__main__":
    main()

"""Measure how methods predict a new battery on public data: the paper's methods, adaptive transfer, and ``auto``.

    python benchmarks/leave_block_out.py [--construction NAME]... [--methods NAME]... [--output FILE]

A battery is a set of items asked together. No human answer to any item of the target's battery is seen. The paper's
methods run with the settings that the paper published for Twin-2K-500, which were chosen on the same targets. A
construction is one way in which the twins were made. Without --construction, all available ones are run; each takes
about ten CPU minutes on one core. Needs the public data (TRUETWIN_DATA_MIRROR or the network).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from truetwin.calibration.calibrators import PAPER_METHODS
from truetwin.datasets import twin_2k_500
from truetwin.evaluation import evaluate

METHODS = ["twin", *PAPER_METHODS, "adaptive:ridge", "adaptive:elastic-net", "auto"]


def main() -> None:
    """Run the methods and print one table for each construction."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--construction", action="append")
    parser.add_argument("--methods", action="append", help="by default the paper's ten, adaptive, and auto")
    parser.add_argument("--output", type=Path, help="also write every target's scores, as JSON")
    arguments = parser.parse_args()
    scores: dict[str, dict[str, list[float]]] = {}
    for name in arguments.construction or twin_2k_500.available_constructions():
        begin = time.process_time()
        table = evaluate(
            twin_2k_500.load(name),
            arguments.methods or METHODS,
            "leave-block-out",
            metric=["pearson-paper", "pearson"],
            preset="twin-2k-500",
        )
        print(f"{name}: {len(table.target_ids)} targets, {time.process_time() - begin:.0f} s CPU", flush=True)
        print(f"  {'method':26}{'mean':>8}{'s.e.':>7}{'- twin':>9}{'s.e.':>7}{'pearson':>9}{'undefined':>11}")
        rows = {(r["method"], r["metric"]): r for r in table.summary("twin")}
        for (method, metric), row in rows.items():
            if metric == "pearson-paper":
                plain = rows[method, "pearson"]
                print(
                    f"  {method:26}{row['mean']:8.4f}{row['standard_error']:7.3f}"
                    f"{row.get('difference', 0.0):+9.4f}{row.get('difference_standard_error', 0.0):7.3f}"
                    f"{plain['mean']:9.4f}{plain['n_unscored']:11d}",
                    flush=True,
                )
        scores[name] = {f"{m} {metric}": list(values) for (m, metric), values in table.scores.items()}
        if arguments.output:
            arguments.output.write_text(json.dumps({"targets": list(table.target_ids), "scores": scores}))


if __name__ == "__main__":
    main()

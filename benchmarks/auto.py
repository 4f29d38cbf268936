"""Measure the automatic calibrator on the public data: accuracy, coverage of intervals, and time.

Usage: python benchmarks/auto.py [--all] [--large]; needs the public data (TRUETWIN_DATA_MIRROR or the network).
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
from threadpoolctl import threadpool_limits

from truetwin.calibration import calibrate
from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.datasets import generate_population, movielens, twin_2k_500
from truetwin.evaluation import evaluate, interval_coverage
from truetwin.evaluation.hiding_protocols import protocols
from truetwin.reproduction.published import published


def accuracy(name: str, panel, best: float) -> None:
    for label, protocol, model in (
        ("leave-one-item-out", "leave-one-item-out", Auto()),
        ("block-blind weights", "leave-one-item-out", Auto(weights="block-blind")),
        ("leave-block-out", "leave-block-out", Auto()),
    ):
        if name == "MovieLens" and label != "leave-one-item-out":
            continue
        start = time.process_time()
        table = evaluate(
            panel, {"auto": model}, protocol, metric=["pearson-paper", "pearson"], baseline="twin"
        )
        spent = time.process_time() - start
        rows = {(r["method"], r["metric"]): r for r in table.summary()}
        auto, twin = rows["auto", "pearson-paper"], rows["twin", "pearson-paper"]
        print(
            f"{name:45s} {label:20s} auto {auto['mean']:.4f} +- {auto['standard_error']:.4f}  "
            f"twin {twin['mean']:.4f}  paper's best (tuned, items out) {best:.3f}  "
            f"plain pearson {rows['auto', 'pearson']['mean']:.4f} "
            f"(twin {rows['twin', 'pearson']['mean']:.4f}, {rows['twin', 'pearson']['n_unscored']} undefined)  "
            f"{spent:.1f} s",
            flush=True,
        )
        if label != "block-blind weights":
            found = interval_coverage(panel, protocol)
            held, error, by_battery = clustered(panel, protocol, found)
            print(
                f"{'':45s} {label:20s} 90% intervals cover {found.mean:.3f}, median width "
                f"{np.nanmedian(found.width):.2f} sd; correlations as expected "
                f"{held:.3f} (SE over hidden units {error:.3f}; mean over units {by_battery:.3f})",
                flush=True,
            )


def clustered(panel, protocol: str, found) -> tuple[float, float, float]:
    """Return how many correlations were as expected, its error over items hidden together, and the mean over these."""
    unit = {t: k for k, fold in enumerate(protocols[protocol].folds(panel, None)) for t in fold.targets}
    known = np.isfinite(found.correlation_held)
    held = found.correlation_held[known]
    place = np.unique(
        [unit[panel.item_ids.index(i)] for i in np.array(found.target_ids)[known]], return_inverse=True
    )[1]
    sizes, sums = np.bincount(place), np.bincount(place, held)
    off, n = sums - sizes * held.mean(), sizes.size
    return (
        float(held.mean()),
        float(np.sqrt(n / (n - 1) * (off**2).sum()) / held.size),
        float((sums / sizes).mean()),
    )


def respondents(name: str, panel) -> None:
    table = evaluate(
        panel, ["auto", "human-item-mean"], "leave-one-respondent-out", metric=["pearson", "centred-pearson"]
    )
    found = interval_coverage(panel, "leave-one-respondent-out")
    print(
        f"{name:45s} new respondents     90% intervals cover {found.mean:.3f}, median width "
        f"{np.nanmedian(found.width):.2f} sd",
        flush=True,
    )
    for row in table.summary():
        print(
            f"{name:45s} new respondents     {row['method']:16s} {row['metric']:16s} {row['mean']:.4f}",
            flush=True,
        )


def large() -> None:
    panel = generate_population(50_000, 200, n_new_items=20, missing=0.2, random_state=0).panel
    start, cpu = time.perf_counter(), time.process_time()
    result = calibrate(panel)
    points = time.process_time() - cpu
    result.intervals(0.9)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"50,000 x 200, 20 new items, laws and intervals: {wall:.0f} s, {cpu:.1f} s CPU (points {points:.1f} s), peak "
        f"memory {peak:.1f} GB",
        flush=True,
    )


def main() -> None:
    with threadpool_limits(1):
        if "--large" in sys.argv:
            return large()
        accuracy("MovieLens", movielens.load(), 0.524)
        respondents("MovieLens", movielens.load())
        respondents("Twin-2K default", twin_2k_500.load())
        table = published()["table-4"]
        for name in (
            twin_2k_500.available_constructions() if "--all" in sys.argv else ["Text Persona - GPT4.1-mini"]
        ):
            best = max(v for k, v in table[name]["mean"].items() if k != "baseline")
            accuracy(name, twin_2k_500.load(name), best)


if __name__ == "__main__":
    main()

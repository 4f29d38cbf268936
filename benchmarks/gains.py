"""Measure what the default gains over the twin as it is, with both ways of forming batteries.

    TRUETWIN_DATA_MIRROR=... python benchmarks/gains.py [--construction NAME]... [--protocol NAME] [--paper]

Twin-2K-500 declares no batteries. They are formed from ids only, or from ids, missing answers and near-duplicates
(``--blocks auto`` of the command line). Coarser batteries hide more together, and have fewer and more honest clusters.
So a gain is stated with both.

"twin" and "auto" are mean correlations with people's answers over all items, undefined counted as 0. "gain as 0" is the
paired difference over the same items, "gain" that over the items for which both are defined, "by battery" the same with
every battery counted once. Standard errors are clustered by battery. "below -1 SE" in the last lines counts those
constructions whose gain lies under minus one standard error. With --paper, the means of the paper's ten methods stand
beside the twin's instead, undefined counted as 0 for all, with batteries from all evidence.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Any, Literal

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from truetwin.data import Panel
from truetwin.datasets import twin_2k_500
from truetwin.evaluation import evaluate
from truetwin.evaluation.mean_scores import clustered_ratio, mean_over_clusters
from truetwin.instrument.battery_evidence import resolve_blocks

Blocks = Literal["ids", "evidence"]
WAYS: tuple[Blocks, ...] = ("ids", "evidence")
PAPER = (
    *("ridge", "lasso", "elastic-net", "synthetic-control", "synthetic-intervention", "hard-svd", "soft-svd"),
    *("als", "synthetic-prior", "neural-net"),
)


def blocks_of(panel: Panel, way: Blocks) -> Mapping[str, str]:
    """Form batteries from ids only, or from all evidence."""
    return resolve_blocks(panel, "auto" if way == "evidence" else None)[0]


def gains(panel: Panel, blocks: Mapping[str, str], protocol: str) -> dict[str, Any]:
    """Compare the default with the twin, with errors clustered by these batteries."""
    result = evaluate(panel, ["twin", "auto"], protocol, blocks=blocks)
    twin, auto = (result.scores[name, "pearson"] for name in ("twin", "auto"))
    batteries = [blocks[item] for item in result.target_ids]
    as_zero = np.nan_to_num(auto) - np.nan_to_num(twin)
    both = np.isfinite(auto) & np.isfinite(twin)
    there = [b for b, defined in zip(batteries, both, strict=True) if defined]
    difference = (auto - twin)[both]
    return {
        "batteries": len(set(batteries)),
        "twin": float(np.nan_to_num(twin).mean()),
        "auto": float(np.nan_to_num(auto).mean()),
        "gain as 0": clustered_ratio(as_zero, np.ones(as_zero.size), batteries),
        "gain": clustered_ratio(difference, np.ones(difference.size), there),
        "by battery": mean_over_clusters(difference, np.ones(difference.size), there),
    }


def paper_methods(panel: Panel, protocol: str) -> dict[str, float]:
    """Score the twin and the paper's methods with the paper's settings: means over items, undefined counted as 0."""
    result = evaluate(
        panel,
        ["twin", *PAPER],
        protocol,
        blocks=blocks_of(panel, "evidence"),
        preset="twin-2k-500",
    )
    return {name: float(np.nan_to_num(result.scores[name, "pearson"]).mean()) for name in ("twin", *PAPER)}


def main() -> None:
    """Print one row a construction and way, then the range of gains."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--construction", action="append")
    parser.add_argument("--protocol", default="leave-block-out")
    parser.add_argument("--paper", action="store_true", help="the paper's ten methods instead")
    chosen = parser.parse_args()
    names = chosen.construction or twin_2k_500.available_constructions()
    if chosen.paper:
        for name in names:
            found = paper_methods(twin_2k_500.load(name), chosen.protocol)
            scores = ", ".join(f"{method} {score:.3f}" for method, score in found.items())
            above = sum(found[method] > found["twin"] for method in PAPER)
            print(f"{name}: {scores}; above the twin: {above} of {len(PAPER)}", flush=True)
        return
    kinds = ("gain as 0", "gain", "by battery")
    rows: dict[Blocks, list[dict[str, Any]]] = {way: [] for way in WAYS}
    print(f"{'construction':30s}{'from':>9s} batteries   twin   auto" + "".join(f"{k:>17s}" for k in kinds))
    for name in names:
        panel = twin_2k_500.load(name)
        for way in WAYS:
            found = gains(panel, blocks_of(panel, way), chosen.protocol)
            rows[way].append(found)
            shown = "".join(
                f"{found[k].value:+8.4f} ({found[k].standard_error:.4f})".rjust(17) for k in kinds
            )
            print(
                f"{name:30s}{way:>9s}{found['batteries']:10d}{found['twin']:7.3f}{found['auto']:7.3f}{shown}",
                flush=True,
            )
    for way, each in rows.items():
        for kind in kinds:
            values = [(row[kind].value, row[kind].standard_error) for row in each]
            print(
                f"{way}, {kind}: {min(v for v, _ in values):+.3f} to {max(v for v, _ in values):+.3f}; above 0 "
                f"{sum(v > 0 for v, _ in values)} of {len(values)}; above 2 SE {sum(v > 2 * e for v, e in values)}; "
                f"below -1 SE {sum(v < -e for v, e in values)}"
            )


if __name__ == "__main__":
    main()

"""Measure how the weighted ensemble scales with the number of twins: seconds a step, memory, and a whole ``kl`` fit.

    python benchmarks/reweight_scaling.py                  # 20 thousand and 200 thousand twins
    python benchmarks/reweight_scaling.py --twins 2000000  # the large case: about 1.5 GiB, about a minute

Twins are generated. Each has a position on three hidden traits, each item weighs the traits, and the weighted sum is
cut into K categories. Items are made one after the other, so that the n x m table of answers never exists.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from truetwin.reweighting import discrepancy
from truetwin.reweighting.ensemble import MeanDiscrepancy
from truetwin.solvers.categorical import CategoricalMap
from truetwin.solvers.column_generation import minimise_over_many
from yardstick import peak_gib, yardstick


def columns(n: int, m: int, width: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the answers of ``n`` twins and ``width`` base category twins to one item after the other.

    A base category twin gives the same category to every item.
    """
    rng = np.random.default_rng(seed)
    traits = rng.normal(size=(n, 3)).astype(np.float32)
    for _ in range(m):
        loadings = rng.normal(size=3).astype(np.float32) * 0.5
        noise = rng.normal(size=n).astype(np.float32) * np.float32(0.4)
        level = rng.uniform(0.35, 0.8) * width
        codes = np.clip(traits @ loadings + noise + np.float32(level), 0, width - 1).astype(np.int8)
        yield np.concatenate([codes, np.arange(width, dtype=np.int8)])


def measure(n: int, m: int, width: int, fit: bool, tol: float) -> dict[str, object]:
    begun = time.perf_counter()
    operator = CategoricalMap(columns(n, m, width, 0), [width] * m)
    built = time.perf_counter() - begun
    total = n + width
    rng = np.random.default_rng(1)
    weights = np.full(total, 1.0 / total)
    uniform = operator.shares(weights)
    truth = 0.7 * np.roll(uniform, -1, axis=1) + 0.3 * rng.dirichlet(np.ones(width), size=m)
    truth /= truth.sum(axis=1, keepdims=True)
    steps = []
    for _ in range(3):
        begun = time.perf_counter()
        operator.pull_back(truth / np.maximum(operator.shares(weights), 1e-6) / m)
        steps.append(time.perf_counter() - begun)
    found: dict[str, object] = {
        "n_twins": n, "m": m, "K": width, "blocks": operator.n_blocks, "build_seconds": round(built, 2),
        "step_seconds": round(min(steps), 4), "answers_gib": round(operator.nbytes / 2**30, 3),
        "peak_gib_after_step": round(peak_gib(), 3),
    }  # fmt: skip
    if fit:
        kl = discrepancy("kl")
        begun, begun_cpu = time.perf_counter(), time.process_time()
        solution = minimise_over_many(operator, MeanDiscrepancy(kl, truth, complete=True), weights, tol=tol)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
        unit = yardstick()
        found |= {
            "fit_seconds": round(seconds, 1), "fit_cpu_seconds": round(cpu, 1), "yardstick": round(unit, 3),
            "fit_yardsticks": round(cpu / unit, 1), "fit_steps": solution.n_steps,
            "objective": round(solution.objective, 6), "relative_gap": round(solution.gap / solution.objective, 6),
            "converged": solution.converged, "peak_gib_after_fit": round(peak_gib(), 3),
        }  # fmt: skip
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--twins", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--categories", type=int, default=10)
    parser.add_argument("--no-fit", action="store_true", help="measure a step only")
    parser.add_argument("--tol", type=float, default=1e-3)
    asked = parser.parse_args()
    for n_twins in asked.twins:
        print(
            json.dumps(measure(n_twins, asked.items, asked.categories, not asked.no_fit, asked.tol)),
            flush=True,
        )

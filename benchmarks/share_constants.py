"""Vary the constants of the pool of shares, on data that had no part in their choice and on data that was looked at.

    TRUETWIN_DATA_MIRROR=... python benchmarks/share_constants.py [--world KIND]... [--twin-2k] [--opinionqa FOLDER]...

Each constant is halved and doubled, everything else as it is. A row shows the change of the mean Kullback-Leibler
divergence of hidden items, and of the share of 90% intervals of means that hold the truth. Whole batteries are hidden,
a tenth at a time, as in ``benchmarks/shares.py``.

Generated worlds (kinds base, good and misaligned; 200 people, 30 items in batteries of five) had no part in the choice.
Neither had, with ``--twin-2k``, the twins "JSON Persona - GPT4.1" of Twin-2K-500, but their people had. Later studies
and the excerpt of OpinionQA were looked at.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from threadpoolctl import threadpool_limits

from constants import Constant, set_to, varied
from shares import Data, Scores, data_sets, hide, of_panel
from truetwin.datasets import generate_world
from truetwin.reweighting import battery_mean, item_means, pool, share_errors, transition

WORLDS = ("base", "good", "misaligned")

CONSTANTS = (
    varied(pool, "FEW_STEPS", "steps of weights and transition"),
    varied(battery_mean, "PRIOR_ITEMS", "mean of a battery"),
    varied(item_means, "RIDGE", "means of items"),
    varied(item_means, "CLIP", "means of items"),
    varied(item_means, "SPREAD_FLOOR", "means of items"),
    varied(transition, "FALLBACK_SHARE", "items with an unseen number of categories", 0.5, 1.0),
    Constant(share_errors, "PRIOR", "law of errors", tuple(f * share_errors.PRIOR for f in (0.5, 2.0))),
)


def world(kind: str) -> Data:
    """Make a generated world in which everything has been answered."""
    panel = generate_world(kind, 200, 30, n_new_items=0, random_state=90).panel
    return of_panel(panel, {i: f"battery {k // 5}" for k, i in enumerate(panel.item_ids)})


def figures(parts: list[Data], seeds: int) -> np.ndarray:
    """Mean divergence and mean coverage over data sets of one kind."""
    found = []
    for data in parts:
        scores = Scores([], {})
        for seed in range(seeds):
            hide(data, "new", seed, scores)
        found.append((scores.of("kl pool").mean(), np.nanmean(scores.of("covered"))))
    return np.mean(found, axis=0)


def main() -> None:
    """Print one row a constant and value."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=Path)
    parser.add_argument("--opinionqa", type=Path)
    parser.add_argument("--world", action="append", choices=WORLDS, help="by default all three")
    parser.add_argument("--twin-2k", action="store_true")
    parser.add_argument("--seeds", type=int, default=1)
    chosen = parser.parse_args()
    wanted = {"later studies": "studies", "OpinionQA excerpt": "OpinionQA"}
    if chosen.twin_2k:
        wanted["Twin-2K JSON Persona - GPT4.1"] = "JSON twins"
    data: dict[str, list[Data]] = {"worlds": [world(kind) for kind in chosen.world or WORLDS]}
    if chosen.twin_2k or chosen.studies or chosen.opinionqa:
        for name, each in data_sets(chosen.studies, chosen.opinionqa):
            if name in wanted:
                data[wanted[name]] = [each]
    with threadpool_limits(1):
        base = {name: figures(parts, chosen.seeds) for name, parts in data.items()}
        print(f"{'':34s}" + "".join(f"{name:>18s}" for name in data))
        print(f"{'constant':20s}{'value':>14s}" + "       KL  covered" * len(data))
        print(f"{'as it is':34s}" + "".join("".join(f"{v:9.4f}" for v in base[n]) for n in data), flush=True)
        for constant in CONSTANTS:
            now = getattr(constant.module, constant.name)
            for value in constant.others:
                with set_to(constant, value):
                    found = {name: figures(parts, chosen.seeds) for name, parts in data.items()}
                same = [np.array_equal(value, f * np.asarray(now)) for f in (0.5, 2.0)]
                shown = "half" if same[0] else "double" if same[1] else f"{value:g}"
                changes = "".join("".join(f"{v:+9.4f}" for v in found[n] - base[n]) for n in data)
                print(f"{constant.name:20s}{shown:>14s}{changes}", flush=True)


if __name__ == "__main__":
    main()

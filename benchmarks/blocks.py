"""Measure how many batteries are found on published data when item ids do not show them.

    python benchmarks/blocks.py

A battery is a set of items that are asked together. Ids are replaced by letters, so that only missing answers and
near-duplicate twin answers can show the batteries. Pairs of items in one battery are counted: true pairs (by the
original ids), true pairs found, and other pairs found. 780 of the 948 pairs of Twin-2K-500 are among its 40 pricing
items. Everybody was asked these, and twins answer them independently, so that nothing shows their battery.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import movielens, twin_2k_500
from truetwin.instrument.batteries import infer_blocks
from truetwin.instrument.battery_evidence import find_blocks


def anonymous(panel: Panel) -> tuple[Panel, dict[str, str]]:
    """Replace the ids of a panel by meaningless ones. Returns the panel, and a mapping between the ids."""
    order = np.random.default_rng(0).permutation(len(panel.item_ids))
    name = {
        i: "".join("abcdefghij"[int(d)] for d in f"{k:03d}")
        for i, k in zip(panel.item_ids, order, strict=True)
    }

    def renamed(source: ResponseMatrix) -> ResponseMatrix:
        return ResponseMatrix(source.values, source.respondent_ids, [name[i] for i in source.item_ids])

    return Panel(renamed(panel.human), renamed(panel.twin)), {v: k for k, v in name.items()}


def recovery(truth: dict[str, str], found: dict[str, str], items: list[str]) -> str:
    """Write true pairs, true pairs found, other pairs found, and the adjusted Rand index, as one line."""
    true, got = (np.array([part[i] for i in items]) for part in (truth, found))
    pairs = np.triu_indices(len(items), 1)
    together, joined = ((x[:, None] == x)[pairs] for x in (true, got))
    return (
        f"found {int((together & joined).sum()):3d} of {int(together.sum())} pairs, "
        f"{int((~together & joined).sum()):3d} others; ARI {adjusted_rand_score(true, got):.2f}"
    )


def main() -> None:
    """Print one line for each construction, that is each way in which the twins were made."""
    for name in twin_2k_500.available_constructions():
        panel = twin_2k_500.load(name)
        truth = infer_blocks(panel.item_ids)
        hidden, original = anonymous(panel)
        found = {original[i]: block for i, block in find_blocks(hidden).of.items()}
        rest = [i for i in panel.item_ids if truth[i] != "Q295"]
        print(f"{name[:38]:40}{recovery(truth, found, list(panel.item_ids))}")
        print(f"{'  without the pricing items':40}{recovery(truth, found, rest)}")
        print(f"{'  with ids':40}{find_blocks(panel).describe()}")
    print(f"{'MovieLens':40}{find_blocks(movielens.load()).describe()}")


if __name__ == "__main__":
    main()

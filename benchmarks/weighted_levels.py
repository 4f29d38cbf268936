"""Measure what weighted levels gain: error of the weighted mean of hidden items, with and without weights.

Usage: python benchmarks/weighted_levels.py; needs Twin-2K-500 (TRUETWIN_DATA_MIRROR or the network).

Weights go up with people's leading direction of answers, exp(.7 (.6 z + .8 e)). Whole batteries ("new") or random items
("known") are hidden, a quarter or a fifth at a time, and predicted by `auto`. Errors are in sds of the item.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from truetwin.calibration import calibrate
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import twin_2k_500
from truetwin.instrument.battery_evidence import resolve_blocks

N_FOLDS = 4


def selective_weights(panel: Panel) -> np.ndarray:
    values = panel.human_values
    z = (values - np.nanmean(values, axis=0)) / np.maximum(np.nanstd(values, axis=0), 1e-9)
    leading = np.linalg.svd(np.nan_to_num(z), full_matrices=False)[0][:, 0] * len(z) ** 0.5
    noise = np.random.default_rng(0).normal(size=len(z))
    return np.asarray(np.exp(0.7 * (0.6 * leading + 0.8 * noise)))


def hidden_sets(panel: Panel, situation: str) -> Iterator[list[str]]:
    blocks, _ = resolve_blocks(panel, None)
    names = sorted({blocks[i] for i in panel.item_ids})
    fold = dict(zip(names, np.random.default_rng(0).integers(0, N_FOLDS, len(names)).tolist(), strict=True))
    for k in range(N_FOLDS):
        chance = np.random.default_rng(k).random(len(panel.item_ids))
        hidden = (
            [blocks[i] in fold and fold[blocks[i]] == k for i in panel.item_ids]
            if situation == "new"
            else (chance < 0.2).tolist()
        )
        yield [i for i, out in zip(panel.item_ids, hidden, strict=True) if out]


def errors(panel: Panel, hidden: list[str], truth: np.ndarray, given: np.ndarray | None) -> Iterator[float]:
    values = panel.human.values.copy()
    values[:, [panel.human.item_ids.index(i) for i in hidden]] = np.nan
    shown = Panel(ResponseMatrix(values, panel.human.respondent_ids, panel.human.items), panel.twin)
    (part,) = calibrate(shown, "auto", items=hidden, weights=given).parts
    for target, predicted in zip(part.target_ids, part.values.T, strict=True):
        answers = panel.human_values[:, panel.item_ids.index(target)]
        both = np.isfinite(answers) & np.isfinite(predicted)
        if both.sum() >= 20 and answers[both].std() > 0:
            gap = np.average(predicted[both] - answers[both], weights=truth[both])
            yield float(gap / answers[both].std())


def main() -> None:
    panel = twin_2k_500.load()
    weights = selective_weights(panel)
    kish = weights.sum() ** 2 / (weights**2).sum()
    print(f"{len(weights)} people, Kish's effective number {kish:.0f}")
    for situation in ("new", "known"):
        for name, given in (("without weights", None), ("with weights", weights)):
            found = [
                e for hidden in hidden_sets(panel, situation) for e in errors(panel, hidden, weights, given)
            ]
            print(
                f"{situation:6s} {name:16s} RMSE {np.sqrt(np.mean(np.square(found))):.3f} sd ({len(found)} items)"
            )


if __name__ == "__main__":
    main()

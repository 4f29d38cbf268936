"""Measure on published data whether verdicts on new items hold, and whether planned choices beat random ones.

    python benchmarks/diagnose.py [verdicts|plan|all] [--method elastic-net] [--only NAME]

Verdicts: every answered item is hidden in turn, gets the verdict that it would get as a new item, and is then scored.
Leave-one-item-out keeps the rest of its battery (the items asked together with it); leave-block-out hides the battery
too. The rule has no fitted threshold. The scores that it expects are learned on the other items of the same panel.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import movielens, twin_2k_500
from truetwin.diagnosis.asking_plan import plan
from truetwin.diagnosis.standardised_panel import Prepared, prepare
from truetwin.diagnosis.track_record import NOISE, left_out, twin_scores
from truetwin.diagnosis.verdicts import hidden_verdicts, item_verdicts, record_summary


def panels(only: str | None) -> list[tuple[str, Panel]]:
    """Load the published panels that are available."""
    found = [(c, twin_2k_500.load(c)) for c in twin_2k_500.available_constructions() if not only or only in c]
    if not only or only in "MovieLens":
        found.append(("MovieLens", movielens.load()))
    return found


def without_items(panel: Panel, items: list[str]) -> Panel:
    """Return the panel without any human answers to these items."""
    keep = [k for k, i in enumerate(panel.human.item_ids) if i not in set(items)]
    human = panel.human
    shown = ResponseMatrix(human.values[:, keep], human.respondent_ids, [human.items[k] for k in keep])
    return Panel(shown, panel.twin)


def blocks_out(panel: Panel) -> list[dict]:
    """Give a verdict on each answered item with its battery hidden, and score the item."""
    whole = prepare(panel)
    twin = twin_scores(whole)
    calibrated = left_out(whole, whole.groups).calibrated
    rows = []
    for group in np.unique(whole.groups[whole.donors]):
        members = [int(j) for j in whole.donors if whole.groups[j] == group]
        ids = {panel.item_ids[j]: j for j in members}
        for row in item_verdicts(prepare(without_items(panel, list(ids)))):
            if row["item"] in ids:
                j = ids[row["item"]]
                scored = {
                    "calibrated": float(calibrated[j]),
                    "twin": float(twin[j]),
                    "block": whole.blocks[j],
                }
                rows.append(row | scored)
    return rows


def with_method(panel: Panel, method: str, rows: list[dict], protocol: str, preset: str) -> list[dict]:
    """Replace the scores in ``rows`` by those of another calibrator. The verdicts stay the same."""
    from truetwin.evaluation import evaluate

    table = evaluate(panel, ["twin", method], protocol, preset=preset)
    scores = dict(zip(table.target_ids, table.scores[method, "pearson"], strict=True))
    return [row | {"calibrated": float(scores[row["item"]])} for row in rows]


def show(name: str, rows: list[dict]) -> None:
    """Print one line for each verdict."""
    for row in record_summary(rows):
        if row["n_items"]:
            parts = [
                f"{k} {row[k]:.3f} (n {row[f'{k}_n']}), by block {row[f'{k}_by_block']:.3f} +- "
                f"{row[f'{k}_standard_error'] or 0:.3f}"
                for k in ("calibrated", "twin")
                if row[k] is not None
            ]
            counts = f"{row['n_items']:4d} items, {row['n_blocks']:3d} blocks"
            print(f"  {name:46}{row['verdict']:14}{counts}  {'; '.join(parts) or 'no score'}")


def verdicts(only: str | None, method: str | None) -> None:
    """Print scores by verdict, for each dataset and pooled."""
    for protocol in ("leave-one-item-out", "leave-block-out"):
        print(protocol)
        pooled: list[dict] = []
        for name, panel in panels(only):
            if protocol == "leave-block-out" and name == "MovieLens":
                continue
            begin = time.perf_counter()
            rows = hidden_verdicts(prepare(panel)) if protocol == "leave-one-item-out" else blocks_out(panel)
            if method:
                preset = "movielens" if name == "MovieLens" else "twin-2k-500"
                rows = with_method(panel, method, rows, protocol, preset)
            show(name.replace(" - ", ", ")[:45], rows)
            print(f"  {'':46}{time.perf_counter() - begin:.0f} s", flush=True)
            if name != "MovieLens":
                pooled += [row | {"block": (name, row["block"])} for row in rows]
        show("all constructions of Twin-2K-500", pooled)


def revealed_items(whole: Prepared, known: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean correlation of target items predicted from known items, all of which have varying twins."""
    K, H = whole.twin_correlations, whole.human
    rows = np.flatnonzero(np.isfinite(H[:, known]).any(axis=1))[:1000]
    predicted = np.full((rows.size, targets.size), np.nan)
    for n, i in enumerate(rows):
        o = known[np.isfinite(H[i, known])]
        predicted[n] = K[np.ix_(targets, o)] @ np.linalg.solve(
            K[np.ix_(o, o)] + NOISE * np.eye(o.size), H[i, o]
        )
    return mean_correlation(predicted, H[np.ix_(rows, targets)])


def revealed_people(whole: Prepared, known: np.ndarray, targets: np.ndarray) -> float:
    """Return the error of using item means of the people asked as item means of the target people.

    The error is a root mean square over items, in standard deviations. Deviations of target people from the means are
    hardly predictable, and planning does not change them.
    """
    H = whole.human[:, whole.donors]
    gaps = np.nanmean(H[known], axis=0) - np.nanmean(H[targets], axis=0)
    return float(np.sqrt(np.nanmean(gaps**2)))


def mean_correlation(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean over columns of the correlation over observed entries. Undefined correlations are left out."""
    found = []
    for x, y in zip(predicted.T, truth.T, strict=True):
        both = np.isfinite(x) & np.isfinite(y)
        if both.sum() >= 20 and np.ptp(x[both]) > 1e-9 and np.ptp(y[both]) > 0:
            found.append(np.corrcoef(x[both], y[both])[0, 1])
    return float(np.mean(found))


def plans(only: str | None, n_splits: int, n_draws: int) -> None:
    """Print the gain of planned and of random choices for the same targets, over random splits of the known data."""
    print("k answered items revealed: mean correlation of fixed targets; planned, random, paired")
    print("k people revealed: error of their item means for those of fixed targets, in sds (less is better)")
    for name, panel in panels(only):
        whole = prepare(panel)
        for axis, revealed in (("item", revealed_items), ("respondent", revealed_people)):
            everything = whole.donors if axis == "item" else np.arange(len(panel.respondent_ids))
            ids = np.array(panel.item_ids if axis == "item" else panel.respondent_ids)
            gains: dict[int, list[tuple[float, float, float]]] = {}
            for split in range(n_splits):
                rng = np.random.default_rng(split)
                drawn = rng.permutation(everything)
                n_known = max(5, drawn.size // 10) if axis == "item" else 20
                known, targets, pool = np.split(drawn, [n_known, n_known + (drawn.size - n_known) // 2])
                seen = set(ids[known])
                hidden = without(panel, axis, seen)
                base = revealed(whole, known, targets)
                best = plan(hidden, 20, axis=axis, targets=ids[targets], candidates=ids[pool]).chosen
                position = {i: k for k, i in enumerate(ids)}
                order = np.array([position[i] for i in best])
                for k in (5, 10, 20):
                    chance = [
                        revealed(whole, np.r_[known, rng.choice(pool, k, replace=False)], targets)
                        for _ in range(n_draws)
                    ]
                    got = revealed(whole, np.r_[known, order[:k]], targets)
                    gains.setdefault(k, []).append((base, got, float(np.mean(chance))))
            for k, values in gains.items():
                base, got, chance = np.array(values).T
                gap = got - chance
                print(
                    f"  {name[:40]:42}{axis:11} k {k:3d}  none {base.mean():.4f}  planned {got.mean():.4f}  random "
                    f"{chance.mean():.4f}  difference {gap.mean():+.4f} +- {gap.std(ddof=1) / gap.size**0.5:.4f} "
                    f"({(gap > 0).sum()} of {gap.size} splits higher)",
                    flush=True,
                )


def without(panel: Panel, axis: str, seen: set[str]) -> Panel:
    """Return the panel with human answers to these items (or of these people) only."""
    human = panel.human
    if axis == "item":
        return without_items(panel, [i for i in human.item_ids if i not in seen])
    rows = [k for k, r in enumerate(human.respondent_ids) if r in seen]
    shown = ResponseMatrix(human.values[rows], [human.respondent_ids[k] for k in rows], human.items)
    return Panel(shown, panel.twin)


def main() -> None:
    """Run the chosen measurements and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", default="all", choices=["verdicts", "plan", "all"])
    parser.add_argument("--method", help="score this calibrator instead of the conditional expectation")
    parser.add_argument("--only", help="datasets whose name holds this text")
    parser.add_argument("--splits", type=int, default=10, help="random splits of what is known, for plans")
    parser.add_argument("--draws", type=int, default=10, help="random choices a split")
    arguments = parser.parse_args()
    if arguments.what in ("verdicts", "all"):
        verdicts(arguments.only, arguments.method)
    if arguments.what in ("plan", "all"):
        plans(arguments.only, arguments.splits, arguments.draws)


if __name__ == "__main__":
    main()

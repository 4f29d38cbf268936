"""Does the verdict on a new item hold, and does planning beat chance? Measured on published data.

    python benchmarks/diagnose.py [verdicts|plan|all] [--method elastic-net] [--only NAME]

Verdicts: every answered item is hidden in turn (leave-one-item-out: its battery stays; leave-block-out: its battery goes
too), gets the verdict that it would get as a new item, and is then scored. The rule has no fitted threshold; what it
expects is learned, without the item, on the other items of the same panel.
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
from truetwin.diagnosis.prepare import prepare
from truetwin.diagnosis.record import left_out, twin_scores
from truetwin.diagnosis.verdict import hidden_verdicts, item_verdicts, record_summary


def panels(only: str | None) -> list[tuple[str, Panel]]:
    """The data at hand."""
    found = [(c, twin_2k_500.load(c)) for c in twin_2k_500.available_constructions() if not only or only in c]
    if not only or only in "MovieLens":
        found.append(("MovieLens", movielens.load()))
    return found


def without_items(panel: Panel, items: list[str]) -> Panel:
    """The panel as if nobody had answered these items."""
    keep = [k for k, i in enumerate(panel.human.item_ids) if i not in set(items)]
    human = panel.human
    shown = ResponseMatrix(human.values[:, keep], human.respondent_ids, [human.items[k] for k in keep])
    return Panel(shown, panel.twin)


def blocks_out(panel: Panel) -> list[dict]:
    """Verdicts on each answered item with its battery hidden, beside what then came out."""
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
                rows.append(row | {"calibrated": float(calibrated[j]), "twin": float(twin[j])})
    return rows


def with_method(panel: Panel, method: str, rows: list[dict], protocol: str, preset: str) -> list[dict]:
    """The same verdicts, scored with another calibrator."""
    from truetwin.evaluation import evaluate

    table = evaluate(panel, ["twin", method], protocol, preset=preset)
    scores = dict(zip(table.target_ids, table.scores[method, "pearson"], strict=True))
    return [row | {"calibrated": float(scores[row["item"]])} for row in rows]


def show(name: str, rows: list[dict]) -> None:
    """One line a verdict."""
    for row in record_summary(rows):
        if row["n_items"]:
            parts = [
                f"{k} {row[k]:.3f} +- {row[f'{k}_standard_error'] or 0:.3f} (n {row[f'{k}_n']})"
                for k in ("calibrated", "twin")
                if row[k] is not None
            ]
            print(f"  {name:46}{row['verdict']:14}{row['n_items']:5d}  {'; '.join(parts) or 'no score'}")


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
                pooled += rows
        show("all constructions of Twin-2K-500", pooled)


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", default="all", choices=["verdicts", "plan", "all"])
    parser.add_argument("--method", help="score this calibrator instead of the conditional expectation")
    parser.add_argument("--only", help="datasets whose name holds this text")
    arguments = parser.parse_args()
    if arguments.what in ("verdicts", "all"):
        verdicts(arguments.only, arguments.method)


if __name__ == "__main__":
    main()

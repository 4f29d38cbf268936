"""Measure the default calibrator with one source of twins and with several, against the twin as it is.

    python benchmarks/sources.py [--part singles|averages|sources|generated|cost]... [--n-people N]

Needs the public data (TRUETWIN_DATA_MIRROR or the network), except for ``generated``. Sources are the public
constructions of Twin-2K-500, that is ways in which its twins were made. "zero" is the mean correlation over items,
undefined counted as 0 (for new people the centred correlation). "gain" is the paired difference to the twin where both
are defined, with errors clustered by battery, and "by battery" the mean over batteries of their own gains. Whole
batteries are hidden as found by ids only ("ids"), and by ids, missing answers and near-duplicates ("auto").

``singles``: each construction by itself. ``averages``: the average of the first two to eight, as one table.
``sources``: the first two to eight as sources. ``generated``: a good source among useless, inverted and repeated ones.
``cost``: CPU time with eight sources over that with one.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from truetwin.calibration.auto.auto_calibrator import Auto
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_world, twin_2k_500
from truetwin.evaluation import evaluate

PARTS = ("singles", "averages", "sources", "generated", "cost")
PROTOCOLS: Mapping[str, tuple[str, str | None, str]] = {
    "item out": ("leave-one-item-out", None, "pearson"),
    "block out, ids": ("leave-block-out", None, "pearson"),
    "block out, auto": ("leave-block-out", "auto", "pearson"),
    "new people": ("leave-one-respondent-out", None, "centred-pearson"),
}


def line(name: str, panel: Panel, what: str, blocks: Mapping[str, str] | None = None) -> str:
    """Evaluate one protocol and write its figures as a line."""
    protocol, found, metric = PROTOCOLS[what]
    begin = time.process_time()
    given = blocks if blocks is not None else found
    table = evaluate(panel, ["twin", "auto"], protocol, metric=metric, blocks=given)
    rows = {row["method"]: row for row in table.summary("twin")}
    auto, twin = rows["auto"], rows["twin"]
    levels = [row.get("zero_mean", row["mean"]) for row in (twin, auto)]
    by_battery = (auto.get(f"battery_difference{end}", np.nan) for end in ("", "_standard_error"))
    return (
        f"{name[:34]:34} {what:16}{levels[0]:7.4f}{levels[1]:8.4f}"
        f"{auto['difference']:+9.4f} ({auto['difference_standard_error']:.4f})"
        f"{next(by_battery):+9.4f} ({next(by_battery):.4f})"
        f"{auto['n_paired_clusters']:5d}{time.process_time() - begin:6.0f} s"
    )


def constructions(n_people: int | None) -> tuple[ResponseMatrix, dict[str, ResponseMatrix]]:
    """Return the human answers and every construction's, of the first people if not of all."""
    panels = {name: twin_2k_500.load(name) for name in twin_2k_500.available_constructions()}
    human = max((panel.human for panel in panels.values()), key=lambda one: len(one.respondent_ids))
    people = human.respondent_ids[:n_people]
    twins = {name: only(panel.twin, people) for name, panel in panels.items()}
    return only(human, people), twins


def only(matrix: ResponseMatrix, people: Sequence[str]) -> ResponseMatrix:
    """Keep some people."""
    kept = set(people)
    rows = [k for k, r in enumerate(matrix.respondent_ids) if r in kept]
    return ResponseMatrix(matrix.values[rows], [matrix.respondent_ids[k] for k in rows], matrix.items)


def generated() -> None:
    """Print what happens to a good source among others."""
    people, items = 300, 40
    blocks = {f"Q{k + 1:02d}": f"battery{k // 4}" for k in range(items)}
    worlds = {
        kind: generate_world(kind, people, items, n_new_items=0, random_state=70).panel
        for kind in ("good", "base", "misaligned", "inverted")
    }
    good, base = worlds["good"].twin, worlds["base"].twin

    def like(values: np.ndarray) -> ResponseMatrix:
        return ResponseMatrix(values, good.respondent_ids, good.items)

    useless = [like(np.random.default_rng(k).permutation(base.values)) for k in range(3)]
    sets = {
        "good": {"good": good},
        "good + 3 useless": {"good": good} | {f"useless {k}": one for k, one in enumerate(useless)},
        "good + base turned round": {"good": good, "turned": like(6 - base.values)},
        "good + inverted": {"good": good, "inverted": worlds["inverted"].twin},
        "good twice": {"good": good, "again": good},
        "base": {"base": base},
        "misaligned": {"misaligned": worlds["misaligned"].twin},
        "base + misaligned": {"base": base, "misaligned": worlds["misaligned"].twin},
        "base three times + misaligned": {
            "base": base,
            "base/2": base,
            "base/3": base,
            "misaligned": worlds["misaligned"].twin,
        },
    }
    for name, sources in sets.items():
        panel = Panel(worlds["good"].human, sources)
        for what in ("item out", "block out, ids", "new people"):
            print(line(name, panel, what, blocks), flush=True)


def cost(human: ResponseMatrix, twins: Mapping[str, ResponseMatrix]) -> None:
    """Print CPU times of a whole sweep by the calibrator alone."""
    for what in PROTOCOLS:
        protocol, found, metric = PROTOCOLS[what]
        spent = []
        for sources in (dict(list(twins.items())[:1]), twins):
            panel = Panel(human, sources)
            begin = time.process_time()
            evaluate(panel, {"auto": Auto()}, protocol, metric=metric, baseline="auto", blocks=found)
            spent.append(time.process_time() - begin)
        print(
            f"{what:16} one {spent[0]:.1f} s, {len(twins)} sources {spent[1]:.1f} s, ratio {spent[1] / spent[0]:.2f}"
        )


def main() -> None:
    """Print one line for each table and protocol."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--n-people", type=int, help="only the first people of Twin-2K-500")
    arguments = parser.parse_args()
    parts = arguments.part or list(PARTS)
    print(f"{'':51}{'zero':>7}{'':8}{'gain':>9}{'':9}{'by battery':>10}")
    print(f"{'':51}{'twin':>7}{'auto':>8}{'':36}{'n':>5}")
    if set(parts) - {"generated"}:
        human, twins = constructions(arguments.n_people)
    if "singles" in parts:
        for name, twin in twins.items():
            for what in ("item out", "block out, ids", "block out, auto"):
                print(line(name, Panel(human, twin), what), flush=True)
    for part in ("averages", "sources"):
        if part in parts:
            for k in range(2, len(twins) + 1):
                panel = Panel(human, dict(list(twins.items())[:k]))
                table = Panel(human, panel.twin) if part == "averages" else panel
                for what in PROTOCOLS if part == "sources" else ("block out, ids", "block out, auto"):
                    print(line(f"{part}, first {k}", table, what), flush=True)
    if "generated" in parts:
        generated()
    if "cost" in parts:
        cost(human, twins)


if __name__ == "__main__":
    main()

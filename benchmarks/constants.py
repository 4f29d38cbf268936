"""Vary every constant of the default that was chosen by looking at data, on data that had no part in the choice.

    TRUETWIN_DATA_MIRROR=... python benchmarks/constants.py [--experiments FOLDER] [--seeds 3]

Each constant is halved and doubled (or moved as its row says), everything else as it is. A row shows the change of the
mean score on each data set. "r one" is the mean correlation with one item hidden at a time, "r block" with whole
batteries hidden, undefined counted as 0; "log" is the mean log score of laws, one item hidden at a time (nats, lower
is better).

Data sets: generated worlds (200 people, 30 items in batteries of five, twins of kind base); with ``--experiments`` the
outcomes of the experiments of the Twin-2K-500 mega study (400 people, studies as batteries). Neither had a part in the
choice of a constant. MovieLens (300 people, 60 films, batteries at random) was looked at beside Twin-2K-500 when most
of them were chosen.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import truetwin.calibration.auto.new_items as new_items
import truetwin.calibration.auto.pseudo_targets as pseudo_targets
from truetwin.calibration.auto import agreement, item_links
from truetwin.calibration.laws import category_pool, error_record
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_world, movielens
from truetwin.evaluation import evaluate
from truetwin.io import read_items, read_responses


@dataclass(frozen=True)
class Constant:
    """A constant, where it is, what it decides, and its other values."""

    module: Any
    name: str
    what: str
    others: tuple[Any, ...]


def scaled(value: Any, factor: float) -> Any:
    """Multiply a constant, or each of its parts."""
    if isinstance(value, tuple):
        return tuple(factor * v for v in value)
    if isinstance(value, dict):
        return {k: factor * v for k, v in value.items()}
    return type(value)(factor * value)


def varied(module: Any, name: str, what: str, *others: Any) -> Constant:
    """Make a constant with half and double its value, or with the other values given."""
    value = getattr(module, name)
    return Constant(module, name, what, others or (scaled(value, 0.5), scaled(value, 2.0)))


CONSTANTS = (
    varied(item_links, "COMMON_LEVEL", "links"),
    varied(item_links, "FIXED_LEVEL", "links"),
    varied(item_links, "NEAR_LEVEL", "links"),
    varied(item_links, "NEAR_PENALTIES", "links"),
    varied(item_links, "LEVEL_PENALTIES", "links"),
    varied(item_links, "PLAIN_PENALTIES", "links"),
    varied(item_links, "BATTERY_PENALTIES", "links"),
    varied(pseudo_targets, "PRIOR_PAIRS", "correlations of people"),
    varied(pseudo_targets, "PRIOR_LEVEL", "correlations of people"),
    varied(pseudo_targets, "COMMON_PART", "correlations of people", 0.8, 0.95),
    varied(new_items, "BOOST", "weight of the target's battery"),
    varied(new_items, "RIDGE", "weights of features"),
    varied(agreement, "KAPPA", "agreement rule"),
    varied(category_pool, "FALLOFF", "laws"),
    varied(category_pool, "PRIOR_ANSWERS", "laws"),
    varied(error_record, "SIBLINGS_FOR_HALF", "laws"),
)


@contextmanager
def set_to(constant: Constant, value: Any) -> Iterator[None]:
    """Give a constant another value, in every module that has its name from there."""
    now = getattr(constant.module, constant.name)
    holders = [
        m
        for name, m in list(sys.modules.items())
        if name.startswith("truetwin.") and vars(m).get(constant.name, None) is now and now is not None
    ]
    for module in holders:
        setattr(module, constant.name, value)
    try:
        yield
    finally:
        for module in holders:
            setattr(module, constant.name, now)


def world(seed: int) -> tuple[Panel, dict[str, str]]:
    """Make a generated world in which everything has been answered."""
    panel = generate_world("base", 200, 30, n_new_items=0, random_state=seed).panel
    return panel, {i: f"battery {k // 5}" for k, i in enumerate(panel.item_ids)}


def films() -> tuple[Panel, dict[str, str]]:
    """Take a part of MovieLens."""
    panel = movielens.load()
    rng = np.random.default_rng(0)
    people = [panel.respondent_ids[k] for k in sorted(rng.permutation(len(panel.respondent_ids))[:300])]
    items = [panel.item_ids[k] for k in sorted(rng.permutation(len(panel.item_ids))[:60])]
    part = Panel(
        *(ResponseMatrix(m.on_grid(people, items), people, items) for m in (panel.human, panel.twin))
    )
    return part, {i: f"battery {k % 12}" for k, i in enumerate(items)}


def studies(folder: Path) -> tuple[Panel, dict[str, str]]:
    """Take the outcomes of experiments, of people who took part in several."""
    declared = read_items(folder / "items.csv")
    tables = [
        read_responses(folder / f"{n}.csv", id_column="TWIN_ID", items=declared) for n in ("human", "twin")
    ]
    panel = Panel(*tables)
    seen = np.isfinite(panel.human_values).sum(axis=1)
    chosen = [panel.respondent_ids[k] for k in np.argsort(-seen, kind="stable")[:400]]
    part = Panel(*(ResponseMatrix(m.on_grid(chosen, m.item_ids), chosen, m.items) for m in tables))
    return part, {i: item.block or i for i, item in declared.items()}


def scores(panel: Panel, blocks: dict[str, str]) -> tuple[float, float, float]:
    """Score the default: correlation with items and with batteries hidden, and the log score of laws."""
    one = evaluate(
        panel, ["auto"], "leave-one-item-out", baseline="auto", blocks=blocks, metric=("pearson", "log-score")
    )
    block = evaluate(panel, ["auto"], "leave-block-out", baseline="auto", blocks=blocks)
    return (
        float(np.nan_to_num(one.scores["auto", "pearson"]).mean()),
        float(np.nan_to_num(block.scores["auto", "pearson"]).mean()),
        float(np.nanmean(one.scores["auto", "log-score"])),
    )


def main() -> None:
    """Print one row a constant and value."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    cases: dict[str, list[Callable[[], tuple[Panel, dict[str, str]]]]] = {
        "worlds": [lambda s=s: world(s) for s in range(chosen.seeds)],
        "MovieLens": [films],
    }
    if chosen.experiments:
        cases["studies"] = [lambda: studies(chosen.experiments)]
    data = {name: [make() for make in makers] for name, makers in cases.items()}

    def means() -> dict[str, np.ndarray]:
        return {name: np.mean([scores(*each) for each in parts], axis=0) for name, parts in data.items()}

    base = means()
    print(f"{'':44s}" + "".join(f"{name:>27s}" for name in data))
    print(f"{'constant':24s}{'value':>20s}" + "   r one  r block      log" * len(data))
    print(
        f"{'as it is':44s}" + "".join("".join(f"{v:9.4f}" for v in base[name]) for name in data), flush=True
    )
    for constant in CONSTANTS:
        now = getattr(constant.module, constant.name)
        for value in constant.others:
            with set_to(constant, value):
                found = means()
            changes = "".join("".join(f"{v:+9.4f}" for v in found[name] - base[name]) for name in data)
            shown = (
                "half" if value == scaled(now, 0.5) else "double" if value == scaled(now, 2.0) else str(value)
            )
            print(f"{constant.name:24s}{f'{shown} of {now}'[:20]:>20s}{changes}", flush=True)


if __name__ == "__main__":
    main()

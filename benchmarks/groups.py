"""Measure estimates of gaps between groups: no gap, the twins', the calibrated and the learned gap.

Usage: python benchmarks/groups.py [--people 500]; needs the public data (TRUETWIN_DATA_MIRROR or the network).
       python benchmarks/groups.py --generated 24; needs no data.

Groups are thirds of the people by their answers to items that are then taken out of the panel. Gaps of an item are
predicted by what was learned from other batteries. The truth is the gap among those who answered, in sd. "Ends" are
the lowest third against the highest. With --generated, gaps of four new items are estimated in so many generated
populations of 200 people and 20 items, by age group, where the true gap of the youngest against the oldest is large.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse

import numpy as np

from truetwin.calibration.base import with_blocks
from truetwin.calibration.calibrators import named_calibrators
from truetwin.data import Panel, ResponseMatrix
from truetwin.datasets import generate_population, twin_2k_500
from truetwin.estimation.estimation import estimate
from truetwin.estimation.gap_law import GapLaw, GapRecord
from truetwin.estimation.group_errors import deviation_variances
from truetwin.estimation.group_estimates import normal_half
from truetwin.estimation.group_means import gap_record
from truetwin.estimation.grouping import Grouping
from truetwin.estimation.hidden_answers import predict_hidden
from truetwin.instrument.battery_evidence import resolve_blocks

BY = ("False Cons. self _3", "False Cons. self _6", "Q174", "Q194", "Q158", "Q182")
LEVEL = 0.9


def without(full: Panel, rows: np.ndarray, left_out: tuple[str, ...]) -> Panel:
    """Take some people, and all items but the ones that divide them."""
    ids = [full.respondent_ids[r] for r in rows]
    items = [full.items[i] for i in full.item_ids if i not in left_out]
    return Panel(
        *(
            ResponseMatrix(source.on_grid(ids, [i.id for i in items]), ids, items, expectations=means)
            for source, means in ((full.human, False), (full.twin, True))
        )
    )


def thirds(answers: np.ndarray) -> list[str | None]:
    """Divide people into thirds by their answers; None where they gave none."""
    low, high = np.nanquantile(answers, [1 / 3, 2 / 3])
    return [
        None if np.isnan(a) else "low" if a <= low else "middle" if a <= high else "high" for a in answers
    ]


def nested(record: GapRecord, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predict the gaps of each battery from the others. Returns predictions, half widths, and half widths of pairs."""
    units = np.array(record.units)
    predicted, half = (np.full(record.human.shape, np.nan) for _ in range(2))
    first, second = np.triu_indices(record.human.shape[1], 1)
    pairs = np.full((len(units), first.size), np.nan)
    for unit in np.unique(units):
        rest, here = units != unit, np.flatnonzero(units == unit)
        parts = (record.human, record.twin, record.calibrated, record.bases)
        law = GapLaw.learn(GapRecord(*(part[rest] for part in parts), units[rest].tolist()))
        predicted[here] = law.predict(record.twin[here], record.calibrated[here])
        for j in here:
            own, both = deviation_variances(shares, record.bases[j], law.errors.form)
            half[j] = [normal_half(v, law.errors.tau_weights, LEVEL) for v in own]
            pairs[j] = [normal_half(v, law.errors.tau_weights, LEVEL) for v in both[first, second]]
    return predicted, half, pairs


def generated(n_populations: int) -> None:
    """Print how often intervals of gaps hold in generated populations, and their mean width in sd."""
    found: dict[str, list[tuple[bool, float]]] = {}
    for seed in range(n_populations):
        population = generate_population(200, 20, n_new_items=4, random_state=seed)
        people = population.panel.people
        assert people is not None
        age = np.asarray(people.columns["age_group"])
        for row in estimate(population.panel, by=["age_group"], statistics=["mean", "gap"]).rows:
            if row["statistic"] == "gap":
                answers = population.truth.values[:, population.truth.item_ids.index(row["item"])]
                first, second = row["group"].split(" minus ")
                true = answers[age == first].mean() - answers[age == second].mean()
                held = row["lower"] <= true <= row["upper"]
                for name in ("all", row["group"]):
                    found.setdefault(name, []).append((held, (row["upper"] - row["lower"]) / answers.std()))
    for name, gaps in found.items():
        held, width = np.mean(gaps, axis=0)
        print(f"{n_populations} populations, {name}: {held:.3f} of {len(gaps)} hold, width {width:.2f} sd")


def main() -> None:
    """Print the errors and coverages under both protocols."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--generated", type=int, default=0, metavar="POPULATIONS")
    settings = parser.parse_args()
    if settings.generated:
        return generated(settings.generated)
    n = settings.people
    full = twin_2k_500.load()
    rows = np.sort(np.random.default_rng(0).choice(len(full.respondent_ids), n, replace=False))
    panel = without(full, rows, BY)
    blocks, _ = resolve_blocks(panel, None)
    model = with_blocks(named_calibrators(["auto"], panel, "item", preset="cv")["auto"], blocks)
    units = [blocks[i] for i in panel.item_ids]
    for new in (False, True):
        hidden = predict_hidden(panel, model, blocks, new_battery=new)
        errors: dict[str, list[np.ndarray]] = {
            name: [] for name in ("none", "twins", "calibrated", "learned")
        }
        covered, pairs_covered, ends_covered, widths = [], [], [], []
        for by in BY:
            groups = thirds(full.human_values[rows, full.item_ids.index(by)])
            grouping = Grouping.of(by, groups, np.ones(n), 5)
            record = gap_record(panel.human_values, panel.twin_values, hidden, grouping, units)
            predicted, half, pair_half = nested(record, grouping.shares)
            for name, values in (
                ("none", np.zeros_like(predicted)),
                ("twins", record.twin),
                ("calibrated", record.calibrated),
                ("learned", predicted),
            ):
                errors[name].append((values - record.human)[np.isfinite(record.human)])
            off = predicted - record.human
            covered.append(np.abs(off) <= half)
            a, b = np.triu_indices(grouping.n_groups, 1)
            held_pairs = np.abs(off[:, a] - off[:, b]) <= pair_half
            pairs_covered.append(np.mean(held_pairs))
            ends = [k for k, name in enumerate(grouping.names) if name in ("low", "high")]
            if len(ends) == 2:
                ends_covered.append(np.mean(held_pairs[:, (a == ends[0]) & (b == ends[1])]))
            widths.append(2 * np.nanmean(pair_half))
        held = np.concatenate(covered, axis=1).mean(axis=1)
        by_battery = np.mean([held[np.array(units) == unit].mean() for unit in set(units)])
        shown = {
            name: round(float(np.sqrt(np.mean(np.concatenate(e) ** 2))), 3) for name, e in errors.items()
        }
        print(
            f"{'new' if new else 'known'} battery, {n} people: RMSE {shown}; intervals hold {held.mean():.3f}, "
            f"by battery {by_battery:.3f}, gaps between groups {np.mean(pairs_covered):.3f} "
            f"(ends {np.mean(ends_covered):.3f}), of mean width {np.mean(widths):.3f} sd",
            flush=True,
        )


if __name__ == "__main__":
    main()

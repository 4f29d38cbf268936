"""Generated studies with effects whose slopes are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from truetwin.experiments.experiment import Experiment
from truetwin.experiments.paired_effects import PairedEffects


def generated(
    n_studies: int,
    *,
    between: float = 0.6,
    within: float = 0.6,
    slope_spread: float = 0.1,
    error_spread: float = 0.05,
    people: int = 400,
    seed: int = 0,
) -> tuple[PairedEffects, np.ndarray]:
    """Generate studies of 2 to 7 contrasts, every third within persons; return estimates and true human effects."""
    random = np.random.default_rng(seed)
    studies, kinds, true, twin = [], [], [], []
    for s in range(n_studies):
        m, inside = int(random.integers(2, 8)), s % 3 == 2
        slope = (within if inside else between) + slope_spread * random.standard_normal()
        x = 0.4 * random.standard_normal(m)
        true += list(slope * x + error_spread * random.standard_normal(m))
        twin += list(x)
        studies += [f"s{s}"] * m
        kinds += ["within" if inside else "between"] * m
    h, x, v = np.array(true), np.array(twin), np.full(len(true), 2.0 / people)
    human = h + np.sqrt(v) * random.standard_normal(len(h))
    seen = x + np.sqrt(v) * random.standard_normal(len(h))
    effects = PairedEffects.of(
        [f"c{k}" for k in range(len(h))],
        studies,
        kinds,
        human=human,
        human_variance=v,
        twin=seen,
        twin_variance=v,
        own=1.5 * seen,
        own_variance=2.25 * v,
    )
    return effects, h


def split(n: int, **world: float) -> tuple[PairedEffects, PairedEffects, np.ndarray]:
    """Generate n past studies and a new one; return past, new and the new true effects."""
    effects, true = generated(n + 1, **world)  # type: ignore[arg-type]
    new = effects.of_study(f"s{n}")
    return effects.without_studies([f"s{n}"]), new, true[-len(new) :]


def experiment_tables(
    n_studies: int = 5,
    n_people: int = 120,
    *,
    slope: float = 0.5,
    new: int = 0,
    pilot: int = 0,
    seed: int = 0,
) -> dict[str, pa.Table]:
    """Generate tables of experiments with three arms and two outcomes on a scale 0..100 each.

    The last ``new`` studies have no human answers, or with ``pilot`` those of that many people. Twins' answers vary
    half as much as people's.
    """
    random = np.random.default_rng(seed)
    people = [f"p{k}" for k in range(n_people)]
    human: dict[str, list[float | None]] = {}
    twin: dict[str, list[float | None]] = {}
    rows: list[dict[str, str]] = []
    contrasts: list[dict[str, str]] = []
    for s in range(n_studies):
        study = f"study{s}"
        arms = random.permutation(np.arange(n_people) % 3)
        rows += [{"id": i, "study": study, "arm": "ABC"[a]} for i, a in zip(people, arms, strict=True)]
        person = random.standard_normal(n_people)
        for outcome in ("likes", "shares"):
            effect = np.array([0.0, *(0.5 * random.standard_normal(2))])
            ours = 50 + 20 * (slope * effect[arms] + 0.6 * person + 0.8 * random.standard_normal(n_people))
            theirs = 50 + 20 * effect[arms] + 10 * (0.6 * person + 0.8 * random.standard_normal(n_people))
            asked = n_people if s < n_studies - new else pilot
            item = f"{study}_{outcome}"
            human[item] = [float(v) if k < asked else None for k, v in enumerate(ours)]
            twin[item] = [float(v) for v in theirs]
            contrasts += [
                {
                    "contrast_id": f"{study}:{arm}:{outcome}",
                    "study": study,
                    "kind": "between",
                    "condition": "arm",
                    "treatment": arm,
                    "control": "A",
                    "outcomes": item,
                    "minus_outcomes": "",
                }
                for arm in "BC"
            ]
    return {
        "human": pa.table({"id": people, **{k: pa.array(v, pa.float64()) for k, v in human.items()}}),
        "twin": pa.table({"id": people, **twin}),
        "conditions": pa.Table.from_pylist(rows),
        "contrasts": pa.Table.from_pylist(contrasts),
    }


def experiment(**asked: Any) -> Experiment:
    """Make an experiment of generated tables."""
    tables = experiment_tables(**asked)
    return Experiment(
        tables["human"], tables["twin"], tables["conditions"], tables["contrasts"], id_column="id"
    )

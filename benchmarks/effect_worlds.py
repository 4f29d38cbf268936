"""Calibrate effects in generated experiments whose slopes are known: coverage and gains by the number of past studies.

``python benchmarks/effect_worlds.py`` prints one row a world and number of past studies. In each of the 200 sets of a
row, the effects of one new study are predicted from the past ones; errors are against its true effects.
"""

from __future__ import annotations

import argparse

import numpy as np

from truetwin.experiments import effect_calibration
from truetwin.experiments.effect_calibration import EffectCalibration
from truetwin.experiments.paired_effects import PairedEffects

#: Slope between conditions, slope within persons, spread of slopes, spread of errors, share of unlike studies.
WORLDS = {
    "as it is": (1.0, 1.0, 0.0, 0.02, 0.0),
    "no effect known": (0.0, 0.0, 0.0, 0.25, 0.0),
    "kinds differ": (0.8, 0.1, 0.2, 0.1, 0.0),
    "kinds alike": (0.6, 0.6, 0.2, 0.1, 0.0),
    "studies differ": (0.6, 0.3, 0.5, 0.15, 0.0),
    "unlike studies": (0.7, 0.2, 0.1, 0.08, 0.2),
    "backwards": (-0.4, -0.4, 0.1, 0.1, 0.0),
}


def generated(
    random: np.random.Generator, n_studies: int, world: tuple[float, ...]
) -> tuple[PairedEffects, np.ndarray]:
    """Generate studies of 1 to 10 contrasts; return the estimates and the true human effects."""
    between, within, slope_spread, error_spread, unlike = world
    columns: dict[str, list[float]] = {
        name: [] for name in ("true", "human", "v", "twin", "w", "own", "own_w")
    }
    names, studies, kinds = [], [], []
    for s in range(n_studies):
        m, is_within = int(random.integers(1, 11)), bool(random.random() < 0.3)
        factor = 4.0 if random.random() < unlike else 1.0
        ratio = float(np.exp(0.3 * random.standard_normal() + 0.4))  # human sd over the twins' own
        slope = (within if is_within else between) + factor * slope_spread * random.standard_normal()
        twin = 0.4 * random.standard_normal(m)
        true = slope * twin + factor * error_spread * random.standard_normal(m)
        v = np.full(m, 2.0 / random.integers(50, 400))
        w = np.full(m, 2.0 / random.integers(50, 400)) / ratio**2
        seen = twin + np.sqrt(w) * random.standard_normal(m)
        columns["true"] += list(true)
        columns["human"] += list(true + np.sqrt(v) * random.standard_normal(m))
        columns["v"] += list(v)
        columns["twin"] += list(seen)
        columns["w"] += list(w)
        columns["own"] += list(seen * ratio)
        columns["own_w"] += list(w * ratio**2)
        names += [f"c{s}.{k}" for k in range(m)]
        studies += [f"s{s}"] * m
        kinds += ["within" if is_within else "between"] * m
    effects = PairedEffects.of(
        names,
        studies,
        kinds,
        human=columns["human"],
        human_variance=columns["v"],
        twin=columns["twin"],
        twin_variance=columns["w"],
        own=columns["own"],
        own_variance=columns["own_w"],
    )
    return effects, np.array(columns["true"])


def scored(k: int, world: tuple[float, ...], n_sets: int, seed: int) -> dict[str, float]:
    """Predict one new study in each of the sets; every study counts the same."""
    random = np.random.default_rng(seed)
    sums = dict.fromkeys(("zero", "twin", "calibrated", "cover", "width"), 0.0)
    for _ in range(n_sets):
        effects, true = generated(random, k + 1, world)
        new = effects.of_study(f"s{k}")
        target = true[-len(new) :]
        fitted = EffectCalibration.fit(effects.without_studies([f"s{k}"]))
        law = fitted.law(new)
        low, high = law.quantiles([0.05, 0.95])
        sums["zero"] += float((target**2).mean())
        sums["twin"] += float(((target - new.twin) ** 2).mean())
        sums["calibrated"] += float(((target - law.mean()) ** 2).mean())
        sums["cover"] += float(((low <= target) & (target <= high)).mean())
        sums["width"] += float((high - low).mean())
    means = {name: value / n_sets for name, value in sums.items()}
    return {name: value if name in ("cover", "width") else value**0.5 for name, value in means.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--studies", type=int, nargs="+", default=[3, 4, 6, 10, 20])
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    effect_calibration.LEAST_STUDIES = min(asked.studies)
    print(f"{'world':18}{'studies':>8}{'zero':>7}{'twin':>7}{'calibrated':>11}{'cover 90%':>10}{'width':>7}")
    for name in asked.worlds:
        for k in asked.studies:
            row = scored(k, WORLDS[name], asked.sets, asked.seed)
            print(
                f"{name:18}{k:8d}{row['zero']:7.3f}{row['twin']:7.3f}{row['calibrated']:11.3f}"
                f"{row['cover']:10.3f}{row['width']:7.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

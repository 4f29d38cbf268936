"""Generated studies with effects whose slopes are known."""

from __future__ import annotations

import numpy as np

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

"""Time experiments of 1,000 contrasts and 2,000 people: effects, calibration, leaving out each study, ranking.

``python benchmarks/experiment_speed.py`` prints seconds of one core.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from truetwin.data.contrast import Contrast
from truetwin.experiments.experiment import Experiment

N_PEOPLE, N_STUDIES, N_OUTCOMES, ARMS = 2000, 50, 5, "abcde"


def generated() -> Experiment:
    """Generate studies of five arms and five outcomes; all people are in all studies."""
    random = np.random.default_rng(0)
    ids = [f"p{k}" for k in range(N_PEOPLE)]
    conditions: dict[str, list[str]] = {"id": ids}
    human, twin, contrasts = {"id": ids}, {"id": ids}, []
    for s in range(N_STUDIES):
        arm = random.integers(0, len(ARMS), N_PEOPLE)
        conditions[f"arm{s}"] = [ARMS[a] for a in arm]
        for o in range(N_OUTCOMES):
            item, effect = f"s{s}o{o}", np.array([0.0, *(0.3 * random.standard_normal(len(ARMS) - 1))])
            human[item] = 0.5 * effect[arm] + random.standard_normal(N_PEOPLE)
            twin[item] = effect[arm] + 0.6 * random.standard_normal(N_PEOPLE)
            contrasts += [
                Contrast(f"s{s}:{a}:{o}", f"s{s}", "between", (f"arm{s}",), a, ARMS[0], (item,))
                for a in ARMS[1:]
            ]
    return Experiment(pa.table(human), pa.table(twin), pa.table(conditions), contrasts, id_column="id")


def main() -> None:
    """Print the times."""
    timed = time.process_time()
    experiment = generated()
    print(
        f"{len(experiment.contrasts)} contrasts, {N_PEOPLE} people: made in {time.process_time() - timed:.1f} s"
    )
    jobs: dict[str, Callable[[], object]] = {
        "effects": experiment.effects,
        "leave out each study": experiment.evaluate,
        "calibrate one study": lambda: experiment.calibrate(["s1"]).rows,
        "rank its arms": lambda: experiment.rank(["s1"]),
    }
    for name, job in jobs.items():
        timed = time.process_time()
        job()
        print(f"{name}: {time.process_time() - timed:.1f} s")


if __name__ == "__main__":
    main()

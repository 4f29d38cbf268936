"""Measure the cost of work in a unit that survives slow and busy machines.

The unit, one *yardstick*, is the CPU time of ten thin singular value decompositions of a fixed 2058 x 246 matrix on one
thread, in the same process. `python benchmarks/yardstick.py` prints it for this machine.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

SHAPE = (2058, 246)
DECOMPOSITIONS = 10


def yardstick(repeats: int = 3) -> float:
    """Return the CPU seconds of one yardstick: the median of a few repeats."""
    matrix = np.random.default_rng(0).standard_normal(SHAPE)
    with threadpool_limits(1):
        np.linalg.svd(matrix, full_matrices=False)  # the first call also loads the library
        return statistics.median(_once(matrix) for _ in range(repeats))


def _once(matrix: np.ndarray) -> float:
    begin = time.process_time()
    for _ in range(DECOMPOSITIONS):
        np.linalg.svd(matrix, full_matrices=False)
    return time.process_time() - begin


@dataclass(frozen=True)
class Cost:
    """What a piece of work costs.

    Attributes
    ----------
    seconds : float
        CPU seconds, median of the repeats.
    yardstick : float
        CPU seconds of one yardstick, median of measurements before and after the work.
    gib : float
        Peak resident memory of this process so far.
    """

    seconds: float
    yardstick: float
    gib: float

    @property
    def ratio(self) -> float:
        """CPU time in yardsticks."""
        return self.seconds / self.yardstick

    def __str__(self) -> str:
        return (
            f"{self.ratio:.1f} yardsticks ({self.seconds:.1f} s CPU, yardstick {self.yardstick:.3f} s), "
            f"peak memory {self.gib:.2f} GiB"
        )


def cost(work: Callable[[], object], repeats: int = 1) -> Cost:
    """Measure a piece of work on one thread of this process, with a yardstick before and after it.

    CPU time of child processes is not counted.
    """
    before = yardstick()
    seconds = []
    with threadpool_limits(1):
        for _ in range(repeats):
            begin = time.process_time()
            work()
            seconds.append(time.process_time() - begin)
    unit = statistics.median([before, yardstick()])
    return Cost(statistics.median(seconds), unit, peak_gib())


def peak_gib() -> float:
    """Return the peak resident memory of this process so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    print(f"{yardstick(5):.3f} s CPU")

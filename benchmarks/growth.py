"""Measure how time and memory of calibrating grow with the numbers of respondents and items.

    python benchmarks/growth.py [--most-respondents 200000] [--most-items 800] [--methods ridge elastic-net soft-svd]

For each size, a separate process generates a panel, calibrates two new items on one thread, and reports CPU time in
yardsticks (benchmarks/yardstick.py) and peak resident memory. The exponent is the slope of log time on log size between
the two largest sizes.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path

METHODS = ("ridge", "elastic-net", "soft-svd")
RESPONDENTS = (2_000, 20_000, 200_000)
ITEMS = (50, 200, 800)


def one(n: int, m: int, method: str) -> None:
    """Measure one size and print the figures as JSON."""
    sys.path.insert(0, str(Path(__file__).parent))
    import truetwin as tt
    from truetwin.datasets import generate_population
    from yardstick import cost

    panel = generate_population(n, m, n_new_items=2, missing=0.2).panel
    spent = cost(lambda: tt.calibrate(panel, method, preset="twin-2k-500"))
    print(json.dumps({"yardsticks": spent.ratio, "gib": spent.gib}))


def measure(n: int, m: int, method: str) -> dict[str, float]:
    """Measure one size in a separate process."""
    command = [sys.executable, __file__, "--one", str(n), str(m), method]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def exponent(sizes: list[int], spent: list[float]) -> float:
    """Return the slope of log time on log size between the two largest sizes."""
    return math.log(spent[-1] / spent[-2]) / math.log(sizes[-1] / sizes[-2])


def main() -> None:
    """Measure all sizes and print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--most-respondents", type=int, default=RESPONDENTS[-1])
    parser.add_argument("--most-items", type=int, default=ITEMS[-1])
    parser.add_argument("--methods", nargs="+", default=METHODS)
    arguments = parser.parse_args()
    if arguments.one:
        one(int(arguments.one[0]), int(arguments.one[1]), arguments.one[2])
        return
    respondents = [(n, 200) for n in RESPONDENTS if n <= arguments.most_respondents]
    items = [(2_000, m) for m in ITEMS if m <= arguments.most_items]
    for what, axis, shapes in (
        ("respondents (200 items)", 0, respondents),
        ("items (2000 respondents)", 1, items),
    ):
        sizes = [shape[axis] for shape in shapes]
        print(f"{what}: yardsticks (peak GiB)")
        print(f"  {'method':14}" + "".join(f"{size:>16,}" for size in sizes) + f"{'exponent':>10}")
        for method in arguments.methods:
            cells = [measure(*shape, method) for shape in shapes]
            texts = "".join(f"{c['yardsticks']:.1f} ({c['gib']:.1f})".rjust(16) for c in cells)
            slope = exponent(sizes, [c["yardsticks"] for c in cells]) if len(sizes) > 1 else float("nan")
            print(f"  {method:14}{texts}{slope:10.2f}", flush=True)


if __name__ == "__main__":
    main()

"""Measure what `truetwin demo` costs, as the whole process that a user starts: imports, work, report and end.

`python benchmarks/demo.py [REPEATS]` prints CPU and wall time of each run, and the CPU time in yardsticks.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time

from yardstick import yardstick


def run(folder: str) -> tuple[float, float]:
    """Return CPU and wall seconds of one demo."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "truetwin", "demo", "--output", folder]
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=True, capture_output=True, env=usual)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - begin


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    found = []
    with tempfile.TemporaryDirectory() as folder:
        run(folder)  # the first run also compiles the modules, where no installation has done so
        for _ in range(repeats):
            unit, (cpu, wall) = yardstick(), run(folder)
            found.append(cpu / unit)
            print(f"{cpu / unit:.1f} yardsticks ({cpu:.2f} s CPU, yardstick {unit:.3f} s), {wall:.1f} s")
    print(f"least {min(found):.1f}")


if __name__ == "__main__":
    main()

"""Measure how near runs come to the best rate of a server that answers k requests at a time, each in t seconds.

    python benchmarks/pace.py                                 # k = 1, 4, 64, 500; about eight minutes
    python benchmarks/pace.py --slots 4 --latency 20 --calls 288

A real HTTP server on a loopback port answers first come first served, and also works on what was given up. Settings are
the defaults of ``truetwin simulate``. *Ratio* is the best time for all calls over the time they took; *settled* is the
same without the calls answered in the first minute. Timeouts are counted in all and after that minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from simulate import SERVER, Survey, configure
from truetwin.llm import Progress, RunOptions, Store, open_model, run

FIRST = 60.0  # seconds that the search for the pace may take
#: Slots of the server, seconds for an answer, calls.
USUAL = [(1, 1.0, 180), (4, 2.0, 400), (64, 2.0, 4_500), (500, 4.0, 18_000)]


def measured(base_url: str, slots: int, latency: float, calls: int, options: RunOptions) -> dict[str, float]:
    """Ask a server that answers ``slots`` requests at a time, and compare with its best rate."""
    configure(base_url, latency, slots)
    seen: list[tuple[float, int, int, int]] = []

    def watch(progress: Progress) -> None:
        seen.append((progress.seconds, progress.done, progress.timeouts, progress.limit))

    begun, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder)) as store:
        model = open_model("m", base_url=base_url, concurrency=options.concurrency)
        run(Survey(calls), model, store, options, progress=watch)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    best = slots / latency
    first = next((each for each in seen if each[0] >= FIRST), None)
    settled = float("nan")
    if first is not None and seen[-1][0] > first[0] + 2 * latency:
        settled = (calls - first[1]) / (seen[-1][0] - first[0]) / best
    return {
        "slots": slots, "latency": latency, "calls": calls, "seconds": round(seconds, 1),
        "ratio": round(calls / seconds / best, 3), "settled": round(settled, 3), "timeouts": seen[-1][2],
        "late_timeouts": seen[-1][2] - first[2] if first else 0, "highest_limit": max(each[3] for each in seen),
        "last_limit": seen[-1][3], "cpu_ms_per_call": round(1e3 * cpu / calls, 2),
    }  # fmt: skip


def main(cases: list[tuple[int, float, int]], options: RunOptions) -> None:
    """Print one line for each case."""
    for case in cases:
        with subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                base_url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
                print(json.dumps(measured(base_url, *case, options)), flush=True)
            finally:
                server.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--slots", type=int, help="requests that the server answers at a time; all cases without it"
    )
    parser.add_argument("--latency", type=float, default=2.0, help="seconds for an answer")
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--timeout", type=float, default=RunOptions().timeout)
    parser.add_argument("--concurrency", type=int, default=RunOptions().concurrency)
    asked = parser.parse_args()
    chosen = USUAL if asked.slots is None else [(asked.slots, asked.latency, asked.calls)]
    main(chosen, RunOptions(concurrency=asked.concurrency, timeout=asked.timeout))

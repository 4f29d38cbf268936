"""Compare our runner with Inspect on a full narrative choice run: 1187 items, a local server with 50 ms latency.

    python benchmarks/voice_run.py            # needs the published items (TRUETWIN_DATA_MIRROR, or the network)

Prints one line for each of four runs: our runner; our runner interrupted five times by Ctrl-C, with the number of
requests that the server counted; Inspect with the benchmark's task; and Inspect with a trivial task of the same size,
which is its least time. Times are wall-clock and processor seconds of the client.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVER = Path(__file__).parents[1] / "tests" / "llm_server.py"
N_ITEMS = 1187


@contextmanager
def server(latency: float) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, str(SERVER), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        post(url, "config", {"latency": latency})
        yield url
    finally:
        process.terminate()
        process.wait()


def post(url: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(f"{url}/admin/{path}", json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request).read()


def stats(url: str) -> dict[str, Any]:
    return dict(json.load(urllib.request.urlopen(f"{url}/admin/stats")))


@contextmanager
def timed(label: str) -> Iterator[dict[str, Any]]:
    found: dict[str, Any] = {"what": label}
    wall, cpu = time.perf_counter(), time.process_time()
    yield found
    found |= {
        "wall_s": round(time.perf_counter() - wall, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(found), flush=True)


def our_runner(url: str) -> None:
    from truetwin.llm import RunOptions, Store, open_model
    from truetwin.voice.protocols.item_selection import select_items
    from truetwin.voice.protocols.outcomes import Protocol, Status
    from truetwin.voice.protocols.playing import Player, play

    with tempfile.TemporaryDirectory() as folder, timed("our runner, items loaded included") as found:
        items = select_items("narrative").items
        with Store(folder) as store:
            player = Player(open_model("fake", base_url=f"{url}/v1"), RunOptions(concurrency=64))
            played = play(items, [Protocol.CHOICE], player, store)
        found["outcomes"] = len(played.outcomes)
        found["correct"] = sum(o.status is Status.CORRECT for o in played.outcomes)


def interrupted(url: str) -> None:
    """Run the program and stop it by Ctrl-C five times; then run it to its end, and once more without interruption."""
    with tempfile.TemporaryDirectory() as folder, timed("our program, interrupted five times") as found:
        post(url, "reset", {})
        post(url, "config", {"latency": 0.2})
        for _ in range(5):
            process = program(url, Path(folder) / "torn")
            before = stats(url)["served"]
            while process.poll() is None and stats(url)["served"] < before + 100:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            process.wait()
        post(url, "config", {"latency": 0.05})
        found["exit"] = program(url, Path(folder) / "torn").wait()
        found["paid_more_than_once"] = stats(url)["served"] - N_ITEMS
        program(url, Path(folder) / "whole").wait()
        torn, whole = (Path(folder, name, "choice.jsonl").read_text() for name in ("torn", "whole"))
        found["same_outcomes"] = torn == whole


def program(url: str, run: Path) -> subprocess.Popen[bytes]:
    arguments = ["voice", "run", "narrative", "--model", "fake", "--base-url", f"{url}/v1", "--run", str(run)]
    start = "import sys; from truetwin.cli import main; main(sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", start, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def inspect_tasks(url: str, connections: int) -> None:
    os.environ |= {"LOCAL_API_KEY": "none", "LOCAL_BASE_URL": f"{url}/v1"}
    from inspect_ai import Task
    from inspect_ai import eval as inspect_eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate

    from truetwin.voice.protocols.inspect_tasks import voice_narrative

    def run(task: Task, label: str) -> float:
        with tempfile.TemporaryDirectory() as logs, timed(label) as found:
            [log] = inspect_eval(
                task,
                model="openai-api/local/fake",
                log_dir=logs,
                display="none",
                max_connections=connections,
            )
            found |= {"status": log.status, "samples": len(log.samples or ())}
        return float(found["wall_s"])

    def trivial() -> Task:
        samples = [Sample(id=k, input=f"Question {k}?", target="1") for k in range(N_ITEMS)]
        return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes())

    run(Task(dataset=MemoryDataset([Sample(input="warm up", target="1")]), scorer=includes()), "warm-up")
    floor = [run(trivial(), "Inspect, trivial task (its floor)")]
    ours = [run(voice_narrative(), "Inspect, truetwin/voice_narrative")]
    floor.append(run(trivial(), "Inspect, trivial task (its floor)"))
    ours.append(run(voice_narrative(), "Inspect, truetwin/voice_narrative"))
    print(json.dumps({"what": "Inspect, ours over its floor", "ratio": round(min(ours) / min(floor), 2)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__ or "")[0])
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--connections", type=int, default=64, help="of Inspect")
    parser.add_argument("--only", choices=["runner", "inspect", "interrupted"])
    chosen = parser.parse_args()
    parts = {
        "runner": our_runner,
        "inspect": lambda url: inspect_tasks(url, chosen.connections),
        "interrupted": interrupted,
    }
    with server(chosen.latency) as address:
        for name, part in parts.items():
            if chosen.only in (None, name):
                part(address)

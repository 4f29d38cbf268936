"""Measure calls per second, processor time and memory of a run against a server process with a fixed latency.

    python benchmarks/simulate.py                   # 10 thousand calls at concurrency 200
    python benchmarks/simulate.py --calls 100000

For comparison, the bare ``openai`` client, which stores nothing, runs in a loop in the same process against the same
server. The server runs on the same machine and takes its own share of the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from truetwin.llm import (
    Cell,
    Message,
    Parsed,
    Progress,
    Reply,
    Request,
    RunOptions,
    State,
    Store,
    open_model,
    run,
)

SERVER = Path(__file__).parents[1] / "tests" / "llm_server.py"
N_ITEMS = 100
PERSONA = (
    "I am {name}. " + "I have lived in a small town by the sea for most of my life and work as a nurse. " * 24
)


class Survey:
    """Task of ``n`` calls: personas of about 2000 characters with a hundred items each."""

    def __init__(self, n: int) -> None:
        self.n = n

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"calls": self.n}

    def cells(self) -> Iterator[Cell]:
        for k in range(self.n):
            yield Cell(f"p{k // N_ITEMS}", f"q{k % N_ITEMS}")

    def request(self, cell: Cell) -> Request:
        persona = PERSONA.replace("{name}", cell.persona)
        asked = (
            f"{cell.persona} {cell.item}: how satisfied are you, from 1 to 5? Answer with the number only."
        )
        return Request((Message("system", (persona,)), Message("user", (asked,))), cell=cell)

    def parse(self, cell: Cell, reply: Reply) -> Parsed:
        return Parsed(State.VALID, int(reply.text))


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def bare_loop(base_url: str, task: Survey, n: int, concurrency: int) -> dict[str, float]:
    """Run the client as its documentation shows, on the same transport, in ``concurrency`` loops at once."""
    import openai

    cells = iter(list(task.cells())[:n])
    client = openai.AsyncOpenAI(
        api_key="none", base_url=base_url, max_retries=0, http_client=openai.DefaultAioHttpClient()
    )

    async def worker() -> None:
        for cell in cells:
            messages: Any = [{"role": m.role, "content": m.content} for m in task.request(cell).messages]
            await client.chat.completions.create(model="m", messages=messages)

    begun, begun_cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    seconds, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    await client.close()
    return {"calls_per_second": round(n / seconds), "cpu_ms_per_call": round(1e3 * cpu / n, 2)}


def measured_run(base_url: str, task: Survey, concurrency: int, folder: Path) -> dict[str, float | None]:
    memory: list[float] = []

    def watch(progress: Progress) -> None:
        memory.append(resident_mib())

    with Store(folder) as store:
        begun, begun_cpu = time.perf_counter(), time.process_time()
        model = open_model("m", base_url=base_url, concurrency=concurrency)
        summary = run(task, model, store, RunOptions(concurrency=concurrency), progress=watch)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    tenth = max(1, len(memory) // 10)
    asked = summary.asked
    return {
        "asked": summary.asked, "complete": summary.complete, "failed_attempts": sum(summary.failed_attempts.values()),
        "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1), "calls_per_second": round(summary.asked / seconds),
        "cpu_ms_per_call": round(1e3 * cpu / asked, 2) if asked else None,
        "resident_mib_early": round(memory[tenth - 1]),
        "resident_mib_end": round(memory[-1]), "resident_mib_peak": round(max(memory)),
        "store_mib": round((folder / "run.sqlite").stat().st_size / 2**20, 1),
    }  # fmt: skip


def main(calls: int, concurrency: int, latency: float) -> None:
    command = [sys.executable, str(SERVER)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.stdout is not None
        base_url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        try:
            configure(base_url, latency)
            task = Survey(calls)
            measured_run(
                base_url, Survey(200), concurrency, Path(tempfile.mkdtemp(dir=folder))
            )  # warm up: imports and caches
            print(json.dumps({"run": measured_run(base_url, task, concurrency, Path(folder))}), flush=True)
            print(json.dumps({"resume": measured_run(base_url, task, concurrency, Path(folder))}), flush=True)
            n_bare = min(calls, 5000)
            print(
                json.dumps({"bare openai loop": asyncio.run(bare_loop(base_url, task, n_bare, concurrency))})
            )
        finally:
            server.terminate()


def configure(base_url: str, latency: float, slots: int | None = None) -> None:
    import urllib.request

    url = base_url.removesuffix("/v1") + "/admin/config"
    settings = {"latency": latency} | ({} if slots is None else {"slots": slots})
    urllib.request.urlopen(urllib.request.Request(url, data=json.dumps(settings).encode())).close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.05, help="of the server, in seconds")
    asked = parser.parse_args()
    main(asked.calls, asked.concurrency, asked.latency)

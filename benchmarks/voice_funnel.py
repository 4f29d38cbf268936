"""Send generated messages through the messaging funnel, and print CPU time, wall time and peak memory.

The funnel is the sequence of filters that turns a message log into voice items.

    python benchmarks/voice_funnel.py --messages 500000 [--folder DIR] [--replies]

Words are drawn by Zipf's law, and each user mixes the vocabulary in their own way. Users write in several channels;
there are bots, canned messages and repeated messages. With ``--replies`` the log states which message each message
replies to; without it, the heuristic finds the links. The target is 5,000,000 messages in 15 minutes on two cores, in
2 GiB.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from truetwin.settings.voice_build_settings import BuildOptions, InterpersonalSettings, MatchingOptions
from truetwin.voice_sets.conversations.interpersonal_build import build_interpersonal

WORDS = 30_000
BATCH = 50_000


def write_log(path: Path, n: int, *, replies: bool, seed: int = 0) -> None:
    """Write a log of ``n`` messages as JSON lines with ``user, channel, text, id, reply_to, time``."""
    rng = np.random.default_rng(seed)
    n_users, n_channels = max(n // 1000, 60), max(n // 25_000, 8)
    vocabulary = np.array(
        ["".join(rng.choice(list("abcdeilmnoprstu"), rng.integers(2, 9))) for _ in range(WORDS)]
    )
    common = ["the", "and", "you", "is", "that", "for", "with", "this", "have", "not"]
    vocabulary[: len(common)] = common
    homes = np.stack([rng.permutation(n_channels)[:4] for _ in range(n_users)])
    favourites = rng.integers(0, WORDS, (n_users, 40))
    weights = 1 / np.arange(1, WORDS + 1)
    cumulative = np.cumsum(weights / weights.sum())
    last = [-1] * n_channels
    with path.open("w", encoding="utf-8") as out:
        for start in range(0, n, BATCH):
            m = min(BATCH, n - start)
            users = np.minimum((rng.pareto(1.2, m) * n_users / 8).astype(int), n_users - 1)
            users = np.where(rng.random(m) < 0.5, users, rng.integers(0, n_users, m))
            channels = homes[users, rng.integers(0, 4, m)]
            lengths = rng.geometric(0.09, m)
            words = np.searchsorted(cumulative, rng.random(lengths.sum()))
            own = rng.random(len(words)) < 0.15
            owners = np.repeat(users, lengths)
            words[own] = favourites[owners[own], rng.integers(0, 40, own.sum())]
            ends = np.cumsum(lengths)
            for k in range(m):
                number, user, channel = start + k, int(users[k]), int(channels[k])
                text = " ".join(vocabulary[np.minimum(words[ends[k] - lengths[k] : ends[k]], WORDS - 1)])
                if user % 97 == 0:
                    text = f"build {number} of job {number % 7} has finished without any errors"
                elif k % 5 == 0 and last[channel] >= 0:
                    text = f"user{last[channel] % n_users}: {text}"
                row = {"user": f"user{user}", "channel": f"room{channel}", "text": text, "time": number}
                if replies and last[channel] >= 0 and k % 3:
                    row |= {"id": str(number), "reply_to": str(last[channel])}
                elif replies:
                    row["id"] = str(number)
                out.write(json.dumps(row) + "\n")
                last[channel] = number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--replies", action="store_true")
    parser.add_argument("--items", type=int, default=500)
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"log-{asked.messages}-{'stated' if asked.replies else 'open'}.jsonl"
    if not log.exists():
        write_log(log, asked.messages, replies=asked.replies)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stages: dict[str, list[float]] = {}

    def progress(stage: str, done: int, total: int) -> None:
        stages.setdefault(stage, [time.process_time(), 0.0])[1] = time.process_time()

    settings = InterpersonalSettings(
        most_items=asked.items,
        languages="common-words",
        build=BuildOptions(matching=MatchingOptions(rounds=2)),
    )
    wall, cpu = time.perf_counter(), time.process_time()
    built = build_interpersonal(log, folder / f"out-{log.stem}", settings, progress=progress)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"log: {asked.messages} messages, {log.stat().st_size / 2**20:.0f} MiB")
    for row in built.stages:
        spans = stages.get(row["stage"])
        spent = f"{spans[1] - spans[0]:8.1f} s" if spans else "         -"
        print(f"  {row['stage']:<12} {row['n_in']:>9} in {row['n_out']:>9} out {spent} CPU")
    print(f"items: {len(built.items)} of {built.n_candidates} candidates")
    print(f"CPU {cpu:.1f} s ({1e6 * cpu / asked.messages:.0f} microseconds a message), wall {wall:.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak / 1024:.0f} MiB ({before / 1024:.0f} MiB before the build)")


if __name__ == "__main__":
    main()

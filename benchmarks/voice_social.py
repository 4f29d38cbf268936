"""Build social items from generated posts and replies in three ways, and print how well baselines solve them.

    python benchmarks/voice_social.py [--posts 150] [--users 120] [--items 300]

Each user has favourite words, a usual length and a usual punctuation, and partly replies in the words of the post. The
three ways are: the published recipe, whose distractors are not matched to the true answer; matched distractors with
items drawn at random by the seed; and matched distractors with the items of the highest persona-choice alignment.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from truetwin.settings.voice_build_settings import SocialSettings
from truetwin.voice_sets.common.release_gate import GateError
from truetwin.voice_sets.conversations.social_build import build_social

WORDS = 3000


def write_replies(path: Path, *, posts: int, users: int, each: int = 30, seed: int = 0) -> None:
    """Write ``each`` replies to every post, as JSON lines."""
    rng = np.random.default_rng(seed)
    letters = list("abcdeilmnoprstu")
    vocabulary = np.array(["".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(WORDS)])
    weights = 1 / np.arange(1, WORDS + 1)
    weights /= weights.sum()
    topics = [rng.integers(50, WORDS, 60) for _ in range(12)]
    favourites = [rng.integers(20, WORDS, 25) for _ in range(users)]
    lengths, marks = rng.uniform(5, 20, users), rng.choice([".", "!", "...", ""], users)
    with path.open("w", encoding="utf-8") as out:
        for post in range(posts):
            topic = topics[post % len(topics)]
            about = rng.choice(topic, 14)
            text = " ".join(vocabulary[about])
            for user in rng.permutation(users)[:each]:
                n = max(3, int(rng.poisson(lengths[user])))
                kind = rng.random(n)
                words = rng.choice(WORDS, n, p=weights)
                words = np.where(kind < 0.2, rng.choice(favourites[user], n), words)
                words = np.where(kind > 0.85, rng.choice(about, n), words)
                words = np.where((kind > 0.7) & (kind < 0.85), rng.choice(topic, n), words)
                reply = " ".join(vocabulary[words]) + str(marks[user])
                row = {"user": f"u{user}", "post_id": f"p{post}", "post": text, "reply": reply}
                out.write(json.dumps({**row, "topic": f"t{post % len(topics)}"}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--posts", type=int, default=150)
    parser.add_argument("--users", type=int, default=120)
    parser.add_argument("--items", type=int, default=300)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    write_replies(folder / "replies.jsonl", posts=asked.posts, users=asked.users)
    for ranking in ("random", "alignment"):
        settings = SocialSettings(
            ranking=ranking,  # type: ignore[arg-type]
            most_items=asked.items,
            most_candidates=3 * asked.items,
            languages="common-words",
        )
        start = time.process_time()
        try:
            built = build_social(folder / "replies.jsonl", folder / "out", settings)
        except GateError as error:
            print(f"{ranking}: not built: {error}")
            continue
        print(
            f"{ranking}: {len(built.items)} items, {built.share_kept:.0%} of {built.n_candidates} candidates"
        )
        before = {r["predictor"]: r["accuracy"] for r in built.before.rows()} if built.before else {}
        for row in built.verdict.report.rows():
            name = row["predictor"] + ("" if row["persona_free"] else " (uses the history)")
            print(f"  {name:<36} published {before[row['predictor']]:5.1f}   built {row['accuracy']:5.1f}")
        for line in json.loads((built.folder / "datasheet.json").read_text())["notes"]:
            if line.startswith("Before balancing"):
                print(f"  {line}")
        print(f"  CPU {time.process_time() - start:.1f} s")


if __name__ == "__main__":
    main()

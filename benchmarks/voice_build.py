"""Measure the building and repairing of narrative items on the public data.

``python benchmarks/voice_build.py BOOK [--novel NAME] [--only speech|build|repair] [--seed S]``

BOOK is the plain text of the novel. The published items and profiles come from the usual cache or mirror. Printed are:

- how many published utterances of that novel are found as speech, and how many of these are attributed to the published
  speaker, without and with the published list of characters;
- audits of a set built from the book, and of the published items before and after repair;
- audits of the built and repaired sets by a kind of style model, and in folds, that the matching did not use.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from item_agreement import Known, agreement
from truetwin.datasets.twinvoice import PROFILES, twinvoice
from truetwin.settings.voice_build_settings import BuildOptions, NarrativeSettings, RepairOptions
from truetwin.voice.auditing.style import (
    answer_index,
    group_folds,
    group_of,
    style_arrays,
    style_probabilities,
)
from truetwin.voice.items.dimensions import narrative
from truetwin.voice.items.voice_items import VoiceItem
from truetwin.voice.stats.rates import wilson
from truetwin.voice_sets.common.finishing import Built
from truetwin.voice_sets.common.set_repair import repair
from truetwin.voice_sets.novels.book import read_book
from truetwin.voice_sets.novels.characters import read_characters
from truetwin.voice_sets.novels.novel_pipeline import build_narrative, read_speech


def share(n: int, of: int) -> str:
    low, high = wilson(n / of, of)
    return f"{n}/{of} = {100 * n / of:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"


def print_speech(book_path: Path, profiles: Path, novel: str) -> None:
    items = [i for i in narrative.load(remove_leaks=False).items if i.group == novel]
    known = [Known(i.true_option.text, i.persona.name, float(i.provenance["chunk_id"])) for i in items]
    book = read_book(book_path)
    for name, people in (
        ("no list of characters", []),
        ("published list", read_characters(profiles, novel=novel)),
    ):
        start = time.process_time()
        read, _ = read_speech(book, people)
        spent = time.process_time() - start
        found = agreement(read, known)
        print(f"{name}: {len(read.utterances)} utterances in {spent:.1f} s CPU")
        print(f"  in the book: {found.n_in_book} of {found.n_known}")
        print(f"  found as speech: {share(found.n_found, found.n_in_book)}, whole: {found.n_whole}")
        print(f"  published speaker: {share(found.n_same_speaker, found.n_found)}")


def print_built(built: Built) -> None:
    before = {r["predictor"]: r["accuracy"] for r in built.before.rows()} if built.before else {}
    print(f"{len(built.items)} of {built.n_candidates} candidates kept ({built.share_kept:.1%})")
    for stage in built.stages:
        print(f"  {stage['stage']}: {stage['n_in']} -> {stage['n_out']} {stage['dropped']}")
    for row in built.verdict.report.rows():
        old = f"{before[row['predictor']]:5.1f} -> " if before.get(row["predictor"]) is not None else ""
        kind = "" if row["persona_free"] else " (uses the history)"
        print(
            f"  {row['predictor']:16s} {old}{row['accuracy']:5.1f} [{row['ci_low']:.1f}, {row['ci_high']:.1f}]{kind}"
        )
    print_unseen(built.items)


def print_unseen(items: Sequence[VoiceItem]) -> None:
    """Print the audits by style models that played no part in matching or balancing."""
    y = np.array([answer_index(i) for i in items])
    for seed in (101, 102, 103):
        found = style_probabilities(items, seed=seed)
        if found is not None:
            print(f"  style model, other folds ({seed}): {100 * np.mean(found.argmax(axis=1) == y):.1f}")
    print(f"  boosted trees on the same features: {share(_trees(items, y), len(items))}")


def _trees(items: Sequence[VoiceItem], y: np.ndarray) -> int:
    from sklearn.ensemble import HistGradientBoostingClassifier

    x = style_arrays(items)
    folds = group_folds([group_of(i) for i in items], seed=5)
    _, k, p = x.shape
    is_true = (np.arange(k) == y[:, None]).astype(int)
    right = 0
    for fold in np.unique(folds):
        out = folds == fold
        model = HistGradientBoostingClassifier(max_iter=80, random_state=0)
        model.fit(x[~out].reshape(-1, p), is_true[~out].ravel())
        guess = model.predict_proba(x[out].reshape(-1, p))[:, 1].reshape(-1, k).argmax(axis=1)
        right += int((guess == y[out]).sum())
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("book", type=Path)
    parser.add_argument("--novel", default="BlueEyes")
    parser.add_argument("--only", choices=["speech", "build", "repair"])
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    profiles = twinvoice.fetch(PROFILES)
    options = BuildOptions(seed=asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        if asked.only in (None, "speech"):
            print_speech(asked.book, profiles, asked.novel)
        if asked.only in (None, "build"):
            settings = NarrativeSettings(build=options, characters=str(profiles), novel=asked.novel)
            print("\nbuilt from the book:")
            print_built(build_narrative([asked.book], Path(folder) / "built", settings))
        if asked.only in (None, "repair"):
            print("\npublished narrative items, repaired:")
            print_built(repair("narrative", Path(folder) / "repaired", RepairOptions(build=options)))


if __name__ == "__main__":
    main()

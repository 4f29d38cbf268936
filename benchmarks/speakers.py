"""Measure speakers found by rules against lines that were labelled by reading.

``python benchmarks/speakers.py TEXT [TEXT ...]``

The labels (``speaker_labels.csv``) are for two texts that played no part while the rules were written: "Alice's
Adventures in Wonderland" as ``alice29.txt`` of the Canterbury corpus has it, and "The Adventures of Tom Sawyer" as
the test data of compression libraries have it (``Mark.Twain-Tom.Sawyer.txt``). A text is known by the beginning of its
SHA-256. Draw 1 is 100 of the utterances found in each, by seed 2031; they were labelled from the text around them
before any speaker that the rules found was looked at. Their errors then led to better rules. Draw 2 is 50 further
utterances of each (seed 2032), drawn and labelled in the same way after that.

A label is the place of the first letter, in paragraphs joined by one blank, and the speaker's names; ``other`` is
somebody without a name of their own, ``no speech`` is none.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from truetwin.io import file_hash
from truetwin.voice.stats.rates import wilson
from truetwin.voice_sets.novels.attribution import Utterance
from truetwin.voice_sets.novels.book import read_book
from truetwin.voice_sets.novels.novel_drafts import ReadBook
from truetwin.voice_sets.novels.novel_pipeline import read_speech
from truetwin.voice_sets.novels.script_names import words_of

LABELS = Path(__file__).with_name("speaker_labels.csv")
#: Utterances with a smaller margin become no items.
MARGIN = 1.0


@dataclass(frozen=True)
class Label:
    """Label: the place of a line, and the names of whoever says it."""

    offset: int
    names: tuple[str, ...]
    draw: int = 1


@dataclass(frozen=True)
class Judged:
    """Judged line: whether it is rightly attributed, whether it is sure enough for an item, and the two names."""

    right: bool
    sure: bool
    found: str
    label: str


def labels_of(text: Path) -> list[Label]:
    """Read the labels of a text."""
    sha = file_hash(text)
    with LABELS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if sha.startswith(row["sha256"])]
    return [Label(int(row["offset"]), tuple(row["names"].split(", ")), int(row["draw"])) for row in rows]


def judged(read: ReadBook, labels: Sequence[Label]) -> Iterator[Judged]:
    """Compare the speaker found at each labelled place with the label."""
    starts = [0, *accumulate(len(p.text) + 1 for p in read.book.paragraphs)]
    at = {starts[s.paragraph] + s.start: u for u in read.utterances for s in u.spans}
    for label in labels:
        found = at.get(label.offset)
        name = "" if found is None else _name(read, found)
        sure = found is not None and found.margin >= MARGIN and found.speaker in read.cast
        yield Judged(_is_right(name, label.names), sure, name, ", ".join(label.names))


def _name(read: ReadBook, u: Utterance) -> str:
    """Return the name of whoever was found; somebody outside the cast keeps "other:" before what they are called."""
    return read.cast[u.speaker].name if u.speaker in read.cast else u.speaker or "other:"


def _is_right(found: str, names: Sequence[str]) -> bool:
    """Tell whether the name found is the speaker's, or part of it; nameless speakers must be left outside the cast."""
    if names == ("other",):
        return found.startswith("other:")
    words = set(words_of(found.removeprefix("other:"))) - {"mr", "mrs", "miss"}
    return bool(words) and any(words <= set(words_of(name)) for name in names)


def share(lines: Sequence[Judged]) -> str:
    """Print how many lines are right, with Wilson's interval."""
    right, n = sum(line.right for line in lines), len(lines)
    low, high = wilson(right / n, n)
    return f"{right}/{n} = {100 * right / n:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--wrong", action="store_true", help="list the lines that are wrong")
    asked = parser.parse_args()
    for text in asked.texts:
        if not (labels := labels_of(text)):
            print(f"{text.name}: no labels for this text")
            continue
        read, quotations = read_speech(read_book(text))
        print(f"{text.name}: {len(read.utterances)} utterances, marks {quotations.convention.name}")
        for draw in sorted({label.draw for label in labels}):
            print_draw(read, [label for label in labels if label.draw == draw], wrong=asked.wrong)


def print_draw(read: ReadBook, labels: Sequence[Label], *, wrong: bool) -> None:
    """Print how many lines of one draw are right, and which are not."""
    lines = list(judged(read, labels))
    print(f"  draw {labels[0].draw}, rightly attributed: {share(lines)}")
    print(f"    of those sure enough for items: {share([line for line in lines if line.sure])}")
    for line, label in zip(lines, labels, strict=True):
        if wrong and not line.right:
            print(
                f"    {label.offset}: found {line.found!r}, is {line.label!r}{' (sure)' if line.sure else ''}"
            )


if __name__ == "__main__":
    main()

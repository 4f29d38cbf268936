"""A made-up novel, long enough for a build."""

from __future__ import annotations

import numpy as np

NOUNS = [
    "lamp",
    "boat",
    "garden",
    "letter",
    "river",
    "coat",
    "clock",
    "bridge",
    "horse",
    "candle",
    "window",
    "market",
    "ladder",
    "bottle",
    "violin",
    "kettle",
    "orchard",
    "mill",
    "tunnel",
    "hammer",
    "saddle",
    "curtain",
    "harbour",
    "lantern",
    "pigeon",
    "basket",
]
VERBS = [
    "sell",
    "mend",
    "paint",
    "carry",
    "borrow",
    "lose",
    "find",
    "burn",
    "wash",
    "hide",
    "count",
    "clean",
    "move",
    "forget",
    "keep",
]
TIMES = [
    "today",
    "tonight",
    "tomorrow",
    "on",
    "Friday",
    "this",
    "week",
    "before",
    "noon",
    "after",
    "supper",
    "in",
    "spring",
]
PEOPLE = (("Anna Reed", "Anna", "she"), ("Thomas Hale", "Hale", "he"), ("Clara Voss", "Clara", "she"))


def made_up_novel(chapters: int = 8, scenes: int = 14, seed: int = 3) -> str:
    """Chapters of scenes in which two of three people talk; every line is different."""
    rng = np.random.default_rng(seed)
    text: list[str] = []
    for chapter in range(chapters):
        text.append(f"Chapter {chapter + 1}")
        for _ in range(scenes):
            a, b = (PEOPLE[k] for k in rng.permutation(3)[:2])
            text.append(
                f"{a[0]} met {b[0]} by the {rng.choice(NOUNS)}, where the {rng.choice(NOUNS)} had stood for years. "
                f"Nobody spoke of the {rng.choice(NOUNS)} any more."
            )
            text.append(f"“{_line(rng)}” said {a[1]}. “{_line(rng)}”")
            text.append(f"“{_line(rng)}” replied {b[1]}, looking at the {rng.choice(NOUNS)}.")
            text.append(f"“{_line(rng)}”")
    return "\n\n".join(text) + "\n"


def _line(rng: np.random.Generator) -> str:
    noun, other = rng.choice(NOUNS, 2, replace=False)
    verb, mark = rng.choice(VERBS), rng.choice([",", "!", "?"])
    opening = rng.choice(["I should", "We could", "You must", "They never", "Let us"])
    more = rng.choice(["", f" with the {other}", f" and {rng.choice(VERBS)} the {other}"])
    return f"{opening} {verb} the {noun}{more} {rng.choice(TIMES)}{mark}"

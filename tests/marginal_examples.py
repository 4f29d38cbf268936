"""A made-up pair of files in the published layout of OpinionQA."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from truetwin.datasets import opinionqa


def made_up(folder: Path, m: int = 12, n: int = 30) -> opinionqa.MarginalData:
    """A made-up file pair in the published layout."""
    rng = np.random.default_rng(0)
    labels = ["Very", "Somewhat", "Not too", "Not at all", "Refused"]
    asked = {
        f"Q{j}_W{26 + j % 3}": {
            "question": f"How {j}?",
            "choices": labels,
            "choice_to_numeric": {label: k + 1 for k, label in enumerate(labels)},
            "choice_counts": {str(k + 1): int(c) for k, c in enumerate(rng.integers(1, 99, size=5))},
        }
        for j in range(m)
    }
    (folder / opinionqa.QUESTIONS).write_text(json.dumps(asked))
    lines = ["," + ",".join(f"pid_{i}" for i in range(n))]
    lines += [f"{name}," + ",".join(str(v) for v in rng.integers(1, 6, size=n)) for name in asked]
    (folder / opinionqa.ANSWERS).write_text("\n".join(lines) + "\n")
    return opinionqa.read(folder / opinionqa.QUESTIONS, folder / opinionqa.ANSWERS)

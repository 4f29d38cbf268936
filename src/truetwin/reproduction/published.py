"""Read the figures that the papers printed."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

# Our name for a row of the paper's tables, where the two differ.
PAPER_NAMES = {"twin": "baseline", "synthetic-control-paper": "synthetic-control"}


@cache
def published() -> dict[str, Any]:
    """Read all published tables of paper A, by number."""
    return _read("published.json")


@cache
def published_voice() -> dict[str, Any]:
    """Read the published tables of paper B by model, dimension and metric; accuracies in percent, scores 1 to 5."""
    return _read("published_voice.json")


def published_mean(table: str, part: str, method: str) -> float | None:
    """Return the mean printed for ``method`` in a part of a table, or None if there is none."""
    means = published()[table].get(part, {}).get("mean", {})
    value = means.get(PAPER_NAMES.get(method, method))
    return None if value is None else float(value)


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return content

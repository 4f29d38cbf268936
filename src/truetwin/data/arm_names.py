"""Tell from the name of a column that it holds the arms of an experiment, and warn of comparing them on predictions."""

from __future__ import annotations

import re
from collections.abc import Iterable

ARM_WORDS = frozenset(
    (
        "arm",
        "arms",
        "condition",
        "conditions",
        "treatment",
        "treatments",
        "treated",
        "experimental",
        "assignment",
    )
)


def arm_columns(names: Iterable[str]) -> list[str]:
    """Return the names that speak of the arms of an experiment.

    Examples
    --------
    >>> arm_columns(["age", "Treatment", "exp_arm", "charm", "healthCondition"])
    ['Treatment', 'exp_arm', 'healthCondition']
    """
    return [name for name in names if ARM_WORDS & set(re.findall(r"[a-z]+", _parted(name).lower()))]


def arm_warning(names: Iterable[str]) -> str | None:
    """Warn that arms must not be compared on predictions, if a column's name speaks of arms; else None."""
    found = arm_columns(names)
    if not found:
        return None
    return (
        f"column {found[0]!r} sounds like the arms of an experiment. Do not compare arms on predicted answers: "
        "predictions shrink differences between arms and exaggerate others. `truetwin experiment` estimates and "
        "calibrates effects."
    )


def _parted(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)

"""Say which new items have weak laws, and what would help."""

from __future__ import annotations

from truetwin.data import Scale

DECLARE = "declare its scale (low and high in an item file)"
ASK = "ask a few people (pilot answers)"


def why_weak(scale: Scale, situation: str | None) -> str | None:
    """Explain why intervals of a new item may hold less than they say, and what would help; None if nothing is known.

    Examples
    --------
    >>> why_weak(Scale.numeric(0), None)
    'its answers are open numbers: ask a few people (pilot answers)'
    >>> why_weak(Scale.ordinal(1, 5), "new item of a known battery") is None
    True
    """
    found = []
    if scale.kind == "numeric" and scale.inferred:
        found.append(f"its answers are numbers whose range is that of the twins: {DECLARE}, or {ASK}")
    elif scale.kind == "numeric" and not (scale.low > float("-inf") and scale.high < float("inf")):
        found.append(f"its answers are open numbers: {ASK}")
    elif scale.inferred:
        found.append(f"its scale is that of the twins' answers: {DECLARE}")
    if situation and situation.startswith("new battery"):
        found.append(f"nobody has answered its battery: {ASK}")
    return "; ".join(found) or None

"""Compare the settings of two runs and name the differences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from truetwin.errors import RunError

_SHOWN = 5


def compare_settings(
    stored: Mapping[str, Any], asked: Mapping[str, Any], where: str, may_differ: Sequence[str] = ()
) -> None:
    """Raise :class:`RunError` if ``asked`` differs from ``stored``. The message names the differences.

    Examples
    --------
    >>> compare_settings({"model": {"name": "a"}}, {"model": {"name": "b"}}, "step 'answer' of run.sqlite")
    Traceback (most recent call last):
    ...
    truetwin.errors.RunError: a stored run is continued only under its own settings; step 'answer' of run.sqlite
    has other ones:
      model.name: stored "a", asked for "b"
    Continue with the stored settings, or use another folder (--run) for the new ones.
    """
    found = [
        (name, old, new)
        for name, old, new in _differences(stored, asked)
        if not any(name == each or name.startswith(each + ".") for each in may_differ)
    ]
    if not found:
        return
    lines = [f"  {name}: stored {_short(old)}, asked for {_short(new)}" for name, old, new in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN} more")
    raise RunError(
        f"a stored run is continued only under its own settings; {where}\nhas other ones:\n"
        + "\n".join(lines)
        + "\nContinue with the stored settings, or use another folder (--run) for the new ones."
    )


_MISSING = object()


def _differences(old: Any, new: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            inner = f"{name}.{key}" if name else str(key)
            yield from _differences(old.get(key, _MISSING), new.get(key, _MISSING), inner)
    elif old != new:
        yield name, old, new


def _short(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."

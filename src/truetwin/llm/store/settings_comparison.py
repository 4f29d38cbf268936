"""Compare the settings of two runs and name the differences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from truetwin.errors import RunError

_SHOWN = 5
_FREE = ("task.sampling", "task.design.reply", "task.design.strategy", "task.prompts")
_AGAIN = (
    " --again STATES asks only the replies in these states again under new settings, and keeps all others."
)


def compare_settings(
    stored: Mapping[str, Any],
    asked: Mapping[str, Any],
    where: str,
    may_differ: Sequence[str] = (),
    *,
    hint: bool = False,
) -> None:
    """Raise :class:`RunError` if ``asked`` differs from ``stored``. The message names the differences.

    ``hint`` adds how replies that are of no use are asked again under other settings.

    Examples
    --------
    >>> compare_settings({"model": {"name": "a"}}, {"model": {"name": "b"}}, "step 'answer' of run.sqlite")
    Traceback (most recent call last):
    ...
    truetwin.errors.RunError: a stored run is continued only under its own settings; step 'answer' of run.sqlite
    has other ones:
      model.name: stored "a", asked for "b".
    Continue with the stored settings, or use another folder (--run) for the new ones.
    """
    found = [
        (".".join(path), old, new)
        for path, old, new in differences(stored, asked)
        if not is_among(path, may_differ)
    ]
    if not found:
        return
    lines = [
        f"  {name}: stored {in_short(old)}, asked for {in_short(new)}" for name, old, new in found[:_SHOWN]
    ]
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN} more")
    raise RunError(
        f"a stored run is continued only under its own settings; {where}\nhas other ones:\n"
        + ";\n".join(lines)
        + ".\nContinue with the stored settings, or use another folder (--run) for the new ones."
        + (_AGAIN if hint and any(name.startswith(_FREE) for name, *_ in found) else "")
    )


_MISSING = object()


def differences(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield the path to each setting that differs, with both values. See :func:`is_missing`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from differences(old.get(key, _MISSING), new.get(key, _MISSING), (*path, str(key)))
    elif old != new:
        yield path, old, new


def is_missing(value: Any) -> bool:
    """Tell whether a value of :func:`differences` stands for a setting that is not there."""
    return value is _MISSING


def is_among(path: Sequence[str], names: Sequence[str]) -> bool:
    """Tell whether a setting is one of those with these dotted names, or inside one."""
    name = ".".join(path)
    return any(name == each or name.startswith(each + ".") for each in names)


def in_short(value: Any) -> str:
    """Write a setting as JSON, cut to a line."""
    if value is _MISSING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."

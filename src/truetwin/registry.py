"""Registry: look up methods, discrepancies, datasets and other parts by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from truetwin.errors import ParameterError, UnknownNameError

T = TypeVar("T")


def closest(name: str, names: list[str]) -> str:
    """A " Did you mean ...?" sentence for a misspelt name, or an empty string."""
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    squeezed = {n.replace("-", ""): n for n in names}
    same = squeezed.get(name.lower().replace("-", "").replace("_", ""))
    guess = same or (found[0] if found else None)
    return f" Did you mean {guess!r}?" if guess else ""


class Registry(Generic[T]):
    """A table of named things, open to other packages through an entry point group.

    Parameters
    ----------
    kind : str
        What an entry is called in messages, for example ``"calibrator"``.
    hint : str, default=""
        Where all names are listed, appended to the message for an unknown name.
    entry_point_group : str, optional
        Packages that declare entry points in this group are looked up when a name is not found.
    error : type of UnknownNameError
        What an unknown name raises.

    Examples
    --------
    >>> colours = Registry("colour")
    >>> colours.add("red", "#f00")
    >>> colours["red"]
    '#f00'
    >>> colours["rde"]
    Traceback (most recent call last):
    ...
    truetwin.errors.UnknownNameError: no colour named 'rde'. Did you mean 'red'?
    """

    def __init__(
        self,
        kind: str,
        *,
        hint: str = "",
        entry_point_group: str | None = None,
        error: type[UnknownNameError] = UnknownNameError,
    ) -> None:
        self.kind = kind
        self.hint = hint
        self.entry_point_group = entry_point_group
        self.error = error
        self._entries: dict[str, T] = {}
        self._aliases: dict[str, str] = {}

    def add(self, name: str, entry: T, *, aliases: tuple[str, ...] = ()) -> None:
        """Register ``entry`` under ``name``; a name may be registered once only."""
        for each in (name, *aliases):
            if each in self._entries or each in self._aliases:
                raise ParameterError(f"a {self.kind} named {each!r} is already registered")
        self._entries[name] = entry
        self._aliases.update(dict.fromkeys(aliases, name))

    def resolve(self, name: str) -> str:
        """The canonical name behind ``name`` or one of its aliases."""
        if name in self._entries:
            return name
        if name in self._aliases:
            return self._aliases[name]
        if self.entry_point_group and self._load_entry_point(name):
            return name
        hint = f" {self.hint}" if self.hint else ""
        raise self.error(f"no {self.kind} named {name!r}.{closest(name, self.names())}{hint}")

    def __getitem__(self, name: str) -> T:
        return self._entries[self.resolve(name)]

    def __contains__(self, name: str) -> bool:
        return name in self._entries or name in self._aliases

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def names(self) -> list[str]:
        """All canonical names, in the order of registration."""
        return list(self._entries)

    def _load_entry_point(self, name: str) -> bool:
        for point in entry_points(group=self.entry_point_group or "", name=name):
            self._entries[name] = point.load()
            return True
        return False

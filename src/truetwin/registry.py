"""Registry: look up methods, discrepancies, datasets and other parts by name, those of other packages included."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from truetwin.errors import ExtensionError, ParameterError, UnknownNameError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


def closest(name: str, names: list[str], likeness: float = 0.5) -> str:
    """Write a " Did you mean ...?" sentence for a misspelt name; empty if no name is alike enough (0 to 1)."""
    lowered = {n.lower(): n for n in reversed(names)}
    found = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=likeness)
    squeezed = {n.replace("-", "").replace("_", ""): n for n in lowered}
    same = squeezed.get(name.lower().replace("-", "").replace("_", ""))
    guess = lowered[same or found[0]] if same or found else None
    return f" Did you mean {guess!r}?" if guess else ""


class Registry(Generic[T]):
    """Named entries, to which other packages can add through a group of entry points.

    Entries that installed packages declare in the group belong to the registry. Their names are listed and suggested
    without importing these packages. An entry is imported when it is looked up. An entry that cannot be imported, is
    not what it must be, or has a name that is in use already stays in the registry as a fault (:meth:`faults`);
    looking it up raises an :class:`ExtensionError`.

    Parameters
    ----------
    kind : str
        What an entry is called in messages, for example ``"calibrator"``.
    hint : str, default=""
        Sentence that says where all names are listed, appended to the message for an unknown name; ``{names}`` in it
        is replaced by the names.
    entry_point_group : str, optional
        The group in which other packages declare entries.
    check : callable, optional
        Called with an entry of another package; raises an error that says what the entry must be, if it is not that.
    error : type of UnknownNameError
        Error that an unknown name raises.

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
        check: Callable[[Any], object] | None = None,
        error: type[UnknownNameError] = UnknownNameError,
    ) -> None:
        self.kind = kind
        self.hint = hint
        self.entry_point_group = entry_point_group
        self.check = check
        self.error = error
        self._entries: dict[str, T] = {}
        self._aliases: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._taken: dict[str, T] = {}

    def add(self, name: str, entry: T, *, aliases: tuple[str, ...] = ()) -> None:
        """Register ``entry`` under ``name``; a name may be registered once only."""
        self._refuse_known(name, *aliases)
        self._entries[name] = entry
        self._aliases.update(dict.fromkeys(aliases, name))

    def add_place(self, name: str, place: str) -> None:
        """Register the entry at ``place`` ("module:attribute") under ``name``; it is imported when it is looked up."""
        self._refuse_known(name)
        self._places[name] = place

    def resolve(self, name: str) -> str:
        """Return the canonical name behind ``name`` or one of its aliases; nothing is imported."""
        if name in self._aliases:
            return self._aliases[name]
        if name in self:
            return name
        hint = f" {self.hint.format(names=', '.join(self.names()))}" if self.hint else ""
        raise self.error(f"no {self.kind} named {name!r}.{closest(name, self.names())}{hint}")

    def __getitem__(self, name: str) -> T:
        name = self.resolve(name)
        if name in self._entries:
            return self._entries[name]
        if name not in self._taken:
            self._taken[name] = self._placed(name) if name in self._places else self._declared_by_others(name)
        return self._taken[name]

    def __contains__(self, name: object) -> bool:
        return self._is_own(name) or name in self._points()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def names(self) -> list[str]:
        """List all canonical names: truetwin's in the order of registration, then those of other packages."""
        own = [*self._places, *self._entries]
        return [*own, *(name for name in self._points() if not self._is_own(name))]

    def items(self) -> Iterator[tuple[str, T]]:
        """Yield names and entries of everything that can be looked up; :meth:`faults` has the rest."""
        for name in self.names():
            try:
                entry = self[name]
            except ExtensionError:
                continue
            yield name, entry

    def faults(self) -> dict[str, str]:
        """List the entries of other packages that cannot be looked up, by name, with the reason."""
        found = {}
        for name, points in self._points().items():
            try:
                if name not in self._taken:
                    self._refuse_known(name, by=_who(points))
                self[name]
            except (ParameterError, ExtensionError) as error:
                found[name] = str(error)
        return found

    def _is_own(self, name: object) -> bool:
        return name in self._entries or name in self._aliases or name in self._places

    def _refuse_known(self, *names: str, by: str = "") -> None:
        for name in names:
            if self._is_own(name):
                wanted = f"; {by} must choose another name" if by else ""
                raise ParameterError(f"a {self.kind} named {name!r} is already registered{wanted}")

    def _points(self) -> dict[str, tuple[EntryPoint, ...]]:
        return _entry_points(self.entry_point_group) if self.entry_point_group else {}

    def _placed(self, name: str) -> T:
        from importlib import import_module

        module, _, attribute = self._places[name].partition(":")
        found: T = getattr(import_module(module), attribute)
        return found

    def _declared_by_others(self, name: str) -> T:
        points = self._points()[name]
        if len(points) > 1:
            raise ExtensionError(
                f"{len(points)} packages have a {self.kind} named {name!r}: {_who(points)}. Uninstall all but one."
            )
        try:
            found = points[0].load()
            if self.check:
                self.check(found)
        except (Exception, SystemExit) as error:  # a module may end the program when it is imported
            said = f"{type(error).__name__}: {error}"
            raise ExtensionError(
                f"the {self.kind} {name!r} of {_who(points)} cannot be used: {said}"
            ) from error
        entry: T = self._entries.get(name, found)  # its module may have registered it as well
        return entry


def must_be(what: type) -> Callable[[Any], None]:
    """Make a check that an entry is an instance of a class."""

    def check(entry: Any) -> None:
        if not isinstance(entry, what):
            raise ParameterError(f"it must be a {what.__module__}.{what.__qualname__}; it is {entry!r:.80}")

    return check


@cache
def _entry_points(group: str) -> dict[str, tuple[EntryPoint, ...]]:
    """Collect the entry points of a group by name; one that is found twice counts once."""
    from importlib.metadata import entry_points

    found: dict[str, dict[str, EntryPoint]] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, {})[point.value] = point
    return {name: tuple(places[at] for at in sorted(places)) for name, places in sorted(found.items())}


def _who(points: tuple[EntryPoint, ...]) -> str:
    return " and ".join(
        f"{point.dist.name if point.dist else 'an unnamed package'} ({point.value})" for point in points
    )

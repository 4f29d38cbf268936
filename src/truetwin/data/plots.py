"""Plots of a result as its methods: ``diagnosis.plot.verdicts()`` is ``truetwin.plot.verdicts(diagnosis)``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import MethodType
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Module of the functions that draw.
FUNCTIONS = "truetwin.plot"


class Plots:
    """Plots of one kind of result, found at the attribute ``plot`` of its class.

    Parameters
    ----------
    *names : str
        Functions of :mod:`truetwin.plot` that take such a result first. The module is imported when one is called.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> panel = generate_population(60, 12, n_new_items=2).panel
    >>> panel.plot
    plots of a Panel: answers
    >>> len(panel.plot.answers(["Q01", "Q02"]).axes)
    2
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    @overload
    def __get__(self, result: None, owner: type) -> Plots: ...

    @overload
    def __get__(self, result: object, owner: type) -> BoundPlots: ...

    def __get__(self, result: object, owner: type) -> Plots | BoundPlots:
        return self if result is None else BoundPlots(result, self.names)


class BoundPlots:
    """Plots of a result; each is a method that returns a new matplotlib figure."""

    def __init__(self, result: Any, names: tuple[str, ...]) -> None:
        self._result, self._names = result, names

    def __getattr__(self, name: str) -> Callable[..., Figure]:
        if name.startswith("_") or name not in self._names:
            raise AttributeError(
                f"a {type(self._result).__name__} has no plot {name!r}; it has {', '.join(self._names)}"
            )
        return MethodType(getattr(import_module(FUNCTIONS), name), self._result)

    def __dir__(self) -> list[str]:
        return list(self._names)

    def __repr__(self) -> str:
        return f"plots of a {type(self._result).__name__}: {', '.join(self._names)}"

"""Names of people columns by what they are for, and which of them the human table holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from truetwin.data.people import no_such_column
from truetwin.errors import DataError


@dataclass(frozen=True)
class PeopleColumns:
    """Names of columns that are known of people and are no items.

    Parameters
    ----------
    listed : tuple of str
        Columns of the human table that belong to the people table.
    by : tuple of str
        Columns of groups.
    weights, clusters, strata : str, optional
        Columns of the sample design.
    replicate_weights : str, optional
        Prefix of the columns of replicate weights; a number follows it, as in ``repwgt1``, ``repwgt2``.
    margins : tuple of str
        Columns that population margins name.

    Each text of ``listed`` and ``by`` is a name, or several names separated by commas.

    Examples
    --------
    >>> PeopleColumns(listed=("age,sex",), weights="w").among(["id", "Q1", "w", "age"])
    ['w', 'age']
    """

    listed: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    weights: str | None = None
    clusters: str | None = None
    strata: str | None = None
    replicate_weights: str | None = None
    margins: tuple[str, ...] = ()

    @property
    def of_design(self) -> tuple[str, ...]:
        """Columns of weights, clusters and strata."""
        return tuple(name for name in (self.weights, self.clusters, self.strata) if name is not None)

    def among(self, names: Sequence[str]) -> list[str]:
        """List the people columns among the names of a table's columns."""
        wanted = {*names_among((*self.listed, *self.by), names), *self.of_design, *self.margins}
        if self.replicate_weights is not None:
            wanted.update(replicate_columns(self.replicate_weights, names))
        return [name for name in names if name in wanted]

    def check(
        self, known: Sequence[str], source: str, human: Sequence[str], human_source: str, advice: str = ""
    ) -> None:
        """Check that each column exists: listed ones in the human table, the others in the whole people table.

        ``advice`` is added to the error about one of the others.

        Raises
        ------
        UnknownNameError
            If one does not. The message names the most similar column.
        """
        for name in names_among(self.listed, human):
            if name not in human:
                raise no_such_column(name, human, human_source)
        for name in (*names_among(self.by, known), *self.of_design, *self.margins):
            if name not in known:
                raise no_such_column(name, known, source, advice)
        if self.replicate_weights is not None and not replicate_columns(self.replicate_weights, known):
            raise no_such_column(f"{self.replicate_weights}1", known, source, advice)


def names_among(texts: Sequence[str], known: Sequence[str]) -> list[str]:
    """Read names of columns. A text that is no known name is split at commas.

    Examples
    --------
    >>> names_among(["age,sex", "income, monthly"], ["age", "sex", "income, monthly"])
    ['age', 'sex', 'income, monthly']
    """
    found: list[str] = []
    for text in texts:
        found += [text] if text in known else [part.strip() for part in text.split(",") if part.strip()]
    return list(dict.fromkeys(found))


def replicate_columns(prefix: str, names: Sequence[str]) -> list[str]:
    """List the columns whose names are the prefix and a number, in the order of the numbers.

    Raises
    ------
    DataError
        If a number between the first and the last is missing: the variance needs all replicates.

    Examples
    --------
    >>> replicate_columns("rep", ["rep10", "rep9", "report", "rep"])
    ['rep9', 'rep10']
    """
    found = {name: m for name in names if (m := re.fullmatch(re.escape(prefix) + r"_?([0-9]+)", name))}
    numbers = {int(m.group(1)): name for name, m in found.items()}
    lacking = next(
        (k for k in range(min(numbers, default=0), max(numbers, default=0)) if k not in numbers), None
    )
    if lacking is not None:
        first, last = numbers[min(numbers)], numbers[max(numbers)]
        raise DataError(
            f"replicate weights must be numbered without a gap; there are {first!r} and {last!r}, and none with the "
            f"number {lacking}. The variance needs all of them: complete the table, or choose another prefix."
        )
    return sorted(found, key=lambda name: int(found[name].group(1)))

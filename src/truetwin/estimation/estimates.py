"""Estimates: the result of `estimate`, as rows, crosstabs, a table, a figure or a workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from truetwin.data.frames import as_kind
from truetwin.data.plots import Plots
from truetwin.data.responses import FrameKind
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.estimation.crosstab import Crosstab, number
from truetwin.estimation.item_rows import Publishing
from truetwin.results.disclosure import ESTIMATES

#: Columns of the table of estimates, with their types.
FIELDS = (
    ("item", "string"),
    ("by", "string"),
    ("group", "string"),
    ("statistic", "string"),
    ("category", "string"),
    ("estimate", "double"),
    ("lower", "double"),
    ("upper", "double"),
    ("level", "double"),
    ("method", "string"),
    ("worth", "double"),
    ("n", "int64"),
    ("effective_n", "double"),
    ("n_answered", "int64"),
    ("note", "string"),
)


def in_people(worth: float | None) -> str:
    """Say in words how many people an estimate is worth.

    Examples
    --------
    >>> in_people(12.3), in_people(1.2), in_people(None)
    ('12 people', '1 person', '')
    """
    if worth is None or worth != worth:
        return ""
    if worth > 1e6:
        return "everybody"
    return "1 person" if round(worth) == 1 else f"{worth:,.0f} people"


def interval_in_words(row: Mapping[str, Any]) -> str:
    """Write an interval as ``21% to 30%``."""
    if row["lower"] is None or row["upper"] is None:
        return ""
    return " to ".join(number(row["statistic"], row[end]) for end in ("lower", "upper"))


def statistic_in_words(row: Mapping[str, Any]) -> str:
    """Name what is estimated: ``mean``, ``share of 4``."""
    return f"{row['statistic']} of {row['category']}" if row.get("category") else str(row["statistic"])


def value_in_words(row: Mapping[str, Any]) -> str:
    """Write an estimate as crosstabs do."""
    return number(row["statistic"], row["estimate"])


def worth_in_words(row: Mapping[str, Any]) -> str:
    """Say how many people an estimate is worth."""
    return in_people(row.get("worth"))


SHOWN = (
    Shown("item", "item"),
    Shown("statistic", "estimate of", words=statistic_in_words),
    Shown("estimate", "estimate", words=value_in_words),
    Shown("lower", "interval", words=interval_in_words),
    Shown("worth", "worth about", words=worth_in_words),
    Shown("publish", "publish"),
)


@dataclass(frozen=True, eq=False)
class Estimates:
    """Shares, means and other statistics of items, with intervals.

    Attributes
    ----------
    rows : tuple of dict
        One row for each item, group, statistic and category: ``item``, ``by``, ``group``, ``statistic``,
        ``category``, ``estimate``, ``lower``, ``upper``, ``level``, ``method``, ``worth`` (the number of people,
        drawn simply at random, whose answers would err as little on average; at most ``n``, unless the estimate is
        about a wider population), ``n`` (people whom it is about),
        ``effective_n``, ``n_answered`` and ``note``.
    verdicts : mapping from item to Publishing
        Whether to publish the shares of an item.
    crosstabs : tuple of Crosstab
        One for each column of groups.
    level : float
        Probability that an interval holds.
    notes : tuple of str
        What holds for all estimates.
    settings : mapping
        What was asked for and what was found out.
    frame_kind : str
        Kind of data frame that the panel was made from.

    Examples
    --------
    >>> from truetwin.datasets import generate_population
    >>> from truetwin import estimate
    >>> found = estimate(generate_population(120, 14, n_new_items=2).panel, statistics=["mean"])
    >>> [(row["item"], row["statistic"]) for row in found.rows]
    [('Q13', 'mean'), ('Q14', 'mean')]
    """

    rows: tuple[dict[str, Any], ...]
    verdicts: Mapping[str, Publishing]
    crosstabs: tuple[Crosstab, ...] = ()
    level: float = 0.9
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    frame_kind: FrameKind = "pyarrow"

    plot = Plots("shares")

    def __repr__(self) -> str:
        columns = ", ".join(table.by for table in self.crosstabs)
        return f"Estimates({len(self.verdicts)} items, {len(self.rows)} rows{f', by {columns}' if columns else ''})"

    def to_frame(self, kind: FrameKind | None = None) -> Any:
        """Return all rows as a table, by default of the kind that the panel was made from."""
        import pyarrow as pa

        schema = pa.schema([(name, pa.type_for_alias(kind_of)) for name, kind_of in FIELDS])
        return as_kind(pa.Table.from_pylist(list(self.rows), schema=schema), kind or self.frame_kind)

    def summary(self) -> SummaryTable:
        """Return one row an item: its main estimate over everybody, what it is worth, and whether to publish."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.rows:
            if row["by"] or row["item"] in found:
                continue
            told = self.verdicts[row["item"]]
            here = [r for r in self.rows if r["item"] == row["item"] and not r["by"]]
            main = next((r for r in here if r["statistic"] == "mean"), None) or max(
                (r for r in here if r["statistic"] == row["statistic"]), key=lambda r: r["estimate"]
            )
            named = ("item", "statistic", "category", "estimate", "lower", "upper", "worth", "n_answered")
            found[row["item"]] = {**{k: main[k] for k in named}, "publish": told.word, "reason": told.reason}
        return SummaryTable(found.values(), SHOWN, frame_kind=self.frame_kind)

    def to_excel(self, path: str | Path) -> Path:
        """Write a workbook with all rows, a sheet for each crosstab, the verdicts and the notes.

        Texts are stored as texts, also those that begin like a formula.
        """
        from truetwin.io import replacing
        from truetwin.io.excel_files import write_workbook

        with replacing(Path(path)) as (draft,):
            write_workbook(self.sheets(), draft)
        return Path(path)

    def sheets(self) -> list[Any]:
        """Return the sheets of the workbook."""
        from truetwin.io.excel_files import Sheet, Shown

        about = [ESTIMATES, f"Intervals hold with probability {self.level:.0%} each.", *self.notes]
        verdicts = [
            {
                "item": item,
                "publish": told.word,
                "worth of shares (people)": Shown(told.worth, "0") if isfinite(told.worth) else None,
                "reason": told.reason,
            }
            for item, told in self.verdicts.items()
        ]
        return [
            Sheet.from_table("estimates", self.to_frame("pyarrow")),
            *(table.sheet() for table in self.crosstabs),
            Sheet.from_records("publish", verdicts),
            Sheet("about", ("about",), [(text,) for text in about]),
        ]

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

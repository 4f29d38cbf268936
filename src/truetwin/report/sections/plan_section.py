"""Show which items or people to ask next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truetwin.report.cited_cells import CellsOf
from truetwin.report.page import Field, Section, Table

#: The file beside the report.
FILE = "plan.json"


def plan_section(record: Mapping[str, Any]) -> Section:
    """Items (people) in the order of asking, or how many people new items need; ``record`` is a plan as JSON."""
    if "precision" in record:
        return _sample_section(record)
    people = record["axis"] == "respondents"
    what = "person" if people else "item"
    fields = (
        Field("rank", "order", "d"),
        Field("asked", what),
        Field("reduction", "gap closed" if people else "share learned", ".4f"),
        Field("cumulative_reduction", "in all", ".4f"),
        Field("told", "stands for (nearest twins)" if people else "tells most about"),
    )
    name = "respondent" if people else "item"
    rows = [{**row, "asked": row[name], "told": ", ".join(row["helps"])} for row in record["rows"]]
    text = (
        f"{len(rows)} of {record['n_candidates']} {record['axis']}, chosen so that predictions of "
        f"{record['n_targets']} targets improve most, going by the twins."
    )
    return Section(
        "What to ask next",
        (text,),
        (Table("In the order of asking", fields, rows, cells=CellsOf.listed(FILE, "rows")),),
    )


def _sample_section(record: Mapping[str, Any]) -> Section:
    asked = any(row.get("asked") for row in record["rows"])
    fields = (
        Field("item", "item"),
        *([Field("asked", "asked so far", "d")] if asked else []),
        Field("half_width_now", "half width now", ".3f"),
        Field("people_without_twins", "without twins", "d"),
        Field("people", "with twins", "d"),
        *([Field("more", "still to ask", "d")] if asked else []),
    )
    text = (
        f"Random samples of the {record['n_people']} people in the tables, looked at once, for {record['level']:.0%} "
        f"intervals of half width {record['precision']:g} ({record['statistic']})."
    )
    texts = [text]
    if asked:
        texts.append("People who have answered already are counted in.")
    return Section(
        "How many people to ask",
        texts,
        (Table("People by item", fields, record["rows"], cells=CellsOf.listed(FILE, "rows")),),
    )

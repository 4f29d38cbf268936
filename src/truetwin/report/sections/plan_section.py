"""Show which items or people to ask next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truetwin.report.page import Field, Section, Table


def plan_section(record: Mapping[str, Any]) -> Section:
    """Items (people) in the order in which they should be asked; ``record`` is a plan as JSON."""
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
    return Section("What to ask next", (text,), (Table("In the order of asking", fields, rows),))

"""Report sections on the audit of twins: how sources compare, then a part for each source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truetwin.report.page import Field, Section, Table

CHECK_FIELDS = (
    Field("area", "area"),
    Field("question", "question"),
    Field("finding", "finding"),
    Field("value", "twins", ".3f"),
    Field("baseline", "beside it", ".3f"),
    Field("difference", "difference tested, 95%"),
    Field("p_adjusted", "p (all checks)", ".3f"),
    Field("measure", "the figure is"),
    Field("baseline_measure", "beside it stands"),
    Field("rule", "test"),
)
PURPOSE_FIELDS = (
    Field("purpose", "use of the twins"),
    Field("verdict", "verdict"),
    Field("faults", "faults"),
    Field("unmeasured", "not measured"),
)
CHOICE_FIELDS = (
    Field("use", "for"),
    Field("best", "use"),
    Field("figure", "its figure", ".3f"),
    Field("as_good", "not surely worse"),
    Field("with_leaks", "left out for leaks"),
    Field("n_items", "common items", "d"),
    Field("measure", "the figure is"),
)
#: Columns of the tables by item, pair or group, under headings for people. Others are in the downloads.
_HEADINGS = {
    "p_adjusted": "p",
    "bias_sd": "bias (sd)",
    "sd_ratio": "sd, twins / people",
    "distinct_twin": "distinct, twins",
    "distinct_people": "distinct, people",
    "differ_twin": "two twins differ",
    "differ_people": "two people differ",
    "n_people": "people",
    "n_twins": "twins",
}


def audit_sections(record: Mapping[str, Any]) -> list[Section]:
    """Make sections from the record of an audit (:meth:`truetwin.diagnosis.TwinAudit.record`)."""
    sources = record["sources"]
    found = [] if len(sources) == 1 else [_comparison(record)]
    if reasons := record.get("not_audited"):
        found.insert(0, Section("Sources that were not audited", list(reasons.values()), []))
    return [*found, *(_source(name, audit) for name, audit in sources.items())]


def _comparison(record: Mapping[str, Any]) -> Section:
    uses = [part["purpose"] for part in next(iter(record["sources"].values()))["purposes"]]
    rows = [
        {"source": name, "n_faults": sum(c["flagged"] for c in audit["checks"].values())}
        | {part["purpose"]: part["verdict"] for part in audit["purposes"]}
        for name, audit in record["sources"].items()
    ]
    choices = [
        {
            **choice,
            "figure": choice["figures"][choice["best"]],
            "as_good": not_worse(choice),
            "with_leaks": ", ".join(choice["with_leaks"]) or None,
        }
        for choice in record["which_twin_for_what"]
    ]
    figures = [
        {"source": name} | {choice["use"]: choice["figures"].get(name) for choice in choices}
        for name in record["sources"]
    ]
    return Section(
        "Which twin to use for what",
        [record["answer"]],
        [
            Table("Best source for each use", CHOICE_FIELDS, choices),
            Table(
                "Figures of all sources",
                (Field("source", "source"), *(Field(c["use"], c["use"], ".3f") for c in choices)),
                figures,
                "Answers of single people, and people who answered nothing: correlations, higher is better. The others "
                "are errors, lower is better.",
            ),
            Table(
                "Verdicts by source",
                (
                    Field("source", "source"),
                    Field("n_faults", "faults", "d"),
                    *(Field(use, use) for use in uses),
                ),
                rows,
            ),
        ],
    )


def not_worse(choice: Mapping[str, Any]) -> str:
    """Name the sources that are not surely worse than the best."""
    others = len(choice["figures"]) - 1 - len(choice["with_leaks"])
    if others and len(choice["as_good"]) == others:
        return "all others"
    return ", ".join(choice["as_good"]) or "none"


def _source(name: str, audit: Mapping[str, Any]) -> Section:
    checks = [_check_row(c) for c in audit["checks"].values()]
    checks.sort(key=lambda c: (not c["flagged"], c["value"] is None))
    purposes = [
        {**p, "faults": _listed(p["faults"]), "unmeasured": _listed(p["unmeasured"])}
        for p in audit["purposes"]
    ]
    texts = [
        audit["answer"],
        f"Compared were the answers of {audit['n_people']} people and their twins to {audit['n_items']} items.",
    ]
    for row in audit["invalid_protocols"]:
        items = f" on {len(row['items'])} items" if row["items"] else ""
        texts.append(f"Scores under {row['protocol']}{items} say nothing: {row['why']}.")
    texts += [f"{c['finding'][0].upper()}{c['finding'][1:]}." for c in checks if c["flagged"]]
    details = [
        _details(c["name"], c["rows"])
        for c in audit["checks"].values()
        if c["rows"] and c["value"] is not None
    ]
    return Section(
        f"Audit of {name}",
        texts,
        [
            Table("What they are fit for", PURPOSE_FIELDS, purposes),
            Table(
                "Every check",
                CHECK_FIELDS,
                checks,
                "A check is flagged if its p-value, corrected for all checks of the source (Holm), is at most 5%.",
            ),
            *details,
        ],
    )


def _check_row(check: Mapping[str, Any]) -> dict[str, Any]:
    difference = None
    if check["low"] is not None:
        difference = f"{check['low']:+.3f} to {check['high']:+.3f}"
    return {k: v for k, v in check.items() if k != "rows"} | {
        "difference": difference,
        "purposes": _listed(check["purposes"]),
    }


def _details(name: str, rows: list[dict[str, Any]]) -> Table:
    names = list(dict.fromkeys(k for row in rows for k in row))
    fields = [
        Field(k, _HEADINGS.get(k, k.replace("_", " ")), _style([row.get(k) for row in rows])) for k in names
    ]
    return Table(f"Details: {name.replace('_', ' ')}", fields, rows)


def _style(values: list[Any]) -> str:
    if any(isinstance(v, float) for v in values):
        return ".3f"
    return "d" if any(isinstance(v, int) and not isinstance(v, bool) for v in values) else ""


def _listed(names: list[str]) -> str | None:
    return ", ".join(n.replace("_", " ") for n in names) or None

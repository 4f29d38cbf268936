"""Write the page of reproduced tables from the results that `reproduction.py` stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]

INTRO = """# The papers' tables, computed anew

This page is written by a program and never by hand:

```sh
python benchmarks/reproduction.py
```

runs the commands shown below on the public data and puts every figure beside the printed one. `difference` is
ours minus the paper's. Errors are standard errors over targets. `unscored` counts targets without a defined
correlation, which the paper's rule counts as 0. Commands whose data were not on the machine are listed
[at the end](#not-computed), as is what was not run for this edition.
"""

TITLES = {
    "table-2": "Paper A, table 2: new items, MovieLens",
    "table-4": "Paper A, table 4: new items, Twin-2K-500",
    "table-5": "Paper A, table 5: new respondents",
    "table-6": "Paper A, table 6: marginals",
    "appendix-marginals": "Paper A, appendix: marginals, all seven objectives",
    "voice-table-3": "Paper B, table 3: voices",
    "voice-table-5": "Paper B, table 5: text metrics",
}
NOTES = {
    "table-2": "`synthetic-control` is solved to its minimum; `synthetic-control-paper` stops early, as the authors' "
    "code does, and is what the printed figure is from. Rows without a printed figure are baselines of ours.",
    "table-4": "One table a persona construction. Settings are the paper's, tuned on these columns.",
    "table-5": "Every person is hidden in turn. Most of a high correlation is the items' means, which all share.",
    "table-6": "The paper's split (seed 42, 80/20), trained on cdf-l1. `both` is the published run; `both, converged` "
    "is the minimum of the same objective. The uncalibrated chi2 and kl measure the clip (1e-6) more than the twins.",
    "appendix-marginals": "Means over test items; rows are what was trained on, columns what was measured.",
    "voice-table-3": "Stored answers, scored without any model. The paper's accuracies leave unanswered items out, as "
    "`answered` does; `all` counts them as not right.",
    "voice-table-5": "Stored free replies against the true ones.",
}


def page(records: Sequence[Record], wanted: Sequence[tuple[str, ...]]) -> str:
    """Write the whole page as Markdown. Wanted commands without a result are listed at its end."""
    parts = [INTRO]
    for table, title in TITLES.items():
        done = [r for r in records if r["arguments"][0] == table and "result" in r]
        if done:
            parts.append(f"## {title}\n\n{NOTES[table]}\n")
            parts += [_section(record, several=len(done) > 1) for record in done]
    parts.append(_not_computed(records, wanted))
    return "\n".join(parts).rstrip() + "\n"


def command(arguments: Sequence[str]) -> str:
    """Write the command as a user would type it."""
    return " ".join(["truetwin reproduce", *(f'"{a}"' if " " in a else a for a in arguments)])


def _section(record: Record, *, several: bool) -> str:
    table, result = record["arguments"][0], record["result"]
    heading = f"### {record['arguments'][-1]}\n\n" if several else ""
    made = (
        f"{record['date']}, truetwin {result['version']}"
        + (f" (commit {record['commit']})" if record.get("commit") else "")
        + f", {record['seconds']:.0f} s on a shared machine"
    )
    body = _BODIES[table](result["rows"])
    return f"{heading}```sh\n{command(record['arguments'])}\n```\n\n{made}.\n\n{body}"


def _methods(rows: Rows) -> str:
    columns = {
        "method": lambda r: f"`{r['method']}`",
        "mean": lambda r: _number(r.get("mean"), ".4f"),
        "SE": lambda r: _number(r.get("standard_error"), ".4f"),
        "by Fisher's z": lambda r: _number(r.get("fisher_mean"), ".4f"),
        "n": lambda r: str(r["n_scored"]),
        "unscored": lambda r: str(r["n_unscored"]),
        "paper": lambda r: _number(r.get("paper"), ".3f"),
        "difference": lambda r: _number(r.get("difference"), "+.4f"),
        "gain over twin %": lambda r: _gains(r, "gain_over_twin"),
        "gain over in-context %": lambda r: _gains(r, "gain_over_in_context"),
        "best": _best,
    }
    return _table(rows, columns) + _largest(rows, "method")


def _gains(row: Mapping[str, Any], name: str) -> str:
    """Write our gain and, in brackets, that of the printed means."""
    ours, paper = row.get(name), row.get(f"paper_{name}")
    return _number(ours, "+.1f") + ("" if paper is None else f" ({paper:+.1f})")


def _best(row: Mapping[str, Any]) -> str:
    marks = [name for name, field in (("here", "best"), ("in the paper", "paper_best")) if row.get(field)]
    return " and ".join(marks)


def _discrepancies(rows: Rows) -> str:
    columns = {
        "variant": lambda r: str(r["variant"]),
        "metric": lambda r: str(r["metric"]),
        "mean": lambda r: _number(r.get("mean"), ".4f"),
        "SE": lambda r: _number(r.get("standard_error"), ".4f"),
        "n": lambda r: str(r["n_scored"]),
        "paper": lambda r: _number(r.get("paper"), ".3f"),
        "difference": lambda r: _number(r.get("difference"), "+.4f"),
    }
    return _table(rows, columns) + _largest(rows, "metric")


def _objectives(rows: Rows) -> str:
    metrics = list(dict.fromkeys(r["metric"] for r in rows))
    cells = {(r.get("trained_on", ""), r["variant"], r["metric"]): r["mean"] for r in rows}
    wide = [
        {
            "trained on": on or "nothing",
            "variant": variant,
            **{m: cells.get((on, variant, m)) for m in metrics},
        }
        for on, variant in dict.fromkeys((r.get("trained_on", ""), r["variant"]) for r in rows)
    ]
    columns: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "trained on": lambda r: str(r["trained on"]),
        "variant": lambda r: str(r["variant"]),
    }
    for metric in metrics:
        columns[metric] = lambda r, metric=metric: _number(r[metric], ".4f")  # type: ignore[misc]
    return _table(wide, columns)


def _voices(rows: Rows) -> str:
    columns = {
        "model": lambda r: str(r["model"]),
        "dimension": lambda r: str(r["dimension"]),
        "metric": lambda r: str(r["metric"]),
        "protocol": lambda r: str(r.get("protocol", "")),
        "n": lambda r: str(r.get("n", "")),
        "answered": lambda r: _number(r.get("accuracy_answered"), ".2f"),
        "all": lambda r: _number(r.get("accuracy_all"), ".2f"),
        "paper": lambda r: _number(r.get("paper"), ".1f"),
        "difference": lambda r: _number(r.get("difference"), "+.2f"),
    }
    return _table(rows, columns) + _largest(rows, "model", ".2f")


def _texts(rows: Rows) -> str:
    columns = {
        "model": lambda r: str(r["model"]),
        "dimension": lambda r: str(r["dimension"]),
        "metric": lambda r: str(r["metric"]),
        "n": lambda r: str(r.get("n", "")),
        "mean": lambda r: _number(r.get("mean"), ".2f"),
        "paper": lambda r: _number(r.get("paper"), ".2f"),
        "difference": lambda r: _number(r.get("difference"), "+.2f"),
        "why not": lambda r: str(r.get("unavailable", "")),
    }
    return _table(rows, columns)


_BODIES: Mapping[str, Callable[[Rows], str]] = {
    "table-2": _methods,
    "table-4": _methods,
    "table-5": _methods,
    "table-6": _discrepancies,
    "appendix-marginals": _objectives,
    "voice-table-3": _voices,
    "voice-table-5": _texts,
}


def _not_computed(records: Sequence[Record], wanted: Sequence[tuple[str, ...]]) -> str:
    known = {tuple(r["arguments"]): r for r in records}
    rows = []
    for arguments in wanted:
        record = known.get(arguments)
        if record is None:
            rows.append({"command": command(arguments), "why": "not run for this edition"})
        elif "failure" in record:
            lacks_data = "mirror" in record["failure"].lower()
            why = "its data were not on this machine" if lacks_data else "it failed"
            rows.append({"command": command(arguments), "why": why})
        else:
            lacking = record["result"]["settings"].get("without_answers") or []
            if lacking:
                rows.append(
                    {
                        "command": command(arguments),
                        "why": "no stored answers exist for " + "; ".join(lacking),
                    }
                )
    columns: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "command": lambda r: f"`{r['command']}`",
        "why": lambda r: str(r["why"]),
    }
    return "## Not computed\n\n" + (_table(rows, columns) if rows else "Nothing.\n")


def _largest(rows: Rows, name: str, digits: str = ".4f") -> str:
    """Write a sentence about the cell that differs most from the paper."""
    ours_alone = (
        "synthetic-control" if any(r.get("method") == "synthetic-control-paper" for r in rows) else ""
    )
    compared = [
        r for r in rows if r.get("difference") is not None and r.get("method") != (ours_alone or None)
    ]
    if not compared:
        return ""
    worst = max(compared, key=lambda r: abs(r["difference"]))
    aside = f" (`{ours_alone}` aside, which is not the paper's run)" if ours_alone else ""
    return (
        f"\n{len(compared)} cells have a printed figure{aside}; the largest difference is "
        f"{worst['difference']:+{digits}} ({worst[name]}).\n"
    )


def _table(rows: Rows, columns: Mapping[str, Callable[[Mapping[str, Any]], str]]) -> str:
    cells = [[make(row) for make in columns.values()] for row in rows]
    kept = [k for k in range(len(columns)) if any(line[k] for line in cells)]
    names = list(columns)
    numeric = [all(_is_number(line[k]) for line in cells) for k in range(len(columns))]
    lines = [
        "| " + " | ".join(names[k] for k in kept) + " |",
        "| " + " | ".join("---:" if numeric[k] else "---" for k in kept) + " |",
    ]
    lines += ["| " + " | ".join(line[k].replace("|", "\\|") for k in kept) + " |" for line in cells]
    return "\n".join(lines) + "\n"


def _is_number(cell: str) -> bool:
    return not cell.strip("+-.0123456789")


def _number(value: Any, style: str) -> str:
    return "" if value is None else format(value, style)

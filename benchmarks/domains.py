"""Show whether donors of one domain help in another: the protocol leave-domain-out.

    TRUETWIN_DATA_MIRROR=... python benchmarks/domains.py [--experiments FOLDER] [--construction NAME]

Two cases. *Halves*: the batteries of Twin-2K-500 are dealt out to two domains. *Studies*: with ``--experiments``, the
outcomes of experiments of the same people are targets, each study hidden as a whole. Donors are the other studies,
or they and the items of Twin-2K-500.

"twin" is the twin as it is; gains are paired differences to it, with errors clustered as said in the last column.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from truetwin.data import Item, Panel, ResponseMatrix
from truetwin.datasets import twin_2k_500
from truetwin.evaluation import evaluate
from truetwin.evaluation.domain_words import about_other_domains
from truetwin.instrument.battery_evidence import resolve_blocks
from truetwin.io import read_items, read_responses

METHODS = ("twin", "auto")


def with_domains(matrix: ResponseMatrix, domain_of: dict[str, str]) -> ResponseMatrix:
    """Declare the domain of each item."""
    items = [replace(item, domain=domain_of.get(item.id)) for item in matrix.items]
    return ResponseMatrix(matrix.values, matrix.respondent_ids, items, source=matrix.source)


def beside(first: ResponseMatrix, second: ResponseMatrix) -> ResponseMatrix:
    """Put two tables of the same people side by side."""
    people = tuple(dict.fromkeys((*first.respondent_ids, *second.respondent_ids)))
    items: list[Item] = [*first.items, *second.items]
    values = np.column_stack([m.on_grid(people, m.item_ids) for m in (first, second)])
    return ResponseMatrix(values, people, items)


def experiments(folder: Path) -> tuple[ResponseMatrix, ResponseMatrix]:
    """Read human and twin outcomes of the experiments; each study is a domain."""
    declared = read_items(folder / "items.csv")
    found = []
    for name in ("human", "twin"):
        read = read_responses(folder / f"{name}.csv", id_column="TWIN_ID", items=declared)
        found.append(with_domains(read, {i: f"study {item.block}" for i, item in declared.items()}))
    return found[0], found[1]


def row(label: str, panel: Panel, only: str = "") -> dict[str, object]:
    """Leave domains out, and compare the default with the twin on the items of the domains that begin with ``only``."""
    result = evaluate(panel, METHODS, "leave-domain-out", metric=("pearson",))
    domains = np.array([panel.items[i].domain or "" for i in result.target_ids])
    here = np.char.startswith(domains, only)
    scores = {m: result.scores[m, "pearson"] for m in METHODS}
    both = here & np.isfinite(scores["twin"]) & np.isfinite(scores["auto"])
    summary = next(r for r in result.summary() if r["method"] == "auto")
    gains = (scores["auto"] - scores["twin"])[both]
    clusters = np.array(result.clusters)[both]
    means = np.array([gains[clusters == c].mean() for c in np.unique(clusters)])
    error = np.sqrt(
        len(means)
        / (len(means) - 1)
        * sum(((gains - gains.mean())[clusters == c].sum()) ** 2 for c in np.unique(clusters))
    ) / len(gains)
    print(f"{label}: {about_other_domains(result)}", flush=True)
    return {
        "case": label,
        "items": int(here.sum()),
        "twin": float(np.nan_to_num(scores["twin"][here]).mean()),
        "auto": float(np.nan_to_num(scores["auto"][here]).mean()),
        "gain": float(gains.mean()),
        "SE": float(error),
        "clusters": f"{len(means)} ({summary['clustered_by']})",
    }


def main() -> None:
    """Print one row a case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=Path)
    parser.add_argument("--construction", default="Text Persona - GPT4.1-mini")
    chosen = parser.parse_args()
    panel = twin_2k_500.load(chosen.construction)
    block = resolve_blocks(panel, "auto")[0]
    names = sorted(set(block.values()))
    halves = {i: f"half {names.index(b) % 2 + 1}" for i, b in block.items()}
    rows = [
        row(
            "halves of Twin-2K-500, by battery",
            Panel(with_domains(panel.human, halves), with_domains(panel.twin, halves)),
        )
    ]
    if chosen.experiments:
        human, twin = experiments(chosen.experiments)
        rows.append(row("other studies only", Panel(human, twin), "study"))
        mega = dict.fromkeys(panel.item_ids, "Twin-2K-500")
        joined = [beside(with_domains(m, mega), o) for m, o in ((panel.human, human), (panel.twin, twin))]
        rows.append(row("other studies and Twin-2K-500", Panel(*joined), "study"))
    print(f"{'case':34s} items   twin   auto    gain     SE  clusters")
    for r in rows:
        print(
            f"{r['case']:34s} {r['items']:5d} {r['twin']:6.3f} {r['auto']:6.3f} {r['gain']:+7.4f} {r['SE']:6.4f}  "
            f"{r['clusters']}"
        )


if __name__ == "__main__":
    main()

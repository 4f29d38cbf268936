"""Make the table of published effects that the package ships, from the published data.

``python benchmarks/published_effects.py FOLDER`` reads ``human.csv``, ``twin.csv``, ``conditions.csv`` and
``contrasts.csv``, and writes ``published_effects.csv`` of the room ``experiments``: facts and figures only, no answers.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

import truetwin.experiments
from truetwin.experiments.contrast_arrays import contrast_arrays
from truetwin.experiments.effects import HUMAN
from truetwin.experiments.experiment import Experiment
from truetwin.experiments.published_effects import COLUMNS, TABLE
from truetwin.io import read_table

SOURCE = (
    "Twin-2K-500 mega study; github.com/TianyiPeng/Twin-2K-500-Mega-Study; "
    "commit 1b84feea57320dd1abbbce2fe4a26f3f4e56fe44; twins: with_reasoning"
)
LICENCE = "Apache-2.0"


def table_of(folder: Path) -> list[dict[str, str]]:
    """Compute one row a contrast; numbers have four decimals."""
    tables = {
        name: read_table(folder / f"{name}.csv") for name in ("human", "twin", "conditions", "contrasts")
    }
    experiment = Experiment(
        tables["human"], tables["twin"], tables["conditions"], tables["contrasts"], id_column="TWIN_ID"
    )
    effects = experiment.effects()
    found, people = contrast_arrays(effects), effects.arrays(HUMAN).n_people
    place = {one.contrast_id: k for k, one in enumerate(effects.contrasts)}
    rows = []
    for k, one in enumerate(found.contrasts):
        e = found.effects
        numbers = {
            "human_d": e.human[k],
            "human_se": np.sqrt(e.human_variance[k]),
            "twin_d": e.twin[k],
            "twin_se": np.sqrt(e.twin_variance[k]),
            "twin_own_d": e.own[k],
            "twin_own_se": np.sqrt(e.own_variance[k]),
        }
        rows.append(
            {
                "contrast_id": one.contrast_id,
                "study": one.study,
                "kind": one.kind,
                **{name: f"{value:.4f}" for name, value in numbers.items()},
                "n_people": str(int(people[place[one.contrast_id]])),
                "source": SOURCE,
                "licence": LICENCE,
            }
        )
    return rows


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    rows = table_of(parser.parse_args().folder)
    output = Path(truetwin.experiments.__file__).with_name(TABLE)
    with output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} contrasts of {len({row['study'] for row in rows})} studies: {output}")


if __name__ == "__main__":
    main()

"""Write an example study with generated data, which can be run at once and changed."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pyarrow as pa

from truetwin.data import Item
from truetwin.data.frames import to_frame
from truetwin.data.persona import Persona
from truetwin.datasets import generate_population
from truetwin.errors import OutputError
from truetwin.io import (
    check_writable,
    item_record,
    make_folder,
    replacing,
    write_json,
    write_personas,
    write_table,
)

FILES = ("study.yaml", "human.csv", "generated.csv", "people.csv", "items.json", "personas.jsonl")


def write_example(folder: str | Path, seed: int = 0, n_respondents: int = 400) -> Path:
    """Write ``study.yaml`` and generated answers, people, items and personas. Existing files are not overwritten.

    The statistical stand-in replies with the answers in ``generated.csv``, so that the whole study runs without a key.

    Returns
    -------
    Path
        The study file.
    """
    folder = Path(folder)
    make_folder(folder, "the example")
    taken = next((folder / name for name in FILES if (folder / name).exists()), None)
    if taken is not None:
        raise OutputError(f"{taken} exists and is not overwritten; choose another folder")
    panel = generate_population(n_respondents, random_state=seed).panel
    for matrix, name in ((panel.human, "human.csv"), (panel.twin, "generated.csv")):
        write_table(to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids), folder / name)
    assert panel.people is not None
    columns = {name: pa.array(values.tolist()) for name, values in panel.people.columns.items()}
    write_table(pa.table({"respondent_id": list(panel.people.ids), **columns}), folder / "people.csv")
    items = [Item(i, f"Generated item {i}", panel.scales[i]) for i in panel.item_ids]
    write_json([item_record(item) for item in items], folder / "items.json")
    people = (Persona(who, f"Generated respondent {who}, not a real person.") for who in panel.respondent_ids)
    write_personas(people, folder / "personas.jsonl")
    path = folder / "study.yaml"
    check_writable(path)
    with replacing(path) as (draft,):
        draft.write_text(
            files(__package__).joinpath("example.yaml").read_text(encoding="utf-8"), encoding="utf-8"
        )
    return path

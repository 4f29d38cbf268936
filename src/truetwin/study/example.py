"""An example study with generated data, to run at once and to change."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from truetwin.data.frames import to_frame
from truetwin.datasets import generate_population
from truetwin.errors import OutputError
from truetwin.io import check_writable, replacing, write_table


def write_example(folder: str | Path, seed: int = 0) -> Path:
    """Write ``study.yaml`` and generated ``human.csv`` and ``twin.csv``; nothing that exists is overwritten.

    Returns
    -------
    Path
        The study file.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the example needs a folder; {folder} cannot be made ({error.strerror})"
        ) from error
    names = ("study.yaml", "human.csv", "twin.csv")
    taken = next((folder / name for name in names if (folder / name).exists()), None)
    if taken is not None:
        raise OutputError(f"{taken} exists and is not overwritten; choose another folder")
    panel = generate_population(random_state=seed).panel
    for matrix, name in ((panel.human, "human.csv"), (panel.twin, "twin.csv")):
        write_table(to_frame(matrix.values, matrix.respondent_ids, matrix.item_ids), folder / name)
    path = folder / "study.yaml"
    check_writable(path)
    with replacing(path) as (draft,):
        draft.write_text(
            files(__package__).joinpath("example.yaml").read_text(encoding="utf-8"), encoding="utf-8"
        )
    return path

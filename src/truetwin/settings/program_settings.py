"""Settings of the verbs that are not part of a study: datasets, demo, methods, reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from truetwin.settings.declaration import Argument, MayBeFile, Unset, setting
from truetwin.settings.shared_settings import FigureFormats, Terminal, Workers
from truetwin.settings.value_kinds import Names


class DatasetsListCommand(Terminal):
    """Settings of the command `truetwin datasets list`."""

    outside_studies = "This command only lists."


class DatasetsFetchCommand(Terminal):
    """Settings of the command `truetwin datasets fetch`."""

    outside_studies = "A study names its own files."

    name: Annotated[str, Argument()] = setting(..., "Name of a dataset; `truetwin datasets list` shows all.")
    variant: str | None = setting(
        None,
        "Fetch only files whose path contains this text, such as the name of a way in which twins were made.",
    )


class DemoCommand(Workers, Terminal):
    """Settings of the command `truetwin demo`."""

    outside_studies = "This command is an example; `study init` writes an example study."

    output: Path = setting(Path("truetwin-demo"), "Folder for the files; created if it is missing.")
    seed: int = setting(0, "Random seed of the generated population.", ge=0)


class MethodsCommand(Terminal):
    """Settings of the command `truetwin methods`."""

    outside_studies = "This command only lists."


class ReproduceCommand(Workers, Terminal):
    """Settings of the command `truetwin reproduce`."""

    outside_studies = "This command works on the data of the papers, not on those of a study."

    table: Annotated[str, Argument()] = setting(
        ...,
        "Table or figure to compute. Paper A: table-2, table-4 to table-8, appendix-marginals, figure-3 to figure-10. "
        "Paper B: voice-table-2 to voice-table-6, voice-figure-3.",
    )
    construction: str | None = setting(
        None,
        "Compute only this persona construction, that is this way in which twins were made (`truetwin datasets "
        "list --json` lists them).",
    )
    dataset: str | None = setting(None, "Compute only this dataset.")
    methods: Names | None = setting(None, "Compute only these methods, separated by commas.")
    trained_on: Names | None = setting(
        None,
        "Compute only the methods that minimise these discrepancies, separated by commas (appendix-marginals).",
    )
    folder: Path | None = setting(
        None, "Read the dataset's files from this folder (table-6, appendix-marginals)."
    )
    figures: Annotated[Path | None, Unset("folder 'figures' for a figure; none for a table")] = setting(
        None, "Write figures and their data to this folder."
    )
    figure_format: FigureFormats = setting(
        ("png",), "Formats of the figures: png, svg, pdf, separated by commas."
    )
    answers: Annotated[tuple[Path, ...], Unset("the published ones in this mirror")] = setting(
        (), "File with stored answers of a model (for voice-*); may be repeated."
    )
    annotations: Path | None = setting(
        None, "File that says which capabilities each item tests (JSONL; for voice-figure-3)."
    )
    bert_model: Annotated[str | None, MayBeFile()] = setting(
        None, "Model for BERTScore: its name, or a folder that holds it (for voice-table-5)."
    )
    bert_layer: int | None = setting(
        None, "Layer of that model; one that the package bert-score does not know needs it.", ge=1
    )
    key: Path | None = setting(
        None,
        "Key of a sample that people labelled (key.json of `truetwin voice sample`; for voice-table-4 and -6).",
    )
    annotators: tuple[Path, ...] = setting(
        (), "File with the labels of one person, for that sample (for voice-table-4 and -6); may be repeated."
    )

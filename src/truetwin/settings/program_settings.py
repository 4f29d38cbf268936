"""Settings of the verbs that are no step of a study: datasets, demo, methods, reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from truetwin.settings.declaration import Argument, Unset, setting
from truetwin.settings.shared_settings import FigureFormats, Terminal, Workers
from truetwin.settings.value_kinds import Names


class DatasetsListCommand(Terminal):
    """`truetwin datasets list`."""

    outside_studies = "Lists; computes nothing."


class DatasetsFetchCommand(Terminal):
    """`truetwin datasets fetch`."""

    outside_studies = "A study names its own files."

    name: Annotated[str, Argument()] = setting(..., "Dataset; `truetwin datasets list` shows all.")
    variant: str | None = setting(
        None, "Only the files whose path contains this, such as a persona construction."
    )


class DemoCommand(Workers, Terminal):
    """`truetwin demo`."""

    outside_studies = "An example; `study init` writes one as a study."

    output: Path = setting(Path("truetwin-demo"), "Folder for the files; made if need be.")
    seed: int = setting(0, "Seed of the generated population.")


class MethodsCommand(Terminal):
    """`truetwin methods`."""

    outside_studies = "Lists; computes nothing."


class ReproduceCommand(Workers, Terminal):
    """`truetwin reproduce`."""

    outside_studies = "About the papers' data, not about a study's."

    table: Annotated[str, Argument()] = setting(
        ...,
        "Of paper A: table-2, table-4, table-5, table-6, appendix-marginals, figure-3 to figure-10; of "
        "paper B: voice-table-3, voice-table-5, voice-figure-3.",
    )
    construction: str | None = setting(
        None, "Only this persona construction (`truetwin datasets list --json`)."
    )
    dataset: str | None = setting(None, "Only this dataset.")
    methods: Names | None = setting(None, "Only these methods, separated by commas.")
    trained_on: Names | None = setting(
        None, "Only these objectives, separated by commas (appendix-marginals)."
    )
    folder: Path | None = setting(
        None, "Read the dataset's files from this folder (table-6, appendix-marginals)."
    )
    figures: Annotated[Path | None, Unset("figures, for a figure; else none")] = setting(
        None, "Write figures and their data to this folder."
    )
    figure_format: FigureFormats = setting(
        ("png",), "Formats of the figures: png, svg, pdf, separated by commas."
    )
    answers: Annotated[tuple[Path, ...], Unset("the published ones on this machine")] = setting(
        (), "Stored answers; may be repeated (voice-*)."
    )
    annotations: Path | None = setting(None, "Which capabilities the items test (JSONL; voice-figure-3).")

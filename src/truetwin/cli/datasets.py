"""Verbs `truetwin datasets list` and `fetch`."""

from __future__ import annotations

from truetwin.cli.output import print_line
from truetwin.cli.verbs import verb
from truetwin.settings.program_settings import DatasetsFetchCommand, DatasetsListCommand


@verb(DatasetsListCommand)
def list_command(settings: DatasetsListCommand) -> None:
    """List the datasets with licence, citation and how much of each is on this machine."""
    from truetwin.cli.output import Column, note, print_json, print_table
    from truetwin.datasets import datasets

    rows = []
    for name, dataset in datasets.items():
        rows.append(
            {
                "dataset": name,
                "title": dataset.title,
                "files": len(dataset.files),
                "files_here": sum(map(dataset.is_available, dataset.files)),
                "licence": dataset.licence,
                "citation": dataset.citation,
                "url": f"{dataset.repository.url}/tree/{dataset.repository.commit}",
                "variants": list(dataset.variants) or None,
            }
        )
    for why in datasets.faults().values():
        note(why)
    if settings.as_json:
        print_json("datasets list", {}, rows)
        return
    columns = [
        Column("dataset", "dataset"),
        Column("title", "title", foldable=True),
        Column("files_here", "on this machine", "d"),
        Column("files", "files", "d"),
        Column("licence", "licence", foldable=True),
        Column("citation", "citation", optional=True),
    ]
    print_table(rows, columns)


@verb(DatasetsFetchCommand)
def fetch_command(settings: DatasetsFetchCommand) -> None:
    """Download a dataset's files, or find them in the mirror, and check their content."""
    from truetwin.cli.output import print_json, progress_bar
    from truetwin.datasets import datasets
    from truetwin.errors import UnknownNameError

    dataset, variant = datasets[settings.name], settings.variant
    paths = [p for p in dataset.files if variant is None or f"/{variant}/" in f"/{p}" or variant in p]
    if not paths:
        raise UnknownNameError(f"no file of dataset {dataset.name!r} has {variant!r} in its path")
    rows = []
    with progress_bar("fetching") as progress:
        for done, path in enumerate(paths, 1):
            rows.append({"dataset": dataset.name, "file": path, "path": str(dataset.fetch(path))})
            progress(done, len(paths))
    if settings.as_json:
        print_json("datasets fetch", {"variant": variant}, rows)
        return
    for row in rows:  # paths are to be copied, so that they stand alone on a line and are never folded
        print_line(row["path"])

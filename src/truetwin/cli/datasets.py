"""`truetwin datasets list|fetch`."""

from __future__ import annotations

from typing import Annotated

import typer

from truetwin.cli.shared_options import Json

app = typer.Typer(help="List and fetch public datasets.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_command(json: Json = False) -> None:
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
    if json:
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


@app.command("fetch")
def fetch_command(
    name: Annotated[str, typer.Argument(help="Dataset; `truetwin datasets list` shows all.")],
    variant: Annotated[
        str | None,
        typer.Option(help="Only the files whose path contains this, such as a persona construction."),
    ] = None,
    json: Json = False,
) -> None:
    """Download a dataset's files, or find them in the mirror, and check their content."""
    from truetwin.cli.output import Column, print_json, print_table, progress_bar
    from truetwin.datasets import datasets
    from truetwin.errors import UnknownNameError

    dataset = datasets[name]
    paths = [p for p in dataset.files if variant is None or f"/{variant}/" in f"/{p}" or variant in p]
    if not paths:
        raise UnknownNameError(f"no file of dataset {dataset.name!r} has {variant!r} in its path")
    rows = []
    with progress_bar("fetching") as progress:
        for done, path in enumerate(paths, 1):
            rows.append({"dataset": dataset.name, "file": path, "path": str(dataset.fetch(path))})
            progress(done, len(paths))
    if json:
        print_json("datasets fetch", {"variant": variant}, rows)
        return
    print_table(rows, [Column("file", "file"), Column("path", "where it is")])

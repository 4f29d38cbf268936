"""Name one sheet of a workbook together with its file: ``book.xlsx#People``."""

from __future__ import annotations

from pathlib import Path

WORKBOOK_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def file_and_sheet(path: Path) -> tuple[Path, str | None]:
    """Divide ``book.xlsx#People`` into the file and the name of the sheet; every other path is a file.

    A file whose own name has a ``#`` after such an ending stays a file.

    Examples
    --------
    >>> file_and_sheet(Path("data/book.xlsx#People"))
    (PosixPath('data/book.xlsx'), 'People')
    >>> file_and_sheet(Path("answers#2.csv"))
    (PosixPath('answers#2.csv'), None)
    """
    name, mark, sheet = path.name.partition("#")
    while mark and not name.lower().endswith(WORKBOOK_ENDINGS):
        more, mark, sheet = sheet.partition("#")
        name = f"{name}#{more}"
    if not mark or not sheet or path.exists():
        return path, None
    return path.with_name(name), sheet

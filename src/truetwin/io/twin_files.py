"""Open tables of twin answers: one file, several by name, a folder, or one table that holds several sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from truetwin.data import Item, ResponseMatrix
from truetwin.data.reading_choices import AS_USUAL, ReadingChoices
from truetwin.data.source_columns import add_sources, split_sources
from truetwin.errors import FileFormatError
from truetwin.io.answer_tables import AnswerTable, open_answers
from truetwin.io.sheet_names import WORKBOOK_ENDINGS
from truetwin.io.tables import PARQUET_ENDINGS, SURVEY_ENDINGS, TEXT_ENDINGS

#: One file, a folder of files, or files by name of the source.
TwinTables = Path | Mapping[str, Path]
_ENDINGS = (*TEXT_ENDINGS, *PARQUET_ENDINGS, *WORKBOOK_ENDINGS, *SURVEY_ENDINGS)
_MOST_SHOWN = 20


def twin_files(twin: TwinTables) -> dict[str, Path]:
    """Return the files with answers of twins, by name of the source; the name of a lone file is empty.

    A folder has one source a file, which is named by it. Files that lie beside an exported table and describe it
    (``NAME.not-valid.csv``) are left out.

    Raises
    ------
    FileFormatError
        If a folder holds no table, or two of one name.
    """
    if isinstance(twin, Mapping):
        return {name: Path(path) for name, path in twin.items()}
    twin = Path(twin)
    if not twin.is_dir():
        return {"": twin}
    tables = [
        p
        for p in sorted(twin.iterdir())
        if p.is_file() and p.suffix.lower() in _ENDINGS and not p.name.startswith(("~", "."))
    ]
    if not tables:
        raise FileFormatError(
            f"a folder of twin answers must hold tables ({', '.join(_ENDINGS)}); {twin} holds none"
        )
    stems = {p.stem for p in tables}
    found: dict[str, Path] = {}
    for path in tables:
        whole, dot, _ = path.stem.rpartition(".")
        if dot and whole in stems:
            continue
        if path.stem in found:
            raise FileFormatError(
                f"every source in a folder must have a name of its own; {found[path.stem].name} and {path.name} in "
                f"{twin} are both called {path.stem!r}. Rename one."
            )
        found[path.stem] = path
    return found


def files_by_role(files: Mapping[str, Path]) -> dict[str, Path]:
    """Return files by role, with one entry for each table of a folder: ``twin.NAME``."""
    found: dict[str, Path] = {}
    for role, path in files.items():
        if path.is_dir():
            found |= {f"{role}.{name}": file for name, file in twin_files(path).items()}
        else:
            found[role] = path
    return found


def open_twins(
    twin: TwinTables,
    id_column: str | None,
    items: Mapping[str, Item] | None,
    *,
    asked: Collection[str] = (),
    choices: ReadingChoices = AS_USUAL,
) -> dict[str, AnswerTable]:
    """Open each source of twin answers, by name. A lone source without a name is called "twin".

    Parameters
    ----------
    twin : Path or mapping from name to Path
        A file, a folder of files, or files by name of the source. A table may hold several sources
        (:mod:`truetwin.data.source_columns`).
    id_column : str, optional
        Column of respondent ids in all of them.
    items : mapping from item id to Item, optional
        Declared texts, scales and blocks.
    asked : collection of str
        Columns of the human table; none of them names a source.
    choices : ReadingChoices
        How the files are read where they leave a question open.

    Raises
    ------
    DataError
        If two sources have one name.
    """
    found: dict[str, AnswerTable] = {}
    for name, path in twin_files(twin).items():
        opened = open_answers(path, id_column, items, choices=choices)
        parts = split_sources(
            opened.table,
            name,
            id_column=opened.id_column,
            declared=opened.declared,
            asked=asked,
            source=opened.source,
        )
        several = len(parts) > 1
        add_sources(
            found,
            {
                part: replace(
                    opened, table=table, source=f"{opened.source} ({part})" if several else opened.source
                )
                for part, table in parts.items()
            },
        )
    return found


def read_twins(
    twin: TwinTables,
    *,
    id_column: str | None = None,
    items: Mapping[str, Item] | None = None,
    expectations: bool = True,
    choices: ReadingChoices = AS_USUAL,
) -> dict[str, ResponseMatrix]:
    """Read each source of twin answers, by name, without a human table beside it. See :func:`open_twins`."""
    opened = open_twins(twin, id_column, items, choices=choices)
    sources = {
        name: each.responses(expectations=expectations).with_notes(*each.left_out_notes())
        for name, each in opened.items()
    }
    return sources


def source_notes(sources: Mapping[str, ResponseMatrix]) -> list[str]:
    """Say which sources were read, and how many people and items each has; nothing of a lone one without a name."""
    if list(sources) == ["twin"]:
        return []
    texts = [
        f"source {name!r} ({source.source}): {len(source.respondent_ids)} people, {len(source.item_ids)} items"
        for name, source in sources.items()
    ]
    more = len(texts) - _MOST_SHOWN
    shown = [*texts[:_MOST_SHOWN], f"... and {more} more sources"] if more > 0 else texts
    return [*shown, *_copies(sources)]


def _copies(sources: Mapping[str, ResponseMatrix]) -> list[str]:
    """Say which sources hold the same answers as one before them."""
    first: dict[object, str] = {}
    found = []
    for name, source in sources.items():
        answers = (source.respondent_ids, source.item_ids, sha256(source.values.tobytes()).digest())
        before = first.setdefault(answers, name)
        if before != name:
            found.append(f"sources {before!r} and {name!r} hold the same answers: was a file given twice?")
    return found

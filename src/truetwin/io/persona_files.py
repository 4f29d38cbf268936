"""Read and write personas, and read people's attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from truetwin.data.answer_cells import MISSING_MARKS
from truetwin.data.persona import Passage, Persona
from truetwin.data.responses import check_unique
from truetwin.errors import DataError, FileFormatError
from truetwin.io.json_lines import read_json_lines, write_json_lines
from truetwin.io.tables import read_table

_FIELDS = ("id", "text", "answers", "passages", "attributes", "builder", "id_column")


def read_personas(path: str | Path, id_column: str | None = None) -> list[Persona]:
    """Read personas from JSON lines, or from a table with the columns ``id`` and ``text``.

    ``id_column`` names the column of ids, if the table has it in the place of ``id``. Tables of answers get a column of
    the same name.

    A line is a JSON object with ``id`` and ``text``, and any of ``answers`` (item id -> code; these items cannot be
    asked), ``passages`` (list of ``{"item_id", "text"}``), ``attributes``, ``builder`` and ``id_column``. The
    fields are those of :class:`~truetwin.data.persona.Persona`.

    Raises
    ------
    FileFormatError
        If the file is not UTF-8, or a line is no JSON object.
    DataError
        If a persona has no id or no text, or an id occurs twice. The message names the line or the id.
    """
    path = Path(path)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        personas = [_persona(record, f"{path}, line {number}") for number, record in read_json_lines(path)]
    else:
        table = read_table(path)
        name = id_column if id_column is not None and id_column in table.column_names else "id"
        missing = [each for each in (name, "text") if each not in table.column_names]
        if missing:
            raise DataError(
                f"{path} must have the columns id and text; it lacks {' and '.join(missing)}. Personas come as a "
                "table with these two columns, or as JSON lines (.jsonl)."
            )
        rows = zip(table.column(name).to_pylist(), table.column("text").to_pylist(), strict=True)
        personas = [
            _persona({"id": who, "text": text, "id_column": name}, f"{path}, row {number}")
            for number, (who, text) in enumerate(rows, 1)
        ]
    if not personas:
        raise DataError(f"{path} must hold at least one persona; it has none")
    check_unique([p.id for p in personas], "persona id", str(path))
    return personas


def write_personas(personas: Iterable[Persona], path: str | Path) -> None:
    """Write personas as JSON lines, whole or not at all."""
    write_json_lines(Path(path), map(_record, personas), sort_keys=False)


def read_attributes(path: str | Path, id_column: str | None = None) -> dict[str, dict[str, str]]:
    """Read people's attributes from a table: one column of ids, every other column an attribute.

    The cells stay texts, as written; empty cells and the usual marks for missing values are left out.
    """
    path = Path(path)
    table = read_table(path)
    names = table.column_names
    check_unique(names, "column", str(path))
    id_column = id_column or ("respondent_id" if "respondent_id" in names else names[0])
    if id_column not in names:
        raise DataError(
            f"{path} must have the id column {id_column!r}; its columns are {', '.join(names[:6])}"
        )
    rows = table.to_pylist()
    ids = ["" if row[id_column] is None else str(row[id_column]).strip() for row in rows]
    if "" in ids:
        raise DataError(f"{path}: every respondent must have an id; column {id_column!r} is empty in row "
                        f"{ids.index('') + 1}")  # fmt: skip
    check_unique(ids, "respondent id", str(path))
    return {
        who: {
            name: str(value).strip()
            for name, value in row.items()
            if name != id_column and value is not None and str(value).strip() not in MISSING_MARKS
        }
        for who, row in zip(ids, rows, strict=True)
    }


def _persona(record: Any, where: str) -> Persona:
    if not isinstance(record, Mapping):
        raise FileFormatError(f"{where}: a persona must be a JSON object; found {type(record).__name__}")
    unknown = sorted(set(record) - set(_FIELDS))
    if unknown:
        raise DataError(f"{where}: unknown field {unknown[0]!r}; known are {', '.join(_FIELDS)}")
    identity = record.get("id")
    identity = "" if identity is None or isinstance(identity, bool) else str(identity).strip()
    if not identity:
        raise DataError(f"{where}: every persona must have an id; this one has none")
    text = record.get("text")
    if not isinstance(text, str) or not (text.strip() or record.get("passages")):
        raise DataError(f"{where}: persona {identity!r} must have a text; it has none")
    try:
        (identity + text).encode()
        return Persona(
            identity,
            text,
            {str(k): float(v) for k, v in dict(record.get("answers") or {}).items()},
            tuple(Passage(str(p["item_id"]), str(p["text"])) for p in record.get("passages") or ()),
            {str(k): str(v) for k, v in dict(record.get("attributes") or {}).items()},
            str(record.get("builder") or ""),
            str(record.get("id_column") or ""),
        )
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}: persona {identity!r} holds half a character (a lone surrogate), which no text can hold. "
            f"Correct the escape in the file."
        ) from error
    except (TypeError, ValueError, KeyError) as error:
        raise DataError(
            f"{where}: persona {identity!r} cannot be read: answers must map item ids to numbers, passages must be "
            f"objects with item_id and text, attributes must map names to texts ({type(error).__name__}: {error})"
        ) from error


def _record(persona: Persona) -> dict[str, Any]:
    record: dict[str, Any] = {"id": persona.id, "text": persona.text}
    if persona.answers:
        record["answers"] = dict(persona.answers)
    if persona.passages:
        record["passages"] = [{"item_id": p.item_id, "text": p.text} for p in persona.passages]
    if persona.attributes:
        record["attributes"] = dict(persona.attributes)
    if persona.builder:
        record["builder"] = persona.builder
    if persona.id_column not in ("", "respondent_id"):
        record["id_column"] = persona.id_column
    return record

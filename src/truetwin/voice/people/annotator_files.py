"""Read annotators' files, and refuse mistakes in them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truetwin.errors import DataError, FileFormatError
from truetwin.io.readable_files import read_text
from truetwin.voice.people.blinded_samples import SampleKey

FORMAT = "voice-annotations/1"
LONGEST_CELL = 10 * 2**20


@dataclass(frozen=True)
class Annotator:
    """Labels of one person.

    Attributes
    ----------
    name : str
        Name of the annotator.
    labels : mapping from task id to label
        Letters, or marks as text; tasks without a label are absent.
    source : str
        Name of the file.
    """

    name: str
    labels: Mapping[str, str]
    source: str = ""


def read_annotators(paths: Sequence[str | Path], key: SampleKey) -> list[Annotator]:
    """Read annotators' files: JSON that the form saved, or the sample's CSV with its column ``label`` filled.

    A JSON file names its annotator. A CSV file does so in a column ``annotator``; without it, the annotator has the
    name of the file.

    Raises
    ------
    FileFormatError
        If a file cannot be read as either.
    DataError
        If a file is of another sample, holds an unknown task, a task twice or a label that is not allowed, has no
        label at all, or two files are of the same annotator.
    """
    found: dict[str, Annotator] = {}
    for path in map(Path, paths):
        annotator = _read_one(path, key)
        if annotator.name in found:
            raise DataError(
                f"every file must be of another annotator; {path} and {found[annotator.name].source} are both of "
                f"{annotator.name!r}"
            )
        found[annotator.name] = annotator
    if not found:
        raise DataError("at least one annotator's file must be given")
    return list(found.values())


def _read_one(path: Path, key: SampleKey) -> Annotator:
    text = read_text(path)
    name, rows = _json_rows(text, path, key) if path.suffix.lower() == ".json" else _csv_rows(text, path)
    labels: dict[str, str] = {}
    seen: set[str] = set()
    for where, task, label in rows:
        if task not in key.tasks:
            raise DataError(
                f"{path}, {where}: the task must be one of sample {key.sample}; {task!r} is not. Is this another "
                "sample's file or key?"
            )
        if task in seen:
            raise DataError(f"{path}, {where}: every task must be there once; {task!r} comes again")
        seen.add(task)
        label = label.strip().upper()
        if not label:
            continue
        if label not in key.labels:
            raise DataError(
                f"{path}, {where}: the label of task {task!r} must be one of {', '.join(key.labels)}, or empty; got "
                f"{label[:40]!r}"
            )
        labels[task] = label
    if not labels:
        raise DataError(f"{path} must hold at least one label; all of its {len(seen)} tasks are without")
    return Annotator(name, labels, str(path))


def _json_rows(text: str, path: Path, key: SampleKey) -> tuple[str, list[tuple[str, str, str]]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} must be JSON: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileFormatError(
            f"{path} must be annotations that the form saved (an object with the format {FORMAT!r})"
        )
    if content.get("sample") != key.sample:
        raise DataError(f"{path} must belong to sample {key.sample}; it belongs to {content.get('sample')!r}")
    name, labels = content.get("annotator"), content.get("labels")
    if not (isinstance(name, str) and name.strip()) or not isinstance(labels, list):
        raise FileFormatError(f"{path} must have a text 'annotator' and a list 'labels'")
    rows = []
    for k, row in enumerate(labels, 1):
        if not isinstance(row, dict) or not isinstance(row.get("task_id"), str):
            raise FileFormatError(f"{path}, label {k}: a label must be an object with 'task_id' and 'label'")
        rows.append((f"label {k}", row["task_id"], _plain(row.get("label"), path, k)))
    return name.strip(), rows


def _plain(label: Any, path: Path, k: int) -> str:
    if label is None:
        return ""
    if isinstance(label, bool) or not isinstance(label, str | int):
        raise FileFormatError(f"{path}, label {k}: a label must be a text or a whole number; got {label!r}")
    return str(label)


def _csv_rows(text: str, path: Path) -> tuple[str, list[tuple[str, str, str]]]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)  # spreadsheets save with the separator of their language
    csv.field_size_limit(LONGEST_CELL)
    try:
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = list(table.fieldnames or ())
        lacking = [name for name in ("task_id", "label") if name not in names]
        if lacking:
            raise FileFormatError(
                f"{path} must have the columns task_id and label; {lacking[0]!r} is missing"
            )
        rows = list(table)
    except csv.Error as error:
        raise FileFormatError(f"{path} must be a CSV file: {error}") from error
    broken = next((k for k, row in enumerate(rows, 2) if None in row or None in row.values()), None)
    if broken is not None:
        raise FileFormatError(f"{path}: every row must have {len(names)} cells; row {broken} has not")
    return _name(rows, path), [
        (f"row {k}", row["task_id"].strip(), row["label"]) for k, row in enumerate(rows, 2)
    ]


def _name(rows: Iterable[Mapping[str, str]], path: Path) -> str:
    names = {row["annotator"].strip() for row in rows if row.get("annotator", "").strip()}
    if len(names) > 1:
        raise DataError(f"{path} must be of one annotator; its column 'annotator' names {len(names)}")
    return names.pop() if names else path.stem

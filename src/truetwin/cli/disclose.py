"""Verb `truetwin disclose`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from truetwin.cli.verbs import verb
from truetwin.settings.disclose_settings import DiscloseCommand


@verb(DiscloseCommand)
def disclose_command(settings: DiscloseCommand) -> None:
    """Fill in the reporting checklist of a study from its files, and list what only you can answer."""
    from truetwin.cli.output import note, print_json, print_line
    from truetwin.errors import DataError
    from truetwin.io import check_writable, replacing
    from truetwin.report.reporting_checklist import Known, checklist, checklist_markdown

    if settings.output is not None:
        check_writable(settings.output)
    known = Known.among(dict(_records(settings.paths)))
    if not known:
        raise DataError(
            f"{', '.join(map(str, settings.paths))} must hold records of simulate, calibrate, estimate, evaluate, "
            "diagnose or experiment: JSON files that stand beside their results, or the folder of a study"
        )
    entries = checklist(known)
    if settings.output is not None:
        with replacing(settings.output) as (draft,):
            draft.write_text(checklist_markdown(entries), encoding="utf-8")
    if settings.as_json:
        print_json("disclose", {"paths": [str(p) for p in settings.paths]}, [e.row() for e in entries])
        return
    if settings.output is None:
        for line in checklist_markdown(entries).splitlines():
            print_line(line)
    else:
        left = sum(not entry.answer for entry in entries)
        note(f"checklist: {settings.output}; {left} points are left for you")


def _records(paths: Sequence[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the JSON objects of files, and of the files in folders; what else a folder holds is passed over."""
    from truetwin.errors import FileFormatError

    for path in paths:
        if not path.is_dir():
            yield str(path), _record(path)
            continue
        for inside in sorted(path.glob("*.json")):
            try:
                yield str(inside), _record(inside)
            except FileFormatError:
                continue


def _record(path: Path) -> dict[str, Any]:
    import json

    from truetwin.errors import FileFormatError
    from truetwin.io.readable_files import read_text

    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} must be a JSON file; {error}") from error
    if not isinstance(found, dict):
        raise FileFormatError(f"{path} must hold one JSON object")
    return found

"""Write an audit of twins as an HTML page or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from truetwin.diagnosis import TwinAudit
from truetwin.errors import FileFormatError
from truetwin.io import check_outputs, write_json
from truetwin.report.page import Page, write_page
from truetwin.report.sections.audit_section import audit_sections

ENDINGS = (".html", ".json")


def check_audit_output(output: Path, inputs: Mapping[str, Path]) -> None:
    """Raise an error unless an audit can be written to the file."""
    if output.suffix.lower() not in ENDINGS:
        raise FileFormatError(
            f"an audit must be written to a file that ends in .html (a page) or .json; got {output.name!r}"
        )
    check_outputs([output], inputs.values())


def write_audit(found: TwinAudit, output: Path) -> None:
    """Write the audit, whole or not at all; the ending decides the format."""
    record = found.record()
    if output.suffix.lower() == ".json":
        write_json(record, output)
        return
    first = next(iter(found.sources.values()))
    page = Page(
        "Audit of twins",
        "Can these twins be trusted, and where not?",
        found.answer,
        facts=[
            ("sources", str(len(found.sources))),
            ("people compared", str(first.n_people)),
            ("items compared", str(first.n_items)),
        ],
        sections=audit_sections(record),
    )
    write_page(page, output)

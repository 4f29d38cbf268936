"""Files to types and back."""

from truetwin.io.atomic import check_outputs, check_writable, replacing
from truetwin.io.items import read_blocks, read_items
from truetwin.io.tables import (
    check_output_ending,
    dump_json,
    file_hash,
    read_responses,
    read_table,
    write_draft,
    write_table,
)

__all__ = [
    "check_output_ending",
    "check_outputs",
    "check_writable",
    "dump_json",
    "file_hash",
    "read_blocks",
    "read_items",
    "read_responses",
    "read_table",
    "replacing",
    "write_draft",
    "write_table",
]

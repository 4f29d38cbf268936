"""Read files into truetwin's types, and write them back: one module a format."""

from truetwin.io.answer_tables import read_responses
from truetwin.io.atomic import check_folder, check_outputs, check_writable, make_folder, replacing
from truetwin.io.item_files import item_from_record, item_record, read_blocks, read_items
from truetwin.io.people_files import read_people
from truetwin.io.persona_files import read_attributes, read_personas, write_personas
from truetwin.io.tables import (
    check_output_ending,
    dump_json,
    file_hash,
    read_table,
    write_draft,
    write_json,
    write_table,
)

__all__ = [
    "check_folder",
    "check_output_ending",
    "check_outputs",
    "check_writable",
    "dump_json",
    "file_hash",
    "item_from_record",
    "item_record",
    "make_folder",
    "read_attributes",
    "read_blocks",
    "read_items",
    "read_people",
    "read_personas",
    "read_responses",
    "read_table",
    "replacing",
    "write_draft",
    "write_json",
    "write_personas",
    "write_table",
]

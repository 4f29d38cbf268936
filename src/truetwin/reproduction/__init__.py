"""The papers' tables, computed anew and put beside what was published."""

from truetwin.reproduction.individual_tables import TABLES, reproduce_table

__all__ = ["TABLES", "reproduce_table"]

"""Compute the papers' tables anew, and put them beside the published figures."""

from truetwin.reproduction.individual_tables import TABLES, reproduce_table

__all__ = ["TABLES", "reproduce_table"]

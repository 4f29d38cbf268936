"""Benchmark items: one format, loaders of the published dimensions, faults, control conditions."""

from typing import TYPE_CHECKING

from truetwin._moved import names_of_old_module

if not TYPE_CHECKING:  # a type checker knows the new places only
    __getattr__ = names_of_old_module(__name__)

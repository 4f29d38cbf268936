"""Keep a run in one SQLite file that several processes may share."""

from typing import TYPE_CHECKING

from truetwin._moved import names_of_old_module

if not TYPE_CHECKING:  # names of earlier versions are found at run time and hidden from type checkers
    __getattr__ = names_of_old_module(__name__)

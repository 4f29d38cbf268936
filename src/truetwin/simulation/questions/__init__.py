"""Turn an item into a question: which answers it offers, in which order, under which codes."""

from typing import TYPE_CHECKING

from truetwin._moved import names_of_old_module

if not TYPE_CHECKING:  # a type checker knows the new places only
    __getattr__ = names_of_old_module(__name__)

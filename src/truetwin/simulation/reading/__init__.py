"""Read replies strictly: an answer beyond doubt, or the reason why there is none."""

from typing import TYPE_CHECKING

from truetwin._moved import names_of_old_module

if not TYPE_CHECKING:  # a type checker knows the new places only
    __getattr__ = names_of_old_module(__name__)

"""Load the three dimensions of the published benchmark: where each comes from, and how its records become items.

After loading, the dimensions share all code. Every module has the constants of its dimension, ``record_to_item`` and
``load``.
"""

from truetwin.voice.items.dimensions.loading import Loaded, LoadReport

__all__ = ["LoadReport", "Loaded"]

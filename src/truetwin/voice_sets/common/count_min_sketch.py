"""Count-min sketch: count texts in memory that does not grow with them."""

from __future__ import annotations

import hashlib

import numpy as np

from truetwin.errors import ParameterError


class CountSketch:
    """Count-min sketch with two tables of fixed size; counts are never too low, and rarely too high.

    Every text has a slot in each table, and its count is the lower of the two. It is too high only if other texts
    share both slots.

    Parameters
    ----------
    bits : int, default=22
        Binary logarithm of the slots in a table; memory is 8 bytes a slot of one table.

    Examples
    --------
    >>> sketch = CountSketch(bits=10)
    >>> for word in ("sun", "rain", "sun"):
    ...     sketch.add(word)
    >>> sketch.count("sun"), sketch.count("snow")
    (2, 0)
    """

    def __init__(self, bits: int = 22) -> None:
        if not 4 <= bits <= 30:
            raise ParameterError(f"bits must be in 4..30; got {bits}")
        self._mask = (1 << bits) - 1
        # Memory that is taken when it is first counted in.
        self._one, self._other = (np.zeros(1 << bits, dtype=np.uint32).data for _ in range(2))

    def add(self, text: str) -> None:
        """Count a text once more."""
        a, b = self._slots(text)
        self._one[a] += 1
        self._other[b] += 1

    def count(self, text: str) -> int:
        """Estimate how often a text was seen, never too low."""
        a, b = self._slots(text)
        return min(self._one[a], self._other[b])

    def _slots(self, text: str) -> tuple[int, int]:
        digest = int.from_bytes(
            hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little"
        )
        return digest & self._mask, (digest >> 32) & self._mask

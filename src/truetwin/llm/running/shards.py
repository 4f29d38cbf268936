"""Divide a run into shards, so that several machines can work on it without talking to each other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from truetwin.errors import ParameterError
from truetwin.llm.messages import Cell


@dataclass(frozen=True)
class Shard:
    """Shard of a run: part ``number`` of ``count``. Numbers begin at 1.

    The hash of a persona's id decides its part, so that all its cells are in one part. The prompts of a persona share
    their beginning, which a machine then computes, or a provider charges, in full only once.

    Examples
    --------
    >>> parts = [Shard(k, 3) for k in (1, 2, 3)]
    >>> [part.holds(Cell("anna", "q1")) for part in parts].count(True)
    1
    """

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ParameterError(
                f"a shard must be i/N with 1 <= i <= N; found {self.number}/{self.count}. Use for example 1/4."
            )

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read a shard from text such as ``"2/8"``."""
        number, slash, count = text.partition("/")
        if not (slash and number.isdecimal() and count.isdecimal()):
            raise ParameterError(
                f"a shard must be i/N with 1 <= i <= N; found {text!r}. Use for example 1/4."
            )
        return cls(int(number), int(count))

    def holds(self, cell: Cell) -> bool:
        """Tell whether ``cell`` is in this part."""
        return self.holds_persona(cell.persona)

    def holds_persona(self, persona: str) -> bool:
        """Tell whether the cells of ``persona`` are in this part."""
        return self.count == 1 or _hash(persona) % self.count == self.number - 1


@lru_cache(maxsize=1024)
def _hash(persona: str) -> int:
    return int.from_bytes(hashlib.sha256(persona.encode("utf-8", "surrogatepass")).digest()[:8], "big")

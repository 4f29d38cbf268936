"""Take personal data out of raw texts: pseudonyms for ids; addresses, numbers, handles and links replaced."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from truetwin.errors import ParameterError

_LENGTH = 12
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_LINK = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,10}://|\bwww\.)[^\s<>\"'”’)\]]+", re.I)
_PHONE = re.compile(r"(?<![\w.,:/-])(?:\+|00)?\(?\d{1,4}\)?(?:[ .\-/]?\(?\d{2,4}\)?){2,5}(?![\w:/-])")
_HANDLE = re.compile(r"(?<![\w@/.])@\w[\w.-]{1,38}\w")
_DATE_OR_TIME = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}")
#: Fewer digits than this are no phone number.
FEWEST_DIGITS = 8


@dataclass(frozen=True)
class Pseudonyms:
    """Pseudonyms by keyed hash: the same for the same name under the same salt, and telling nothing else.

    Parameters
    ----------
    salt : str
        Key of the hash. Whoever knows it can test whether a known name is in the data: keep it, or throw it away.

    Examples
    --------
    >>> names = Pseudonyms("secret")
    >>> names.of("anna") == names.of("anna"), names.of("anna") == Pseudonyms("other").of("anna")
    (True, False)
    """

    salt: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.salt:
            raise ParameterError("pseudonyms need a salt that is not empty")

    def of(self, name: str, kind: str = "user") -> str:
        """Give the pseudonym of an id, handle or address of some kind."""
        digest = hashlib.blake2b(
            f"{kind}\0{name}".encode("utf-8", "backslashreplace"), key=self._key, digest_size=_LENGTH // 2
        ).hexdigest()
        return f"{kind}-{digest}"

    @cached_property
    def _key(self) -> bytes:
        return hashlib.sha256(self.salt.encode()).digest()[:32]


@dataclass
class Scrubber:
    """Replaces what identifies people in texts, and counts it.

    An address, number, handle or link becomes ``[email-...]`` and so on; the same one gives the same replacement. With
    ``consistent=False`` it becomes ``[email]``, which keeps less.

    Examples
    --------
    >>> Scrubber(Pseudonyms("s"), consistent=False).scrub("mail ann@example.org or see https://example.org/me")
    'mail [email] or see [link]'
    """

    pseudonyms: Pseudonyms
    consistent: bool = True
    names: frozenset[str] = frozenset()
    counts: Counter[str] = field(default_factory=Counter)

    def scrub(self, text: str) -> str:
        """Replace them in a text."""
        for kind, pattern in (("link", _LINK), ("email", _EMAIL), ("phone", _PHONE), ("handle", _HANDLE)):
            text = pattern.sub(lambda found, kind=kind: self._replaced(kind, found.group()), text)  # type: ignore[misc]
        if self.names:
            text = self._names.sub(lambda found: self._replaced("user", found.group()), text)
        return text

    @property
    def _names(self) -> re.Pattern[str]:
        words = sorted(self.names, key=lambda n: (-len(n), n))
        return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, words)) + r")(?!\w)")

    def _replaced(self, kind: str, found: str) -> str:
        if kind == "phone" and not _is_phone(found):
            return found
        self.counts[kind] += 1
        known = found.lower() if kind in ("email", "handle") else found
        return f"[{self.pseudonyms.of(known, kind)}]" if self.consistent else f"[{kind}]"


def frequent(users: Iterable[str], least: int) -> set[str]:
    """Find the users with at least ``least`` entries; others may be recognised, and are to be dropped.

    Examples
    --------
    >>> frequent(["a", "b", "a"], 2)
    {'a'}
    """
    return {user for user, n in Counter(users).items() if n >= least}


def _is_phone(text: str) -> bool:
    digits = sum(c.isdigit() for c in text)
    return digits >= FEWEST_DIGITS and digits <= 15 and not _DATE_OR_TIME.fullmatch(text)

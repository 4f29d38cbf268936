"""Human and twin effects of the same contrasts, as arrays: what calibration of effects learns from and predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from truetwin.errors import DataError

Array = NDArray[np.float64]

#: Kinds of contrasts between randomised conditions, and kinds of contrasts between questions put to the same people.
RANDOMISED, WITHIN = ("between", "stacked", "interaction"), ("within",)
KINDS = RANDOMISED + WITHIN
#: Names of the two groups of kinds that have a slope each, in the order of their numbers.
GROUPS = ("between conditions", "within persons")


@dataclass(frozen=True, eq=False)
class PairedEffects:
    """Effects of C contrasts in units of a standard deviation (sd). Make it with :meth:`of`, which checks everything.

    Attributes
    ----------
    contrasts, studies, kinds : tuple of str
        Name, study and kind of each contrast.
    human, human_variance : ndarray of shape (C,)
        Human effects in the human sd and their sampling variances; NaN where no human has been asked.
    twin, twin_variance : ndarray of shape (C,)
        Twin effects in the human sd; NaN where the human sd is unknown.
    own, own_variance : ndarray of shape (C,)
        Twin effects in the twins' own sd; NaN where all twins agree, so that it is 0.
    """

    contrasts: tuple[str, ...]
    studies: tuple[str, ...]
    kinds: tuple[str, ...]
    human: Array
    human_variance: Array
    twin: Array
    twin_variance: Array
    own: Array
    own_variance: Array

    @classmethod
    def of(
        cls,
        contrasts: Sequence[str],
        studies: Sequence[str],
        kinds: Sequence[str],
        *,
        human: ArrayLike | None = None,
        human_variance: ArrayLike | None = None,
        twin: ArrayLike | None = None,
        twin_variance: ArrayLike | None = None,
        own: ArrayLike | None = None,
        own_variance: ArrayLike | None = None,
    ) -> PairedEffects:
        """Check names and numbers. What is left out is unknown.

        Raises
        ------
        DataError
            If columns differ in length, a kind is none of :data:`KINDS`, a contrast is named
            twice in a study, or an effect has no variance.

        Examples
        --------
        >>> PairedEffects.of(["a", "b"], ["s", "s"], ["between"] * 2, own=[0.3, -0.2], own_variance=[0.01, 0.01]).own
        array([ 0.3, -0.2])
        """
        names = tuple(map(str, contrasts))
        texts = (names, tuple(map(str, studies)), tuple(map(str, kinds)))
        given = [human, human_variance, twin, twin_variance, own, own_variance]
        numbers = [_column(values, len(names)) for values in given]
        found = cls(*texts, *numbers)
        found._check_names()
        found._check_numbers()
        return found

    def _check_names(self) -> None:
        if not len(self.contrasts) == len(self.studies) == len(self.kinds):
            raise DataError(
                f"there must be one study and one kind a contrast; got {len(self.studies)} studies and "
                f"{len(self.kinds)} kinds for {len(self.contrasts)} contrasts"
            )
        for name, kind in zip(self.contrasts, self.kinds, strict=True):
            if kind not in KINDS:
                raise DataError(
                    f"the kind of a contrast must be {', '.join(KINDS)}; contrast {name!r} has {kind!r}"
                )
        seen: set[tuple[str, str]] = set()
        for pair in zip(self.studies, self.contrasts, strict=True):
            if pair in seen:
                raise DataError(
                    f"a contrast must be named once; {pair[1]!r} of study {pair[0]!r} is there twice"
                )
            seen.add(pair)

    def _check_numbers(self) -> None:
        for side in ("human", "twin", "own"):
            effect, variance = getattr(self, side), getattr(self, f"{side}_variance")
            wrong = np.flatnonzero(
                np.isinf(effect) | (np.isfinite(effect) & ~(np.isfinite(variance) & (variance >= 0)))
            )
            if wrong.size:
                raise DataError(
                    f"every effect must be finite and have a variance of at least 0; contrast "
                    f"{self.contrasts[wrong[0]]!r} has the {side} effect {effect[wrong[0]]:g} with variance "
                    f"{variance[wrong[0]]:g} ({wrong.size - 1} more)"
                )

    def __len__(self) -> int:
        return len(self.contrasts)

    @cached_property
    def study_names(self) -> tuple[str, ...]:
        """Studies in the order of their first contrast."""
        return tuple(dict.fromkeys(self.studies))

    @cached_property
    def study_numbers(self) -> NDArray[np.intp]:
        """Number of each contrast's study in :attr:`study_names`."""
        number = {name: k for k, name in enumerate(self.study_names)}
        return np.array([number[name] for name in self.studies], dtype=np.intp)

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """0 for contrasts between randomised conditions, 1 for contrasts within persons."""
        return np.array([int(kind in WITHIN) for kind in self.kinds], dtype=np.intp)

    @cached_property
    def study_weights(self) -> Array:
        """Weights of contrasts with which every study counts the same; they sum to 1."""
        counts = np.bincount(self.study_numbers)
        return np.asarray(1.0 / (counts[self.study_numbers] * len(counts)), dtype=np.float64)

    def take(self, which: ArrayLike) -> PairedEffects:
        """Return the contrasts at some positions, or where a mask is true."""
        at = np.asarray(which)
        at = np.flatnonzero(at) if at.dtype == bool else at
        found: dict[str, Any] = {}
        for field in fields(self):
            values = getattr(self, field.name)
            found[field.name] = tuple(values[k] for k in at) if isinstance(values, tuple) else values[at]
        return PairedEffects(**found)

    def of_study(self, study: str) -> PairedEffects:
        """Return the contrasts of one study."""
        return self.take(self.study_numbers == self.study_names.index(study))

    def without_studies(self, names: Sequence[str]) -> PairedEffects:
        """Return the contrasts of all other studies."""
        out = set(names)
        return self.take(np.array([study not in out for study in self.studies], dtype=bool))

    def without_human(self) -> PairedEffects:
        """Return the same contrasts with nothing known of humans but the sd that twin effects are measured in."""
        unknown = np.full(len(self), np.nan)
        return replace(self, human=unknown, human_variance=unknown)

    def without_human_sd(self) -> PairedEffects:
        """Return the same contrasts with twin effects in the twins' own sd only."""
        unknown = np.full(len(self), np.nan)
        return replace(self, twin=unknown, twin_variance=unknown)

    def turned(self, which: ArrayLike) -> PairedEffects:
        """Return the effects with some contrasts seen from the other side: treatment and control exchanged."""
        sign = np.where(np.asarray(which, dtype=bool), -1.0, 1.0)
        return replace(self, human=sign * self.human, twin=sign * self.twin, own=sign * self.own)

    def and_also(self, other: PairedEffects) -> PairedEffects:
        """Return the contrasts of both tables."""
        joined: dict[str, Any] = {}
        for field in fields(self):
            a, b = getattr(self, field.name), getattr(other, field.name)
            joined[field.name] = (*a, *b) if isinstance(a, tuple) else np.concatenate([a, b])
        found = PairedEffects(**joined)
        found._check_names()
        return found


def _column(values: ArrayLike | None, n: int) -> Array:
    found = np.full(n, np.nan) if values is None else np.array(values, dtype=np.float64)
    if found.shape != (n,):
        raise DataError(f"there must be one value a contrast; got {found.size} for {n} contrasts")
    return found

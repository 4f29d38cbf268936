"""Effects: what people and their twins do in experiments, raw and standardised, with errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from truetwin.data.contrast import Contrast
from truetwin.data.frames import as_kind
from truetwin.data.plots import Plots
from truetwin.data.responses import FrameKind
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.errors import ParameterError
from truetwin.experiments.contrast_scores import STANDARDISERS, StudyAnswers
from truetwin.experiments.linear_effects import LinearEffect
from truetwin.solvers.adjusted_p_values import Correction, adjusted

Array = NDArray[np.float64]
HUMAN = "human"
#: Columns of the table of effects, with their types.
FIELDS = (
    ("contrast_id", "string"),
    ("study", "string"),
    ("kind", "string"),
    ("compared", "string"),
    ("headline", "int64"),
    ("by", "string"),
    ("group", "string"),
    ("side", "string"),
    ("effect", "double"),
    ("se", "double"),
    ("df", "double"),
    ("lower", "double"),
    ("upper", "double"),
    ("level", "double"),
    ("p", "double"),
    ("p_adjusted", "double"),
    ("sd", "double"),
    ("standardiser", "string"),
    ("d", "double"),
    ("d_se", "double"),
    ("own_sd", "double"),
    ("d_own", "double"),
    ("d_own_se", "double"),
    ("n_treatment", "int64"),
    ("n_control", "int64"),
    ("n_people", "int64"),
    ("note", "string"),
)
SHOWN = (
    Shown("contrast_id", "contrast"),
    Shown("group", "group"),
    Shown("side", "among"),
    Shown("effect", "effect", ".3f"),
    Shown("lower", "from", ".3f"),
    Shown("upper", "to", ".3f"),
    Shown("d", "in sds", ".2f"),
    Shown("p_adjusted", "p (corrected)", ".3f"),
    Shown("n_people", "people", "d"),
)


@dataclass(frozen=True)
class Entry:
    """Subject of one effect: a contrast, among everybody or in a group."""

    contrast: Contrast
    by: str = ""
    group: str = ""
    minus_group: str = ""

    @property
    def family(self) -> str:
        """Name the effects with which it is corrected: of everybody, in groups, or differences between groups."""
        return "difference" if self.minus_group else "group" if self.by else "all"

    @property
    def group_in_words(self) -> str:
        """Name the group, or the two that are compared."""
        return f"{self.group} minus {self.minus_group}" if self.minus_group else self.group


@dataclass(frozen=True, eq=False)
class SideEffects:
    """Effects of one source, one for each entry; NaN where they are missing.

    Attributes
    ----------
    effect, se, df : ndarray of shape (C,)
        Effect in units of the outcomes, its standard error and degrees of freedom.
    sd, sd_df : ndarray of shape (C,)
        The source's own standard deviation, and its degrees of freedom.
    n_treatment, n_control, n_people : ndarray of int of shape (C,)
    reasons : tuple of str
        Why an effect or its error is missing; empty where it is not.
    """

    effect: Array
    se: Array
    df: Array
    sd: Array
    sd_df: Array
    n_treatment: NDArray[np.int64]
    n_control: NDArray[np.int64]
    n_people: NDArray[np.int64]
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Standardised:
    """Effects in units of a standard deviation.

    Attributes
    ----------
    d, se : ndarray of shape (C,)
        NaN where the standard deviation is 0 or missing.
    sd : ndarray of shape (C,)
    name : tuple of str
        What the standard deviation is.
    """

    d: Array
    se: Array
    sd: Array
    name: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects of contrasts among people and among their twins.

    Attributes
    ----------
    entries : tuple of Entry
        What the effects are about, one for each position of the arrays.
    sides : mapping from source to SideEffects
        ``human``, and ``twin`` or the names of several sources of twins.
    level : float
        Probability that an interval holds.
    correction : str
        Correction of p-values for their number.
    notes : tuple of str
        What holds for all effects.
    frame_kind : str
        Kind of data frame that the answers were made from.
    """

    entries: tuple[Entry, ...]
    sides: Mapping[str, SideEffects]
    level: float = 0.9
    correction: Correction = "holm"
    notes: tuple[str, ...] = ()
    frame_kind: FrameKind = "pyarrow"

    plot = Plots("effects")

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Contrast of each effect."""
        return tuple(entry.contrast for entry in self.entries)

    def arrays(self, side: str) -> SideEffects:
        """Return the effects of one source as arrays."""
        if side not in self.sides:
            raise ParameterError(f"the side must be one of {', '.join(self.sides)}; got {side!r}")
        return self.sides[side]

    def standardised(self, side: str, by: Literal["human", "own"] = "human") -> Standardised:
        """Return the effects of one source in units of a standard deviation.

        Parameters
        ----------
        side : str
            Whose effects.
        by : {"human", "own"}
            Divide by the standard deviation of people (where people have none: by the source's own), or by the
            source's own. A standard deviation of 0 standardises nothing: the effect is missing then.
        """
        ours = self.arrays(side)
        own_name = "own" if side != HUMAN else HUMAN
        sd, sd_df = ours.sd, ours.sd_df
        names = np.array([own_name] * len(sd), dtype=object)
        if by == "human" and HUMAN in self.sides and side != HUMAN:
            theirs = self.sides[HUMAN]
            known = np.isfinite(theirs.sd)
            sd, sd_df = np.where(known, theirs.sd, sd), np.where(known, theirs.sd_df, sd_df)
            names[known] = HUMAN
        usable = np.isfinite(sd) & (sd > 0)
        inverse = np.divide(1.0, sd, out=np.full_like(sd, np.nan), where=usable)
        d = ours.effect * inverse
        spread = np.divide(d**2, 2 * sd_df, out=np.zeros_like(d), where=sd_df > 0)
        kinds = [STANDARDISERS[one.kind] for one in self.contrasts]
        return Standardised(
            d,
            np.sqrt((ours.se * inverse) ** 2 + spread),
            sd,
            tuple(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True)),
        )

    def p_values(self, side: str) -> Array:
        """Return the two-sided p-value of each effect, not corrected."""
        from scipy.stats import t

        ours = self.arrays(side)
        ratio = np.divide(np.abs(ours.effect), ours.se, out=np.full_like(ours.se, np.nan), where=ours.se > 0)
        return np.asarray(2 * t.sf(ratio, ours.df))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One row for each effect and source; ``FIELDS`` names the columns."""
        tables = [self._rows_of(side) for side in self.sides]
        return [row for together in zip(*tables, strict=True) for row in together]

    def _rows_of(self, side: str) -> list[dict[str, Any]]:
        from scipy.stats import t

        ours, human, own = self.arrays(side), self.standardised(side), self.standardised(side, "own")
        half = t.ppf((1 + self.level) / 2, ours.df) * ours.se
        p = self.p_values(side)
        p_adjusted = np.full_like(p, np.nan)
        for members in self._families():
            p_adjusted[members] = adjusted(p[members], self.correction)
        rows = []
        for k, entry in enumerate(self.entries):
            one, notes = entry.contrast, [ours.reasons[k]]
            if np.isfinite(ours.effect[k]) and not np.isfinite(human.d[k]):
                notes.append(f"not standardised: the {human.name[k]} is {_sd_in_words(human.sd[k])}")
            elif np.isfinite(ours.effect[k]) and not np.isfinite(own.d[k]):
                notes.append(f"not standardised by its own sd, which is {_sd_in_words(own.sd[k])}")
            rows.append(
                {
                    "contrast_id": one.contrast_id,
                    "study": one.study,
                    "kind": one.kind,
                    "compared": one.in_words,
                    "headline": int(one.headline),
                    "by": entry.by or None,
                    "group": entry.group_in_words or None,
                    "side": side,
                    "effect": _number(ours.effect[k]),
                    "se": _number(ours.se[k]),
                    "df": _number(ours.df[k]),
                    "lower": _number(ours.effect[k] - half[k]),
                    "upper": _number(ours.effect[k] + half[k]),
                    "level": self.level,
                    "p": _number(p[k]),
                    "p_adjusted": _number(p_adjusted[k]),
                    "sd": _number(human.sd[k]),
                    "standardiser": human.name[k],
                    "d": _number(human.d[k]),
                    "d_se": _number(human.se[k]),
                    "own_sd": _number(own.sd[k]),
                    "d_own": _number(own.d[k]),
                    "d_own_se": _number(own.se[k]),
                    "n_treatment": int(ours.n_treatment[k]),
                    "n_control": int(ours.n_control[k]),
                    "n_people": int(ours.n_people[k]),
                    "note": "; ".join(filter(None, notes)) or None,
                }
            )
        return rows

    def _families(self) -> list[list[int]]:
        """List the effects whose p-values are corrected together: of everybody, in groups, and their differences."""
        found: dict[str, list[int]] = {}
        for k, entry in enumerate(self.entries):
            found.setdefault(entry.family, []).append(k)
        return list(found.values())

    def to_frame(self, kind: FrameKind | None = None) -> Any:
        """Return the rows as a data frame of the kind that the answers came in, or of another."""
        import pyarrow as pa

        schema = pa.schema([(name, pa.type_for_alias(type_)) for name, type_ in FIELDS])
        return as_kind(pa.Table.from_pylist(self.rows, schema=schema), kind or self.frame_kind)

    def summary(self) -> SummaryTable:
        """List the effects, one row for each effect and source."""
        return SummaryTable(self.rows, SHOWN, title=self.in_words(), frame_kind=self.frame_kind)

    def in_words(self) -> str:
        """Say in a few lines how the effects of twins go with those of people."""
        n, studies = sum(not entry.by for entry in self.entries), {one.study for one in self.contrasts}
        lines = [
            f"{n} effect{'s' * (n != 1)} in {len(studies)} {'study' if len(studies) == 1 else 'studies'}"
        ]
        if HUMAN in self.sides:
            ours = self.arrays(HUMAN)
            lines += [self._agreement(side, ours) for side in self.sides if side != HUMAN]
        return "\n".join(lines)

    def _agreement(self, side: str, ours: SideEffects) -> str:
        theirs = self.arrays(side)
        whole = np.array([not entry.by for entry in self.entries])
        both = whole & np.isfinite(ours.effect) & np.isfinite(theirs.effect)
        if not both.any():
            return f"{side}: no effect in common with people"
        same = np.sign(ours.effect) == np.sign(theirs.effect)
        sure = both & (self.p_values(HUMAN) < 0.05)
        told = f"{side}: same sign as people in {int(same[both].sum())} of {int(both.sum())} effects"
        if sure.any():
            told += f", in {int(same[sure].sum())} of {int(sure.sum())} that are significant among people (p < .05)"
        return told

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def __repr__(self) -> str:
        return f"Effects({self.in_words().splitlines()[0]}; {', '.join(self.sides)})"


@dataclass(frozen=True)
class FoundEffect:
    """One effect of one source; the fields are those of :class:`SideEffects`."""

    effect: float
    se: float
    df: float
    sd: float
    sd_df: float
    n_treatment: int
    n_control: int
    n_people: int
    reason: str

    @classmethod
    def of(cls, found: LinearEffect, answers: StudyAnswers) -> FoundEffect:
        """Describe an effect: its value, error, sd and counts, and why one of them is missing."""
        se, df = found.error(answers.design)
        reason = found.reason
        if not reason and not np.isfinite(se):
            reason = (
                f"no standard error: an arm holds one {'cluster' if answers.design.clustered else 'person'}"
            )
        return cls(
            found.effect,
            se,
            df,
            found.sd,
            found.sd_df,
            found.n_treatment,
            found.n_control,
            found.n_people,
            reason,
        )


def effects_of(found: Sequence[FoundEffect]) -> SideEffects:
    """Collect effects of one source into arrays."""

    def column(name: str, kind: type = float) -> Any:
        return np.array([getattr(one, name) for one in found], dtype=kind)

    return SideEffects(
        column("effect"),
        column("se"),
        column("df"),
        column("sd"),
        column("sd_df"),
        column("n_treatment", int),
        column("n_control", int),
        column("n_people", int),
        tuple(one.reason for one in found),
    )


def _sd_in_words(value: float) -> str:
    return "0: all answers are alike" if value == 0 else "unknown"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

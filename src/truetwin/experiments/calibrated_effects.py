"""Calibrated effects: the result of calibrating the twin effects of new studies, as laws, rows, a table and
sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from truetwin.data.frames import as_kind
from truetwin.data.plots import Plots
from truetwin.data.responses import FrameKind
from truetwin.data.summary_table import Shown, SummaryTable
from truetwin.errors import DataError
from truetwin.experiments.effect_calibration import LEAST_STUDIES, EffectCalibration
from truetwin.experiments.effect_candidates import SHRUNKEN
from truetwin.experiments.effect_law import EffectLaw
from truetwin.experiments.paired_effects import Array, PairedEffects
from truetwin.experiments.past_likelihood import PastLikelihood
from truetwin.experiments.pilots import people_per_arm
from truetwin.experiments.published_effects import PublishedErrors, published_apart_from, published_errors

SHOWN = (
    Shown("contrast", "contrast"),
    Shown("twin", "twins (sd)", ".2f"),
    Shown("effect", "expected (sd)", ".2f"),
    Shown("low", "from", ".2f"),
    Shown("high", "to", ".2f"),
    Shown("positive", "probably above 0", ".0%"),
)


@dataclass(frozen=True, eq=False)
class HumanSds:
    """The sd of human scores, by which effects in sd become effects in units of the answer.

    Attributes
    ----------
    sd : ndarray of shape (C,)
        NaN where it is unknown.
    spread : ndarray of shape (C,)
        Uncertainty of its logarithm, as an sd; 0 where it is known.
    source : tuple of str
        Where each comes from.
    """

    sd: Array
    spread: Array
    source: tuple[str, ...]


def human_sds(
    human_sd: Sequence[float] | Array,
    twin_sd: Sequence[float] | Array,
    learned: EffectCalibration | None,
    source: str,
) -> HumanSds:
    """Find the sd of human scores: as given, or else the twins' own sd times the ratio in past studies.

    Parameters
    ----------
    human_sd : array-like of shape (C,)
        The human sd where it is known; NaN elsewhere.
    twin_sd : array-like of shape (C,)
        The twins' own sd of the same scores.
    learned : EffectCalibration or None
        Calibration whose past studies tell the ratio. Without it the sd is unknown where it is not given.
    source : str
        Where the known ones come from, such as "people's answers".
    """
    known, own = np.asarray(human_sd, dtype=np.float64), np.asarray(twin_sd, dtype=np.float64)
    ratio = None if learned is None else _sd_ratio(learned.past)
    sd, spread, sources = known.copy(), np.zeros(len(known)), []
    for k in range(len(known)):
        if np.isfinite(known[k]):
            sources.append(source)
        elif ratio is not None and own[k] > 0:
            sd[k], spread[k] = own[k] * ratio[0], ratio[1]
            sources.append(f"twins' own sd times {ratio[0]:.2f}, as in past studies")
        else:
            sources.append("unknown")
    return HumanSds(sd, spread, tuple(sources))


def _sd_ratio(past: PairedEffects) -> tuple[float, float] | None:
    """Human sd over the twins' own sd: geometric mean over past studies, and the sd of its logarithm."""
    known = np.isfinite(past.twin_variance) & np.isfinite(past.own_variance)
    known &= (past.twin_variance > 0) & (past.own_variance > 0)
    if not known.any():
        return None
    here = past.take(known)
    logs = 0.5 * np.log(here.own_variance / here.twin_variance)
    numbers = here.study_numbers
    means = np.bincount(numbers, logs) / np.bincount(numbers)
    within = float(here.study_weights @ (logs - means[numbers]) ** 2)
    between = float(means.var(ddof=1)) if len(means) > 1 else 0.25
    return float(np.exp(means.mean())), float((between + within) ** 0.5)


@dataclass(frozen=True, eq=False)
class CalibratedEffects:
    """Human effects predicted from twin effects. Make it with :func:`calibrate_effects`.

    Attributes
    ----------
    effects : PairedEffects
        The new contrasts. Human effects in them are a pilot.
    laws : mapping of str to EffectLaw
        Law of each study's effects, the pilot included; empty if nothing was calibrated.
    before_pilot : mapping of str to EffectLaw
        The same without the pilot.
    learned : EffectCalibration or None
        What was learned from past studies; None if there were too few.
    errors : PublishedErrors or None
        Errors of published twin effects, for a warning where nothing was calibrated.
    level : float
        Probability that an interval holds.
    notes : tuple of str
        What holds for all effects.
    sds : HumanSds or None
        The human sd of each contrast, for effects in units of the answer.
    labels : sequence of (str, str), optional
        Treatment and control of each contrast in words; empty texts within persons.
    """

    effects: PairedEffects
    laws: Mapping[str, EffectLaw]
    before_pilot: Mapping[str, EffectLaw]
    learned: EffectCalibration | None
    errors: PublishedErrors | None
    level: float
    notes: tuple[str, ...] = ()
    sds: HumanSds | None = None
    labels: Sequence[tuple[str, str]] = ()
    frame_kind: FrameKind = field(default="pyarrow")

    plot = Plots("effects")

    def __repr__(self) -> str:
        studies = len(self.effects.study_names)
        learned = f"from {len(self.learned.studies)} past studies" if self.learned else "not calibrated"
        return f"CalibratedEffects({len(self.effects)} contrasts, {studies} new studies, {learned})"

    @property
    def calibrated(self) -> bool:
        """Whether there were enough past studies."""
        return self.learned is not None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """List one row a contrast.

        ``twin`` and ``twin_own`` are twin effects in the human sd and in the twins' own sd, ``shrunken`` the twin
        effect times one slope for all kinds, ``effect``, ``low`` and ``high`` the calibrated effect in the human sd
        with its interval,
        ``positive`` the probability that it is above 0, ``worth`` the people per arm that it is worth, ``pilot`` and
        ``pilot_se`` what the pilot alone says. ``raw``, ``raw_low`` and ``raw_high`` are in units of the answer, with
        the
        ``human_sd`` used and where it is from. If nothing was calibrated, ``effect`` is the twin effect as it is, and
        the interval is that of published errors.
        """
        found: list[dict[str, Any]] = []
        for study in self.effects.study_names:
            found += self._study_rows(study)
        order = {
            pair: k for k, pair in enumerate(zip(self.effects.studies, self.effects.contrasts, strict=True))
        }
        return sorted(found, key=lambda row: order[row["study"], row["contrast"]])

    def _study_rows(self, study: str) -> list[dict[str, Any]]:
        at = np.flatnonzero(self.effects.study_numbers == self.effects.study_names.index(study))
        here, law = self.effects.take(at), self.laws.get(study)
        numbers = self._uncalibrated(here) if law is None else self._calibrated(here, law)
        rows = []
        for k, place in enumerate(at):
            row: dict[str, Any] = {
                "study": study,
                "contrast": here.contrasts[k],
                "kind": here.kinds[k],
                "twin": _or_none(here.twin[k]),
                "twin_own": _or_none(here.own[k]),
                **{name: _or_none(values[k]) for name, values in numbers.items()},
                "pilot": _or_none(here.human[k]),
                "pilot_se": _or_none(here.human_variance[k] ** 0.5),
                "level": self.level,
                "calibrated": law is not None,
            }
            rows.append({**row, **self._raw(int(place), row)})
        return rows

    def _calibrated(self, here: PairedEffects, law: EffectLaw) -> dict[str, Array]:
        assert self.learned is not None
        low, high = law.quantiles((0.5 - self.level / 2, 0.5 + self.level / 2))
        has_sd = "twin" in self.learned.usable_standardisers(here)
        shrunken = self.learned.law(here, SHRUNKEN).mean() if has_sd else np.full(len(here), np.nan)
        before = self.before_pilot[here.study_names[0]]
        return {
            "shrunken": shrunken,
            "by_twins": before.mean(),
            "effect": law.mean(),
            "low": low,
            "high": high,
            "positive": law.positive(),
            "worth": people_per_arm(before.variance()),
        }

    def _uncalibrated(self, here: PairedEffects) -> dict[str, Array]:
        as_it_is = np.where(np.isfinite(here.twin), here.twin, here.own)
        reach = np.nan if self.errors is None else self.errors.reach_at(self.level)
        return {"effect": as_it_is, "low": as_it_is - reach, "high": as_it_is + reach}

    def _raw(self, place: int, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the effect in units of the answer; an uncertain sd widens the interval around it."""
        if self.sds is None or not np.isfinite(self.sds.sd[place]):
            return {}
        sd, doubt = float(self.sds.sd[place]), float(self.sds.spread[place])
        found: dict[str, Any] = {"human_sd": sd, "human_sd_from": self.sds.source[place]}
        if row.get("effect") is None:
            return found
        middle = row["effect"]
        found["raw"] = middle * sd
        if row.get("low") is None:
            return found
        for name, side in (("raw_low", row["low"] - middle), ("raw_high", row["high"] - middle)):
            widened = np.sqrt(side**2 + (doubt * _normal_reach(self.level) * middle) ** 2)
            found[name] = float((middle + np.sign(side) * widened) * sd)
        return found

    def sentences(self) -> list[str]:
        """Say each effect in a sentence: which arm beats which, by how much, and the interval."""
        from truetwin.experiments.effect_words import effect_in_words

        labels = self.labels or [("", "")] * len(self.effects)
        return [
            effect_in_words(row, treatment, control)
            for row, (treatment, control) in zip(self.rows, labels, strict=True)
        ]

    def summary(self) -> SummaryTable:
        """List the effects, one row a contrast."""
        return SummaryTable(self.rows, SHOWN, title=repr(self), frame_kind=self.frame_kind)

    def learned_record(self) -> dict[str, Any]:
        """Return what was learned: past studies, slopes, weights of the candidates."""
        if self.learned is None:
            return {"calibrated": False, "past_studies": []}
        return {
            "calibrated": True,
            "past_studies": list(self.learned.studies),
            "slopes": self.learned.slopes(self.level),
            "weights": {c.label: w for c, w in self.learned.weights.items()},
        }

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def table_rows(self) -> list[dict[str, Any]]:
        """List the rows with all columns of the table, in their order."""
        return [{name: row.get(name) for name, _ in FIELDS} for row in self.rows]

    def to_frame(self, kind: FrameKind | None = None) -> Any:
        """Return the rows as a table."""
        import pyarrow as pa

        schema = pa.schema([(name, pa.type_for_alias(kind_of)) for name, kind_of in FIELDS])
        return as_kind(pa.Table.from_pylist(self.rows, schema=schema), kind or self.frame_kind)

    def with_units(
        self, sds: HumanSds, labels: Sequence[tuple[str, str]] = (), frame_kind: FrameKind = "pyarrow"
    ) -> CalibratedEffects:
        """Return the same effects, also in units of the answer."""
        return replace(self, sds=sds, labels=tuple(labels), frame_kind=frame_kind)

    def with_notes(self, notes: Sequence[str]) -> CalibratedEffects:
        """Return the same effects with further notes."""
        return replace(self, notes=(*self.notes, *notes))


#: Columns of the table of calibrated effects, with their types.
FIELDS = (
    ("study", "string"),
    ("contrast", "string"),
    ("kind", "string"),
    ("twin", "double"),
    ("twin_own", "double"),
    ("shrunken", "double"),
    ("by_twins", "double"),
    ("effect", "double"),
    ("low", "double"),
    ("high", "double"),
    ("level", "double"),
    ("positive", "double"),
    ("worth", "double"),
    ("pilot", "double"),
    ("pilot_se", "double"),
    ("raw", "double"),
    ("raw_low", "double"),
    ("raw_high", "double"),
    ("human_sd", "double"),
    ("human_sd_from", "string"),
    ("calibrated", "bool"),
)


def calibrate_effects(
    new: PairedEffects,
    past: PairedEffects | None = None,
    *,
    published: bool | None = None,
    shared: Mapping[str, Array] | None = None,
    level: float = 0.9,
) -> CalibratedEffects:
    """Calibrate the twin effects of new studies by past studies whose human effects are known.

    Parameters
    ----------
    new : PairedEffects
        Contrasts of the new studies. Human effects in them count as a pilot and are combined with the calibrated twin
        effects.
    past : PairedEffects, optional
        Contrasts of past studies. Studies that are also in ``new`` are left out.
    published : bool, optional
        Whether to learn from published effects too. By default they are used if there are fewer than three past
        studies. Those of the same studies are never used.
    shared : mapping of str to ndarray of shape (C, q), optional
        Errors that a pilot's effects share, by study (:meth:`EffectLaw.updated`).
    level : float, default=0.9
        Probability that an interval holds.

    Returns
    -------
    CalibratedEffects
        If there are fewer than three studies to learn from: twin effects as they are, with a warning.
    """
    if not len(new):
        raise DataError("there is no contrast to calibrate")
    known, notes = _past(new, past, published)
    learned = None
    if known is not None and len(known.study_names) >= LEAST_STUDIES:
        likelihood = PastLikelihood.of(known)
        if len(likelihood.studies) >= LEAST_STUDIES:
            learned = EffectCalibration.fit(likelihood)
            notes += _left_out(known, likelihood.past)
    before: dict[str, EffectLaw] = {}
    after: dict[str, EffectLaw] = {}
    if learned is not None:
        for study in new.study_names:
            here = new.of_study(study)
            before[study] = after[study] = learned.law(here)
            if np.isfinite(here.human).any():
                among = None if shared is None else shared.get(study)
                after[study] = before[study].updated(here.human, _alone(here.human_variance, among), among)
        notes += _group_notes(new, learned)
    errors = published_errors(new.study_names)
    if learned is None:
        notes.append(_warning(known, errors))
    return CalibratedEffects(new, after, before, learned, errors, level, tuple(notes))


def _past(
    new: PairedEffects, past: PairedEffects | None, published: bool | None
) -> tuple[PairedEffects | None, list[str]]:
    """Join past studies, without the new ones, and published ones, without those of either."""
    notes: list[str] = []
    own = None if past is None else past.take(np.isfinite(past.human)).without_studies(new.study_names)
    n_own = 0 if own is None else len(own.study_names)
    if published is None:
        published = n_own < LEAST_STUDIES
    if not published:
        return own, notes
    names = [*new.study_names, *(own.study_names if own is not None else ())]
    table = published_apart_from(names)
    if not len(table):
        return own, notes
    notes.append(
        f"learned from {len(table)} published contrasts of {len(table.study_names)} studies, "
        f"made with other twins than yours"
        + (f", and {n_own} past stud{'y' if n_own == 1 else 'ies'} of your own" if n_own else "")
    )
    return (table if own is None or not n_own else own.and_also(table)), notes


def _left_out(known: PairedEffects, used: PairedEffects) -> list[str]:
    n = len(known) - len(used)
    if not n:
        return []
    return [
        f"{n} past contrast{'' if n == 1 else 's'} left out, for want of a twin effect in the same units as the others"
    ]


def _group_notes(new: PairedEffects, learned: EffectCalibration) -> list[str]:
    from truetwin.experiments.paired_effects import GROUPS

    return [
        f"no past study has contrasts {GROUPS[group]}: their slope is borrowed from the other kinds"
        for group in sorted(set(map(int, new.groups)))
        if not learned.n_by_group[group]
    ]


def _warning(known: PairedEffects | None, errors: PublishedErrors | None) -> str:
    n = 0 if known is None else len(known.study_names)
    text = (
        f"not calibrated: {n} past stud{'y' if n == 1 else 'ies'} with human effects, and at least "
        f"{LEAST_STUDIES} are needed to know how studies differ. Twin effects are shown as they are."
    )
    return text if errors is None else f"{text} {errors.in_words()}"


def _alone(variance: Array, shared: Array | None) -> Array:
    """Subtract what effects share from their variances."""
    return variance if shared is None else np.maximum(variance - (shared**2).sum(axis=1), 0.05 * variance)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _normal_reach(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + level / 2))

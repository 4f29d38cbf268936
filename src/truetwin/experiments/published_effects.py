"""Published effects: facts and figures of published contrasts, for those who have no past studies of their own.

The table ``published_effects.csv`` holds human and twin effects with their standard errors, sample sizes, the source
and its licence. ``benchmarks/published_effects.py`` makes it from the published data. A study is never calibrated
with its own published effects, nor with those of a past study that is given anyway.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from truetwin.experiments.paired_effects import PairedEffects

TABLE = "published_effects.csv"
#: Columns of the table.
COLUMNS = (
    "contrast_id",
    "study",
    "kind",
    "human_d",
    "human_se",
    "twin_d",
    "twin_se",
    "twin_own_d",
    "twin_own_se",
    "n_people",
    "source",
    "licence",
)


@dataclass(frozen=True)
class PublishedErrors:
    """Errors of published twin effects, as they are, against the human effects; every study counts the same.

    Attributes
    ----------
    n_contrasts, n_studies : int
    rmse : float
        Root mean square difference, in the human sd.
    rmse_of_no_effect : float
        The same with "no effect" in place of the twin effect.
    sign : float
        Share of contrasts with the human sign.
    sizes, weights : tuple of float
        Sizes of the differences, ascending, and the weights of their contrasts.
    """

    n_contrasts: int
    n_studies: int
    rmse: float
    rmse_of_no_effect: float
    sign: float
    sizes: tuple[float, ...]
    weights: tuple[float, ...]

    def reach_at(self, level: float) -> float:
        """Distance from the human effect that this share of twin effects stays within."""
        at = int(np.searchsorted(np.cumsum(self.weights), level))
        return self.sizes[min(at, len(self.sizes) - 1)]

    def in_words(self) -> str:
        """Say it in two sentences."""
        return (
            f"In {self.n_contrasts} published contrasts of {self.n_studies} studies, twin effects as they are had the "
            f"human sign in {self.sign:.0%}, and nine in ten were within {self.reach_at(0.9):.2f} sd of the human "
            f"effect. Their usual error was {self.rmse:.2f} sd; that of 'no effect' was "
            f"{self.rmse_of_no_effect:.2f} sd."
        )


@cache
def published_effects() -> PairedEffects:
    """Read the table of published effects."""
    rows = published_rows()

    def number(name: str) -> list[float]:
        return [float(row[name]) for row in rows]

    return PairedEffects.of(
        [row["contrast_id"] for row in rows],
        [row["study"] for row in rows],
        [row["kind"] for row in rows],
        human=number("human_d"),
        human_variance=np.square(number("human_se")),
        twin=number("twin_d"),
        twin_variance=np.square(number("twin_se")),
        own=number("twin_own_d"),
        own_variance=np.square(number("twin_own_se")),
    )


def published_rows() -> list[dict[str, str]]:
    """Return the rows of the table as they are, with their sources."""
    text = files("truetwin.experiments").joinpath(TABLE).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def published_apart_from(studies: Collection[str]) -> PairedEffects:
    """Return the published effects of all other studies: a study is never judged or calibrated by itself.

    Names are compared without regard to case, spaces and punctuation.
    """
    table, out = published_effects(), {_plain(name) for name in studies}
    return table.without_studies([name for name in table.study_names if _plain(name) in out])


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def published_errors(studies: Collection[str] = ()) -> PublishedErrors | None:
    """Summarise the errors of published twin effects, apart from those of some studies; None if nothing is left."""
    table = published_apart_from(studies)
    if not len(table):
        return None
    weights, error = table.study_weights, np.abs(table.human - table.twin)
    order = np.argsort(error)
    return PublishedErrors(
        len(table),
        len(table.study_names),
        float((weights @ error**2) ** 0.5),
        float((weights @ table.human**2) ** 0.5),
        float((np.sign(table.human) == np.sign(table.twin)).mean()),
        tuple(map(float, error[order])),
        tuple(map(float, weights[order])),
    )

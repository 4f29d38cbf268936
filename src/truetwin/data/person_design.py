"""Columns of the people table that say how the people of a panel were sampled, by person, and the checks on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truetwin.data.panel import Panel
from truetwin.data.people import no_such_column, shown
from truetwin.data.people_columns import PeopleColumns, names_among, replicate_columns
from truetwin.data.weight_range import RANGE, beyond_range
from truetwin.errors import DataError

Array = NDArray[np.float64]
#: Column of the people table, or one weight for each respondent of a panel.
PersonWeights = str | Sequence[float] | Array


@dataclass(frozen=True, eq=False)
class PersonDesign:
    """Sampling design of the people of a panel: one row a respondent of the panel, in its order.

    Attributes
    ----------
    weights : ndarray of shape (n,) or None
        Survey weights, >= 0; 0 for respondents without one (nobody who has answered lacks one). None if all
        people count alike.
    strata, clusters : ndarray of int of shape (n,) or None
        Number of each person's stratum and cluster, -1 where unknown (nobody who has answered lacks one). A cluster is
        within its stratum: the same name in two strata stands for two clusters.
    replicates : ndarray of shape (n, R) or None
        Replicate weights.
    """

    weights: Array | None = None
    strata: NDArray[np.intp] | None = None
    clusters: NDArray[np.intp] | None = None
    replicates: Array | None = None


def person_design(
    panel: Panel,
    *,
    weights: PersonWeights | None = None,
    strata: str | None = None,
    clusters: str | None = None,
    replicate_weights: str | None = None,
) -> PersonDesign:
    """Read from the people table of a panel how its people were sampled.

    Parameters
    ----------
    panel : Panel
        Answers with a people table.
    weights : str or array of shape (n,), optional
        Column of the people table, or one weight for each respondent of the panel, in its order.
    strata, clusters : str, optional
        Columns of the people table.
    replicate_weights : str, optional
        Prefix of the columns of replicate weights, such as ``repwgt`` for ``repwgt1``, ``repwgt2`` ...

    Raises
    ------
    DataError
        If a weight is negative, infinite, extremely small or large, no number, or missing for somebody who has
        answered; if all weights are 0; if somebody who has answered has no stratum or no cluster; if a stratum has one
        cluster (or, without clusters, one person); if a column is an item too.
    UnknownNameError
        If there is no such column.

    Examples
    --------
    >>> import pyarrow as pa
    >>> human = pa.table({"id": ["a", "b"], "Q1": [1, 2], "w": [0.5, 1.5]})
    >>> panel = Panel.from_frames(human, human.drop_columns(["w"]), people_columns=["w"])
    >>> person_design(panel, weights="w").weights
    array([0.5, 1.5])
    """
    replicates = None
    if replicate_weights is not None:
        known = () if panel.people is None else tuple(panel.people.columns)
        names = replicate_columns(replicate_weights, known)
        if not names:
            raise no_such_column(
                f"{replicate_weights}1", known, "the panel" if panel.people is None else panel.people.source
            )
        replicates = np.column_stack([person_weights(panel, name) for name in names])
    stratum = None if strata is None else _units(panel, strata, "stratum")
    cluster = None if clusters is None else _units(panel, clusters, "cluster")
    if stratum is not None:
        if cluster is not None:
            pairs = np.where(cluster < 0, -1, stratum * (cluster.max() + 1) + cluster)
            cluster = _numbered(pairs)
        _refuse_lonely_strata(panel, str(strata), stratum, cluster)
    elif cluster is not None and np.unique(cluster[answering(panel)]).size < 2:
        raise DataError(f"there must be at least two clusters; column {clusters!r} has one only")
    weight = None if weights is None else person_weights(panel, weights)
    return PersonDesign(weight, stratum, cluster, replicates)


def check_design(panel: Panel, columns: PeopleColumns) -> None:
    """Check weights, strata, clusters and groups before anything is computed. Raises the first error found."""
    person_design(
        panel,
        weights=columns.weights,
        strata=columns.strata,
        clusters=columns.clusters,
        replicate_weights=columns.replicate_weights,
    )
    if panel.people is not None:
        for name in names_among(columns.by, tuple(panel.people.columns)):
            person_group(panel, name)


def person_weights(panel: Panel, weights: PersonWeights) -> Array:
    """Read one weight for each respondent, (n,); 0 for those who have answered nothing and have none.

    ``weights`` is a column of the people table, or an array in the order of the panel's respondents. Raises the errors
    of :func:`person_design`.
    """
    if isinstance(weights, str):
        _refuse_item(panel, weights, "weights")
        values, where = panel.person_numbers(weights), f"column {weights!r} of weights"
    else:
        values, where = np.array(weights, dtype=np.float64), "the array of weights"
        n = len(panel.respondent_ids)
        if values.shape != (n,):
            raise DataError(
                f"{where} must have one weight for each of {n} respondents of the panel; its shape is {values.shape}"
            )
    for wrong, must in (
        (np.isinf(values), "be finite"),
        (values < 0, "not be negative"),
        (beyond_range(values), RANGE),
    ):
        if wrong.any():
            k = int(np.argmax(wrong))
            raise DataError(
                f"{where} must {must}; respondent {panel.respondent_ids[k]!r} has {values[k]:g}"
                + (f" ({int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else "")
                + ". Correct it; a weight of 0 leaves a person out."
            )
    here = answering(panel)
    lacking = np.isnan(values) & here
    if lacking.any():
        first = panel.respondent_ids[int(np.argmax(lacking))]
        raise DataError(
            f"{where} must have a weight for everybody who has answered; {int(lacking.sum())} of {int(here.sum())} "
            f"have none, such as respondent {first!r}. Fill them in; a weight of 0 leaves a person out."
        )
    found = np.where(np.isnan(values), 0.0, values)
    if not (found[here] > 0).any():
        raise DataError(f"{where} must be positive for somebody who has answered; all are 0")
    return found


def person_group(panel: Panel, column: str) -> NDArray[np.object_]:
    """Read the group of each respondent, (n,); None where missing.

    Raises
    ------
    DataError
        If a group has one person only, or nobody who has answered has a group.
    UnknownNameError
        If there is no such column.
    """
    groups = panel.person_groups(column)
    sizes = Counter(g for g in groups.tolist() if g is not None)
    lonely = [group for group, count in sizes.items() if count == 1]
    if lonely:
        more = f" ({len(lonely) - 1} more such groups)" if len(lonely) > 1 else ""
        raise DataError(
            f"a group must have more than one person; group {shown(lonely[0])} of column {column!r} has one{more}. "
            "Merge it with another group, or leave its cell empty."
        )
    if not sizes:
        raise DataError(f"column {column!r} must name the group of at least two people; it is empty")
    return groups


def answering(panel: Panel) -> NDArray[np.bool_]:
    """Tell which respondents have answered at least one item themselves, (n,)."""
    return np.asarray(np.isfinite(panel.human_values).any(axis=1))


def _units(panel: Panel, column: str, what: str) -> NDArray[np.intp]:
    """Number the strata or clusters; -1 where missing."""
    _refuse_item(panel, column, f"{'strata' if what == 'stratum' else 'clusters'}")
    names = panel.person_groups(column)
    lacking = answering(panel)
    lacking[[name is not None for name in names]] = False
    if lacking.any():
        first = panel.respondent_ids[int(np.argmax(lacking))]
        raise DataError(
            f"column {column!r} must name a {what} for everybody who has answered; {int(lacking.sum())} of "
            f"{int(answering(panel).sum())} have none, such as respondent {first!r}"
        )
    positions: dict[str, int] = {}
    return np.array(
        [-1 if name is None else positions.setdefault(name, len(positions)) for name in names], dtype=np.intp
    )


def _numbered(values: NDArray[np.intp]) -> NDArray[np.intp]:
    """Replace numbers by 0, 1, 2 ...; -1 stays."""
    found = np.full(values.shape, -1, dtype=np.intp)
    known = values >= 0
    found[known] = np.unique(values[known], return_inverse=True)[1]
    return found


def _refuse_lonely_strata(
    panel: Panel, column: str, stratum: NDArray[np.intp], cluster: NDArray[np.intp] | None
) -> None:
    """Refuse a stratum whose answers come from one cluster or person: its variance cannot be estimated."""
    here = answering(panel)
    units = np.arange(here.size) if cluster is None else cluster
    pairs = np.unique(np.column_stack([stratum[here], units[here]]), axis=0)
    numbers, counts = np.unique(pairs[:, 0], return_counts=True)
    lonely = numbers[counts < 2]
    if lonely.size:
        name = panel.person_groups(column)[int(np.argmax(stratum == lonely[0]))]
        unit = "person" if cluster is None else "cluster"
        raise DataError(
            f"a stratum must have at least two {'people' if unit == 'person' else 'clusters'} who have answered; "
            f"stratum {shown(name)} of column {column!r} has one {unit} only"
            + (f" ({lonely.size - 1} more such strata)" if lonely.size > 1 else "")
            + ". Merge it with a similar stratum."
        )


def _refuse_item(panel: Panel, column: str, role: str) -> None:
    if column in panel.item_ids:
        raise DataError(
            f"the column of {role} must be no item; {column!r} is an item of the panel. Leave it out of the table of "
            "answers, or rename one of the two."
        )

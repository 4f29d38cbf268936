"""Clusters of targets: what a protocol hides together, or what belongs together in the questionnaire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from truetwin.calibration.design import Fold
from truetwin.calibration.orientation import axis_ids
from truetwin.data import Panel
from truetwin.instrument.battery_evidence import resolve_blocks

#: Folds of several batteries are clusters if there are at least so many.
FEWEST_FOLDS = 6


@dataclass(frozen=True)
class Clusters:
    """Cluster of each target, by the target's position in the panel.

    Attributes
    ----------
    of : dict of int to str
        Name of the cluster.
    unit : str
        What a cluster is: "battery", "item", "respondent" or, for protocols of other packages, "fold".
    """

    of: Mapping[int, str]
    unit: str


def clusters_of(panel: Panel, folds: Sequence[Fold], blocks: Mapping[str, str] | None) -> Clusters:
    """Decide what standard errors are clustered by.

    Targets that are hidden together are one cluster. Items that are hidden one by one are clustered by battery, as
    declared or as found in the ids and answers: what holds for one item of a battery tends to hold for the others.
    Items of a single battery are clusters of their own, because one cluster has no standard error. Where
    few folds hide several batteries each, such as two domains, batteries are the clusters.
    """
    axis = folds[0].axis
    ids = axis_ids(panel, axis)
    targets = [t for fold in folds for t in fold.targets]
    block = resolve_blocks(panel, blocks)[0] if axis == "item" else {}
    if any(len(fold.targets) > 1 for fold in folds):
        together = {t: ids[fold.targets[0]] for fold in folds for t in fold.targets}
        named = all(len({block.get(ids[t]) for t in fold.targets}) == 1 for fold in folds)
        if axis == "item" and (named or len(folds) < FEWEST_FOLDS < len({block[ids[t]] for t in targets})):
            return Clusters({t: block[ids[t]] for t in targets}, "battery")
        return Clusters(together, "fold")
    batteries = {t: block[ids[t]] for t in targets} if axis == "item" else {}
    if 1 < len(set(batteries.values())) < len(targets):
        return Clusters(batteries, "battery")
    return Clusters({t: ids[t] for t in targets}, axis)

"""Hiding protocols: what is hidden from a method when it is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from truetwin.calibration.base import donors
from truetwin.calibration.design import Fold
from truetwin.data import Axis, Panel
from truetwin.errors import NotPredictableError
from truetwin.instrument.batteries import check_blocks, infer_blocks
from truetwin.registry import Registry, must_be


@dataclass(frozen=True)
class Protocol:
    """Hiding protocol: a way to split a panel into folds.

    Attributes
    ----------
    name : str
        Name on the command line.
    axis : {"item", "respondent"}
        Axis of the targets.
    summary : str
        The question that it answers.
    folds : callable
        Function that makes the folds from a panel and its blocks.
    """

    name: str
    axis: Axis
    summary: str
    folds: Callable[[Panel, Mapping[str, str] | None], list[Fold]]


protocols: Registry[Protocol] = Registry(
    "protocol", hint="Known: {names}.", entry_point_group="truetwin.protocols", check=must_be(Protocol)
)


def _answered(panel: Panel, axis: Axis) -> list[int]:
    along = 0 if axis == "item" else 1
    found = np.flatnonzero(np.isfinite(panel.human_values).any(axis=along))
    if found.size < 2:
        raise NotPredictableError(
            f"leaving one {axis} out needs at least two {axis}s with human answers; there is {found.size or 'none'}"
        )
    return [int(k) for k in found]


def _one_out(axis: Axis) -> Callable[[Panel, Mapping[str, str] | None], list[Fold]]:
    def folds(panel: Panel, blocks: Mapping[str, str] | None) -> list[Fold]:
        everything = donors(panel, axis, set())
        return [Fold(axis, (k,), tuple(d for d in everything if d != k)) for k in _answered(panel, axis)]

    return folds


def _block_out(panel: Panel, blocks: Mapping[str, str] | None) -> list[Fold]:
    answered = _answered(panel, "item")
    ids = [panel.item_ids[k] for k in answered]
    block_of = check_blocks(infer_blocks(ids) if blocks is None else blocks, ids)
    members: dict[str, list[int]] = {}
    for k, item in zip(answered, ids, strict=True):
        members.setdefault(block_of[item], []).append(k)
    everything = donors(panel, "item", set())
    return [Fold("item", tuple(m), tuple(d for d in everything if d not in set(m))) for m in members.values()]


for _protocol in (
    Protocol(
        "leave-one-item-out",
        "item",
        "a new item whose battery may be known: its siblings stay (paper A)",
        _one_out("item"),
    ),
    Protocol(
        "leave-one-respondent-out",
        "respondent",
        "a new respondent who has answered nothing (paper A, section 6)",
        _one_out("respondent"),
    ),
    Protocol(
        "leave-block-out",
        "item",
        "a genuinely new battery: no human answer to any of its items",
        _block_out,
    ),
):
    protocols.add(_protocol.name, _protocol)

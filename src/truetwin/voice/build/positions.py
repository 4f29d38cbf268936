"""Where the true reply stands among the options: each place equally often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from truetwin.voice.items import N_OPTIONS, Option


def balanced_places(n: int, *, seed: int) -> list[int]:
    """A place 0..3 for the true reply of each of n items; counts differ by at most one.

    Examples
    --------
    >>> sorted(balanced_places(4, seed=1))
    [0, 1, 2, 3]
    """
    rng = np.random.default_rng([seed, 4])
    return [int(k) for k in rng.permutation(np.arange(n) % N_OPTIONS)]


def arranged(
    true: Option, distractors: Sequence[Option], place: int, *, seed: int
) -> tuple[tuple[Option, ...], str]:
    """Options with the true one at ``place`` and the others in a drawn order, with ids by place; and the true id."""
    order = [distractors[k] for k in np.random.default_rng(seed).permutation(len(distractors))]
    order.insert(place, true)
    options = tuple(Option(f"o{k}", option.text, option.source) for k, option in enumerate(order, 1))
    return options, f"o{place + 1}"

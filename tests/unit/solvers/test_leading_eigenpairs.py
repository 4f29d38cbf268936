"""The leading part of a spectrum, also where eigenvalues are equal."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.solvers import leading_eigenpairs as module
from truetwin.solvers.leading_eigenpairs import leading_eigenpairs


@pytest.mark.parametrize("finds", ["all", "some"])
def test_as_many_are_found_as_were_asked_for(finds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if finds == "some":  # as LAPACK does at times where eigenvalues are equal

        def fewer(matrix, subset_by_index):  # type: ignore[no-untyped-def]
            values, vectors = np.linalg.eigh(matrix)
            return values[-2:], vectors[:, -2:]

        monkeypatch.setattr(module, "eigh", fewer)
    matrix = np.full((20, 20), 0.1) + 0.9 * np.eye(20)
    values, vectors = leading_eigenpairs(matrix, 4)
    assert values == pytest.approx([2.9, 0.9, 0.9, 0.9])
    assert np.abs(vectors.T @ vectors - np.eye(4)).max() < 1e-10
    assert np.abs(matrix @ vectors - vectors * values).max() < 1e-10

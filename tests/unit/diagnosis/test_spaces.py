"""Spectra, alignment and bounds on generated answers whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from truetwin.datasets import generate_population
from truetwin.diagnosis.alignment import alignment, directions
from truetwin.diagnosis.bounds import error_bound, item_bounds, moment_distance, share_bounds
from truetwin.diagnosis.spectrum import spectrum, validation_errors
from truetwin.diagnosis.standardised_panel import completed, correlations, demeaned, prepare, standardised
from truetwin.errors import AlignmentError, DataError, ParameterError


def low_rank(n: int, m: int, rank: int, noise: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, m)) + noise * rng.standard_normal((n, m))
    return X - X.mean(axis=0)


@pytest.mark.parametrize("rank", [1, 3, 5])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_the_effective_rank_is_recovered(rank: int, missing: float) -> None:
    X = low_rank(300, 40, rank, 0.5)
    X[np.random.default_rng(1).random(X.shape) < missing] = np.nan
    assert spectrum(X).effective_rank == rank


def test_noise_has_no_rank() -> None:
    found = spectrum(np.random.default_rng(0).standard_normal((200, 20)))
    assert found.effective_rank == 0
    assert found.cumulative_variance[-1] == pytest.approx(1.0)
    assert (np.diff(found.cumulative_variance) >= 0).all()


def test_constant_answers_have_no_rank() -> None:
    assert spectrum(np.zeros((30, 5))).effective_rank == 0


def test_a_rank_below_one_is_refused() -> None:
    with pytest.raises(ParameterError, match="max_rank"):
        validation_errors(np.zeros((30, 5)), max_rank=0)


@pytest.mark.parametrize("shape", [(60, 10), (10, 60)])
@pytest.mark.parametrize("space", ["row", "column"])
def test_directions_are_the_leading_singular_vectors(shape: tuple[int, int], space: str) -> None:
    X = np.random.default_rng(0).standard_normal(shape)
    left, _, right = np.linalg.svd(X, full_matrices=False)
    expected = right[:3].T if space == "row" else left[:, :3]
    actual = directions(X, 3, space)  # type: ignore[arg-type]
    assert np.allclose(np.abs(np.sum(expected * actual, axis=0)), 1.0)
    assert np.allclose(actual.T @ actual, np.eye(3))


def test_distances_are_those_of_the_projections() -> None:
    X, Y = low_rank(80, 12, 3, 0.5, 1), low_rank(80, 12, 3, 0.5, 2)
    found = alignment(X, Y, 4)
    for k in range(1, 5):
        P, Q = (V @ V.T for V in (directions(X, k, "row"), directions(Y, k, "row")))
        assert found.distances["twin"][k - 1] == pytest.approx(np.linalg.norm(P - Q) / k**0.5)


def test_baselines_are_seeded_and_far() -> None:
    X = low_rank(200, 30, 3, 0.5)
    first, again, other = (alignment(X, X, 3, random_state=s) for s in (0, 0, 1))
    assert np.array_equal(first.distances["gaussian"], again.distances["gaussian"])
    assert not np.array_equal(first.distances["gaussian"], other.distances["gaussian"])
    for baseline in ("gaussian", "shuffled"):
        assert (first.distances[baseline] > 1.0).all()
        assert (first.distance_errors[baseline] > 0).all()
    assert np.allclose(first.distances["twin"], 0.0, atol=1e-6)


@pytest.mark.parametrize("space", ["row", "column"])
def test_misalignment_moves_the_spaces_apart(space: str) -> None:
    distance = []
    for share in (0.0, 0.5, 1.0):
        other = {"misalignment": share} if space == "row" else {"person_fidelity": 1 - share}
        panel = generate_population(400, 40, n_new_items=0, missing=0.1, random_state=4, **other).panel
        human, twin = (demeaned(completed(v)) for v in prepare(panel).pair())
        distance.append(alignment(human, twin, 4, space).distances["twin"][-1])  # type: ignore[arg-type]
    assert distance[0] < distance[1] < distance[2]


def test_correlations_of_answers_with_gaps_are_semi_definite() -> None:
    X = low_rank(60, 15, 2, 1.0)
    X[np.random.default_rng(1).random(X.shape) < 0.5] = np.nan
    X[:, 3] = 2.0
    K = correlations(standardised(X))
    assert np.linalg.eigvalsh(K)[0] > -1e-9
    assert np.allclose(np.diagonal(K), 1.0)
    assert np.allclose(np.delete(K[3], 3), 0.0, atol=1e-9)


@pytest.mark.parametrize("misalignment", [0.0, 0.7])
@pytest.mark.parametrize("alpha", [1.0, 50.0])
def test_the_bound_of_theorem_4_1_holds(misalignment: float, alpha: float) -> None:
    """Two hundred twins of twenty thousand, who stand for expectations."""
    people = generate_population(
        20_000, 10, n_new_items=0, missing=0.0, misalignment=misalignment, random_state=5
    ).panel
    human, twin = standardised(people.human_values), standardised(people.twin_values)
    n = 200
    expected = twin[:, :-1].T @ twin / len(twin)
    few = twin[:n]
    gap = few[:, :-1].T @ few / n - expected
    found = error_bound(
        human[:, :-1], few[:, :-1], few[:, -1], human[:, -1],
        moment_error=float(np.linalg.norm(gap[:, :-1], 2)), target_error=float(np.linalg.norm(gap[:, -1])),
        alpha=alpha,
    )  # fmt: skip
    assert found.bound is not None
    assert found.error is not None
    assert found.residual is not None
    assert found.mismatch is not None
    assert found.mismatch_found is not None
    assert found.error <= found.bound
    assert found.mismatch_found <= found.mismatch
    assert found.error <= found.residual + found.mismatch_found + 1e-9


def test_misaligned_twins_have_a_larger_mismatch() -> None:
    mismatch = []
    for share in (0.0, 0.9):
        panel = generate_population(400, 20, n_new_items=2, misalignment=share, random_state=6).panel
        rows = item_bounds(prepare(panel))
        assert [r["answered"] for r in rows] == [True] * 18 + [False] * 2
        assert rows[-1]["bound"] is None
        mismatch.append(np.mean([r["mismatch_found"] for r in rows[:18]]))
    assert mismatch[0] < mismatch[1]


def test_moments_of_equal_sources_do_not_differ() -> None:
    panel = generate_population(200, 10, n_new_items=0, missing=0.0).panel
    same = type(panel)(panel.human, panel.human)
    assert moment_distance(prepare(same))["difference"] == pytest.approx(0.0, abs=1e-9)


def test_a_copied_item_depends_on_one_donor_alone() -> None:
    panel = generate_population(300, 8, n_new_items=1, missing=0.0).panel
    values = panel.twin.values.copy()
    values[:, 7] = values[:, 2]
    copied = type(panel)(panel.human, type(panel.twin)(values, panel.twin.respondent_ids, panel.twin.items))
    row = share_bounds(prepare(copied))[7]
    assert row["inflation"] == pytest.approx(7.0, rel=1e-4)
    assert row["distance"] == pytest.approx(0.0, abs=1e-4)


def test_too_little_in_common_is_refused() -> None:
    panel = generate_population(30, 5, n_new_items=4).panel
    with pytest.raises(DataError, match="at least two items"):
        prepare(panel)
    empty = type(panel.human)(np.full((30, 1), np.nan), panel.human.respondent_ids, panel.human.items)
    with pytest.raises(AlignmentError, match="there is none"):
        prepare(type(panel)(empty, panel.twin))

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from truetwin.errors import DataError, ParameterError
from truetwin.solvers import neural_net
from truetwin.solvers.neural_net import NetworkOptions, train_networks


def problems(m=5, n=200, p=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, n, p))
    return X, np.maximum(X[:, :, 0], 0) - X[:, :, 1] + 0.1 * rng.normal(size=(m, n))


QUICK = NetworkOptions(hidden=(6, 5), epochs=30, batch_size=32, weight_decay=0.01)


def textbook(X, y, o):
    """One problem in plain numpy double precision, written layer by layer."""
    rng = np.random.default_rng(o.seed)
    sizes = [X.shape[1], *o.hidden, 1]
    theta = []
    for a, b in pairwise(sizes):
        draw = rng.uniform(-1 / np.sqrt(a), 1 / np.sqrt(a), a * b + b).astype(np.float32).astype(float)
        theta += [draw[: a * b].reshape(a, b), draw[a * b :]]
    first, second = [np.zeros_like(t) for t in theta], [np.zeros_like(t) for t in theta]
    step, best, kept = 0, np.inf, None
    for _ in range(o.epochs):
        order, total = rng.permutation(len(y)), 0.0
        for at in range(0, len(y), o.batch_size):
            rows = order[at : at + o.batch_size]
            layers = [X[rows]]
            for k in range(0, len(theta), 2):
                z = layers[-1] @ theta[k] + theta[k + 1]
                layers.append(np.maximum(z, 0) if k + 2 < len(theta) else z)
            error = layers[-1][:, 0] - y[rows]
            total += np.sum(error**2)
            slope = 2 * error[:, None] / len(rows)
            gradient = [None] * len(theta)
            for k in range(len(theta) - 2, -1, -2):
                gradient[k], gradient[k + 1] = layers[k // 2].T @ slope, slope.sum(axis=0)
                slope = (slope @ theta[k].T) * (layers[k // 2] > 0)
            step += 1
            for k, g in enumerate(gradient):
                g = g + o.weight_decay * theta[k]
                first[k] = 0.9 * first[k] + 0.1 * g
                second[k] = 0.999 * second[k] + 0.001 * g**2
                rate = o.learning_rate / (1 - 0.9**step)
                theta[k] = theta[k] - rate * first[k] / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
        if total / len(y) < best:
            best, kept = total / len(y), [t.copy() for t in theta]
    return best, kept


@pytest.mark.parametrize("hidden", [(6,), (6, 5)])
def test_training_equals_a_textbook_implementation(hidden):
    X, y = problems(1)
    options = NetworkOptions(hidden=hidden, epochs=10, batch_size=32, weight_decay=0.05)
    nets = train_networks(X, y, options)
    loss, theta = textbook(X[0], y[0], options)
    assert nets.losses[0] == pytest.approx(loss, rel=1e-4)
    for k, (W, b) in enumerate(zip(nets.weights, nets.biases, strict=True)):
        np.testing.assert_allclose(W[0], theta[2 * k], atol=1e-3)
        np.testing.assert_allclose(b[0, 0], theta[2 * k + 1], atol=1e-3)


def test_result_does_not_depend_on_the_company(monkeypatch):
    X, y = problems()
    options = NetworkOptions(hidden=(6,), epochs=200, patience=1, batch_size=8, learning_rate=0.02)
    together = train_networks(X, y, options)
    assert len(set(together.epochs)) > 1  # some stop early, so that the active set shrinks
    monkeypatch.setattr(neural_net, "_SIDE_BY_SIDE", 2)
    for i in range(len(X)):
        alone = train_networks(X[i : i + 1], y[i : i + 1], options)
        np.testing.assert_array_equal(alone.weights[0][0], together.weights[0][i])
        assert alone.losses[0] == together.losses[i]
    np.testing.assert_array_equal(train_networks(X, y, options).losses, together.losses)


def test_kept_weights_are_those_of_the_lowest_loss_and_predict_it():
    X, y = problems()
    nets = train_networks(X, y, NetworkOptions(hidden=(16,), weight_decay=0.0, epochs=150, batch_size=16))
    errors = np.mean((nets.predict(X) - y) ** 2, axis=1)
    assert (errors < 0.1).all()
    np.testing.assert_allclose(errors, nets.losses, rtol=0.3)


def test_prediction_accepts_shared_inputs():
    X, y = problems()
    nets = train_networks(X, y, QUICK)
    assert nets.predict(X).shape == (5, 200)
    np.testing.assert_allclose(nets.predict(X[2])[2], nets.predict(X)[2], atol=1e-6)


def test_patience_stops_training():
    X, y = problems(2)
    nets = train_networks(X, y, NetworkOptions(epochs=500, patience=3, batch_size=200))
    assert (nets.epochs <= 500).all()
    assert train_networks(X, y, NetworkOptions(epochs=2)).epochs.tolist() == [2, 2]


def test_a_constant_target_is_learned_and_left_alone():
    X, y = problems(2)
    y[0] = 0.0
    nets = train_networks(X, y, NetworkOptions(weight_decay=0.1, epochs=1000, patience=1000))
    assert nets.epochs[0] < 1000
    np.testing.assert_allclose(nets.predict(X)[0], 0.0, atol=1e-5)


def test_one_row_and_one_column():
    nets = train_networks(np.ones((1, 1, 1)), np.ones((1, 1)), QUICK)
    assert np.isfinite(nets.predict(np.ones((1, 1, 1)))).all()


def test_wrong_input_is_named():
    X, y = problems()
    with pytest.raises(DataError, match=r"\(m, n, p\)"):
        train_networks(X[0], y)
    with pytest.raises(DataError, match="impute"):
        train_networks(X * np.nan, y)
    with pytest.raises(ParameterError, match="hidden"):
        NetworkOptions(hidden=())
    with pytest.raises(ParameterError, match="patience"):
        NetworkOptions(patience=0)
    with pytest.raises(ParameterError, match="learning_rate"):
        NetworkOptions(learning_rate=0.0)

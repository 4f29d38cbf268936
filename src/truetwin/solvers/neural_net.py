r"""Train small ReLU networks for many regression problems side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from truetwin.errors import DataError, ParameterError

Float32 = npt.NDArray[np.float32]

#  Problems trained side by side; their batches then stay in the processor's cache. Results do not depend on
# it.
_SIDE_BY_SIDE = 16
#: A loss below this, per 1 + mean square of the target, is zero in float32. A constant target gets there, and going on
#: would shrink its parameters to denormal numbers, on which arithmetic is a hundred times slower.
_ZERO_LOSS = float(np.finfo(np.float32).eps) ** 2
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8  # Adam's usual constants


@dataclass(frozen=True)
class NetworkOptions:
    """Settings of the networks and their training; the defaults are paper A's (appendix A.4).

    Parameters
    ----------
    hidden : tuple of int, default=(8,)
        Units per hidden ReLU layer.
    weight_decay : float, default=0.05
        Added, times the parameters, to the gradient before Adam (classic Adam's L2, not AdamW); biases
        included.
    learning_rate : float, default=1e-3
        Step size of Adam.
    batch_size : int, default=128
        Rows in one batch.
    epochs : int, default=200
        Most passes over the data.
    patience : int, default=20
        Epochs without a lower training loss after which a problem stops. It also stops at a loss of zero.
    seed : int, default=42
        Seeds the initial weights and the order of the batches, which all problems share.
    """

    hidden: tuple[int, ...] = (8,)
    weight_decay: float = 0.05
    learning_rate: float = 1e-3
    batch_size: int = 128
    epochs: int = 200
    patience: int = 20
    seed: int = 42

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ParameterError(
                f"'hidden' must name at least one layer of at least 1 unit. Got {self.hidden!r}."
            )
        for name in ("batch_size", "epochs", "patience"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name!r} must be at least 1. Got {getattr(self, name)!r} instead.")
        if not self.learning_rate > 0 or not self.weight_decay >= 0:
            raise ParameterError("'learning_rate' must be > 0 and 'weight_decay' >= 0.")


@dataclass(frozen=True)
class Networks:
    """Trained networks, one per problem.

    Attributes
    ----------
    weights : list of float32 ndarray of shape (m, fan_in, fan_out)
        Weights of each layer.
    biases : list of float32 ndarray of shape (m, 1, fan_out)
        Biases of each layer.
    losses : ndarray of shape (m,)
        Lowest training loss (mean squared error over an epoch), at which the weights were kept.
    epochs : int ndarray of shape (m,)
        Epochs trained.
    """

    weights: list[Float32]
    biases: list[Float32]
    losses: npt.NDArray[np.float64]
    epochs: npt.NDArray[np.int64]

    def only(self, k: int) -> Networks:
        """Select the k-th network."""
        part = slice(k, k + 1)
        weights, biases = ([v[part] for v in layers] for layers in (self.weights, self.biases))
        return Networks(weights, biases, self.losses[part], self.epochs[part])

    def predict(self, X: npt.NDArray[np.floating]) -> Float32:
        """Compute outputs of shape (m, n) for inputs of shape (m, n, p), or (n, p) shared by all problems."""
        current = np.asarray(X, dtype=np.float32)
        last = len(self.weights) - 1
        for layer, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            current = np.matmul(current, W) + b
            if layer < last:
                np.maximum(current, 0.0, out=current)
        return current[..., 0]


def train_networks(
    X: npt.NDArray[np.floating], y: npt.NDArray[np.floating], options: NetworkOptions | None = None
) -> Networks:
    r"""Train one network per problem; all start equal and see their rows in the same order.

    Minimises, per problem, :math:`\frac1n \sum_i (f_\theta(x_i) - y_i)^2` by Adam in float32, in shuffled
    batches, keeping the parameters of the epoch with the lowest training loss. Source: paper A, appendix
    A.2 and A.4. Initial parameters are uniform in :math:`\pm 1/\sqrt{\text{fan-in}}`, drawn by numpy, so
    that results do not depend on a deep-learning library. All problems must have the same ``n`` and ``p``.
    A problem's result does not depend on which others are trained beside it: arithmetic never mixes
    problems.

    Parameters
    ----------
    X : ndarray of shape (m, n, p)
        Donors of m problems, complete. Copied to float32, a few problems at a time.
    y : ndarray of shape (m, n)
        Targets.
    options : NetworkOptions, optional
        Layers and training; by default as in paper A.

    Returns
    -------
    Networks

    Raises
    ------
    DataError
        If shapes disagree or values are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 64).reshape(1, 64, 1)
    >>> nets = train_networks(X, 2 * X[:, :, 0], NetworkOptions(weight_decay=0.0, batch_size=8))
    >>> bool(nets.losses[0] < 0.01)
    True
    """
    options = options or NetworkOptions()
    if np.ndim(X) != 3 or X.size == 0 or np.shape(y) != X.shape[:2]:
        raise DataError(f"X must be (m, n, p) and y (m, n). Got {np.shape(X)} and {np.shape(y)}.")
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise DataError("X and y must be finite; impute missing entries first.")
    parts = [
        _Trainer(X[i : i + _SIDE_BY_SIDE], y[i : i + _SIDE_BY_SIDE], options).run()
        for i in range(0, len(X), _SIDE_BY_SIDE)
    ]
    n_layers = len(options.hidden) + 1
    return Networks(
        [np.concatenate([part.weights[k] for part in parts]) for k in range(n_layers)],
        [np.concatenate([part.biases[k] for part in parts]) for k in range(n_layers)],
        np.concatenate([part.losses for part in parts]),
        np.concatenate([part.epochs for part in parts]),
    )


class _Trainer:
    """Adam on a few problems; the parameters of one problem are one row of ``theta``, and layers are views of it."""

    def __init__(
        self, X: npt.NDArray[np.floating], y: npt.NDArray[np.floating], options: NetworkOptions
    ) -> None:
        self.options = options
        # One row of all problems is one piece of memory, from which batches are gathered faster.
        self.X = np.ascontiguousarray(np.swapaxes(X, 0, 1), dtype=np.float32)
        self.y = np.ascontiguousarray(y, dtype=np.float32)
        self.n, m, p = self.X.shape
        self.sizes = (p, *options.hidden, 1)
        self.rng = np.random.default_rng(options.seed)
        first = []
        for fan_in, fan_out in pairwise(self.sizes):
            bound = 1.0 / np.sqrt(fan_in)
            first.append(self.rng.uniform(-bound, bound, fan_in * fan_out + fan_out))
        self.theta = np.tile(np.concatenate(first).astype(np.float32), (m, 1))
        self.mean, self.square = np.zeros_like(self.theta), np.zeros_like(self.theta)
        self.scratch = np.zeros_like(self.theta)
        self.gradient = np.zeros_like(self.theta)
        self.step = 0

    def _layers(self, flat: Float32) -> tuple[list[Float32], list[Float32]]:
        weights, biases, at = [], [], 0
        for fan_in, fan_out in pairwise(self.sizes):
            weights.append(flat[:, at : at + fan_in * fan_out].reshape(-1, fan_in, fan_out))
            at += fan_in * fan_out
            biases.append(flat[:, at : at + fan_out].reshape(-1, 1, fan_out))
            at += fan_out
        return weights, biases

    def run(self) -> Networks:
        m = len(self.y)
        best_theta, best = self.theta.copy(), np.full(m, np.inf)
        waited, epochs = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
        negligible = _ZERO_LOSS * (1.0 + np.square(self.y, dtype=np.float64).mean(axis=1))
        active = np.arange(m)
        for _ in range(self.options.epochs):
            loss = self._epoch()
            epochs[active] += 1
            better = loss < best[active]
            best[active[better]] = loss[better]
            best_theta[active[better]] = self.theta[better]
            waited[active] = np.where(better, 0, waited[active] + 1)
            going = (waited[active] < self.options.patience) & (loss > negligible[active])
            if not going.all():
                active = active[going]
                if not len(active):
                    break
                self._keep(going)
        weights, biases = self._layers(best_theta)
        return Networks(weights, biases, best, epochs)

    def _keep(self, going: npt.NDArray[np.bool_]) -> None:
        self.X = np.ascontiguousarray(self.X[:, going])
        for name in ("y", "theta", "mean", "square", "scratch", "gradient"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[going]))

    def _batches(self) -> Iterator[npt.NDArray[np.int64]]:
        order = self.rng.permutation(self.n)
        for at in range(0, self.n, self.options.batch_size):
            yield order[at : at + self.options.batch_size]

    def _epoch(self) -> npt.NDArray[np.float64]:
        total = np.zeros(len(self.y))
        weights, biases = self._layers(self.theta)  # views: they follow the updates
        weight_slopes, bias_slopes = self._layers(self.gradient)
        last = len(weights) - 1
        ones = np.ones((1, self.options.batch_size), dtype=np.float32)
        for rows in self._batches():
            inputs = [np.take(self.X, rows, axis=0).swapaxes(0, 1)]
            for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
                out = np.matmul(inputs[-1], W)
                out += b
                if layer < last:
                    np.maximum(out, 0.0, out=out)
                inputs.append(out)
            residual = inputs.pop()
            residual[:, :, 0] -= np.take(self.y, rows, axis=1)
            total += np.einsum("mio,mio->m", residual, residual, dtype=np.float64)
            slope = residual
            slope *= np.float32(2.0 / len(rows))
            for layer in range(last, -1, -1):
                np.matmul(inputs[layer].transpose(0, 2, 1), slope, out=weight_slopes[layer])
                np.matmul(ones[:, : len(rows)], slope, out=bias_slopes[layer])  # a sum over rows, but faster
                if layer:
                    back = weights[layer].transpose(0, 2, 1)
                    slope = slope * back if layer == last else np.matmul(slope, back)
                    slope *= np.sign(inputs[layer])  # after ReLU: 1 where the unit is on, 0 where off
            self._adam()
        return np.asarray(total / self.n)

    def _adam(self) -> None:
        self.step += 1
        o = self.options
        g, s = self.gradient, self.scratch
        np.multiply(self.theta, np.float32(o.weight_decay), out=s)
        g += s
        self.mean *= np.float32(_BETA1)
        np.multiply(g, np.float32(1 - _BETA1), out=s)
        self.mean += s
        g *= g
        g *= np.float32(1 - _BETA2)
        self.square *= np.float32(_BETA2)
        self.square += g
        np.multiply(self.square, np.float32(1 / (1 - _BETA2**self.step)), out=s)
        np.sqrt(s, out=s)
        s += np.float32(_EPSILON)
        np.divide(self.mean, s, out=s)
        s *= np.float32(o.learning_rate / (1 - _BETA1**self.step))
        self.theta -= s

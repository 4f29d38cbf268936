r"""Laws of effects: what is known of the human effects of one study's contrasts, as a mixture of normal distributions.

In component c, with the probability :math:`p_c`, the effects :math:`\theta` of the C contrasts are

.. math:: \theta = m_c + L_c z + e, \qquad z \sim N(0, I), \quad e_i \sim N(0, D_{c,i}).

The columns of :math:`L_c` are what contrasts share: the slope of their study, and the control arm of a pilot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, ndtr, softmax

from truetwin.errors import DataError, ParameterError

Array = NDArray[np.float64]

#: Components that hold together less than this share of the probability are left out.
LEAST_SHARE = 1e-4
#: Steps by which quantiles are halved in on.
HALVINGS = 40
#: Most numbers that a block of quantiles holds at once.
BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class EffectLaw:
    """Joint distribution of the effects of C contrasts, in the human sd.

    Attributes
    ----------
    shares : ndarray of shape (K,)
        Probabilities of the components; they sum to 1.
    means : ndarray of shape (K, C)
    loadings : ndarray of shape (K, C, r)
        What contrasts share.
    spreads : ndarray of shape (K, C)
        Variances of what they do not share.
    """

    shares: Array
    means: Array
    loadings: Array
    spreads: Array

    @property
    def n_contrasts(self) -> int:
        """Number of contrasts."""
        return int(self.means.shape[1])

    @property
    def variances(self) -> Array:
        """Variances of single effects in each component, shape (K, C)."""
        return np.asarray((self.loadings**2).sum(axis=2) + self.spreads)

    def mean(self) -> Array:
        """Expected effects: the calibrated effects."""
        return np.asarray(self.shares @ self.means)

    def variance(self) -> Array:
        """Variances of the effects around their means."""
        return np.asarray(self.shares @ (self.variances + (self.means - self.mean()) ** 2))

    def covariance(self) -> Array:
        """Covariance matrix of the effects, shape (C, C)."""
        away = self.means - self.mean()
        root = np.sqrt(self.shares)[:, None, None] * self.loadings
        shared = np.einsum("kir,kjr->ij", root, root) + (away * self.shares[:, None]).T @ away
        return np.asarray(shared + np.diag(self.shares @ self.spreads))

    def quantiles(self, levels: ArrayLike, noise: ArrayLike | None = None) -> Array:
        """Quantiles of each effect.

        Parameters
        ----------
        levels : array-like of shape (q,)
            Between 0 and 1.
        noise : array-like of shape (C,), optional
            Variances to add: of human estimates, if these are to be compared with the quantiles.

        Returns
        -------
        ndarray of shape (q, C)
        """
        asked = np.atleast_1d(np.asarray(levels, dtype=np.float64))
        if ((asked <= 0) | (asked >= 1)).any():
            raise ParameterError(f"levels of quantiles must lie between 0 and 1; got {asked.tolist()}")
        sd = np.sqrt(self.variances + (0.0 if noise is None else np.asarray(noise, dtype=np.float64)))
        found = np.empty((len(asked), self.n_contrasts))
        step = max(1, BLOCK // (len(self.shares) * len(asked)))
        for start in range(0, self.n_contrasts, step):
            part = slice(start, start + step)
            found[:, part] = self._quantiles(asked, self.means[:, part], sd[:, part])
        return found

    def _quantiles(self, levels: Array, means: Array, sd: Array) -> Array:
        reach = 12.0 * sd.max(axis=0)
        low = np.broadcast_to(means.min(axis=0) - reach, (len(levels), means.shape[1])).copy()
        high = np.broadcast_to(means.max(axis=0) + reach, low.shape).copy()
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            below = np.einsum("k,kqc->qc", self.shares, ndtr((middle - means[:, None]) / sd[:, None]))
            under = below < levels[:, None]
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray(0.5 * (low + high))

    def positive(self) -> Array:
        """Probability that each effect is above 0."""
        return np.asarray(self.shares @ ndtr(self.means / np.sqrt(self.variances)))

    def log_density(self, effects: ArrayLike, noise: ArrayLike) -> float:
        """Joint log density of human estimates of the effects, with sampling variances ``noise``."""
        observed = np.asarray(effects, dtype=np.float64)
        posterior = _Observed.of(self, observed, np.asarray(noise, dtype=np.float64), None)
        return float(logsumexp(np.log(self.shares) + posterior.log_density))

    def draws(self, n: int, seed: int = 0) -> Array:
        """Draw ``n`` joint sets of effects, shape (n, C)."""
        random = np.random.default_rng(seed)
        component = random.choice(len(self.shares), size=n, p=self.shares)
        shared = random.standard_normal((n, self.loadings.shape[2]))
        alone = random.standard_normal((n, self.n_contrasts)) * np.sqrt(self.spreads[component])
        found = self.means[component] + np.einsum("ncr,nr->nc", self.loadings[component], shared) + alone
        return np.asarray(found)

    def updated(self, effects: ArrayLike, noise: ArrayLike, shared: ArrayLike | None = None) -> EffectLaw:
        """Combine the law with human effects of the same contrasts, each by its precision.

        Parameters
        ----------
        effects : array-like of shape (C,)
            Human effects of a pilot; NaN where there is none.
        noise : array-like of shape (C,)
            Their sampling variances, without what they share.
        shared : array-like of shape (C, q), optional
            Errors that pilot effects share: their covariance is ``diag(noise) + shared @ shared.T``. Contrasts with one
            control arm share its error.

        Returns
        -------
        EffectLaw
            The law of the effects given the pilot. Where contrasts of one study share a slope, the pilot of one also
            tells of the others.

        Examples
        --------
        >>> law = EffectLaw(np.ones(1), np.zeros((1, 1)), np.zeros((1, 1, 0)), np.full((1, 1), 0.1))
        >>> law.updated([0.4], [0.1]).mean().round(3), law.updated([0.4], [0.1]).variance().round(3)
        (array([0.2]), array([0.05]))
        """
        y, v = np.asarray(effects, dtype=np.float64), np.asarray(noise, dtype=np.float64)
        if y.shape != (self.n_contrasts,) or v.shape != y.shape:
            raise DataError(
                f"there must be one pilot effect and one variance a contrast; got {y.size} and {v.size}"
            )
        if (np.isfinite(y) & ~(v > 0)).any():
            raise DataError("the variance of a pilot effect must be above 0")
        return _Observed.of(self, y, v, None if shared is None else np.asarray(shared, dtype=np.float64)).law(
            self
        )


@dataclass(frozen=True, eq=False)
class _Observed:
    """Conditioning of components on noisy observations: y = m + F u + noise, with F = [L, shared] and u ~ N(0, I)."""

    log_density: Array
    gain: Array  # (K, C): share of the rest of an observation that is the effect's own
    rest: Array  # (K, C): observation minus mean; 0 where nothing was observed
    latent: Array  # (K, r): mean of u
    root: Array  # (K, r, r): root of its covariance
    noise_loadings: Array  # (K, C, q)

    @classmethod
    def of(cls, law: EffectLaw, y: Array, noise: Array, shared: Array | None) -> _Observed:
        seen = np.isfinite(y)
        rest = np.where(seen, np.where(seen, y, 0.0) - law.means, 0.0)
        total = law.spreads + np.where(seen, noise, 1.0)
        weight = np.where(seen, 1.0 / total, 0.0)
        q = np.zeros((len(y), 0)) if shared is None else shared
        among = np.broadcast_to(q, (len(law.shares), *q.shape))
        both = np.concatenate([law.loadings, among], axis=2)
        precision = np.eye(both.shape[2]) + np.einsum("kci,kc,kcj->kij", both, weight, both)
        covariance = np.linalg.inv(precision)
        pulled = np.einsum("kci,kc->ki", both, weight * rest)
        latent = np.einsum("kij,kj->ki", covariance, pulled)
        log_det = np.linalg.slogdet(precision)[1] + (np.log(total) * seen).sum(axis=1)
        distance = (weight * rest**2).sum(axis=1) - (pulled * latent).sum(axis=1)
        density = -0.5 * (log_det + distance + seen.sum() * np.log(2 * np.pi))
        return cls(density, weight * law.spreads, rest, latent, np.linalg.cholesky(covariance), among)

    def law(self, before: EffectLaw) -> EffectLaw:
        logs = np.log(before.shares) + self.log_density
        shares = softmax(logs)
        moved = np.concatenate(
            [(1 - self.gain)[..., None] * before.loadings, -self.gain[..., None] * self.noise_loadings],
            axis=2,
        )
        means = before.means + self.gain * self.rest + np.einsum("kci,ki->kc", moved, self.latent)
        loadings = np.einsum("kci,kij->kcj", moved, self.root)
        return mixture(shares, means, loadings, (1 - self.gain) * before.spreads)


def mixture(shares: Array, means: Array, loadings: Array, spreads: Array) -> EffectLaw:
    """Make a law of components, without the least likely ones, which hold a share of .0001 together."""
    order = np.argsort(shares)
    kept = np.sort(order[np.cumsum(shares[order]) > LEAST_SHARE * shares.sum()])
    chosen = shares[kept]
    return EffectLaw(chosen / chosen.sum(), means[kept], loadings[kept], spreads[kept])

"""Surrogate model: a Gaussian process fitted by scikit-optimize, which only this module imports."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import Kernel, StationaryKernelMixin
from skopt.learning import GaussianProcessRegressor

from sweepd_suggestion.domain.vectors import INACTIVE, Array, Coordinates

_ROOT_5 = float(np.sqrt(5.0))
_ANGLE = 0.5 * np.pi


class MixedMatern:
    """Matérn kernel with smoothness 5/2 over vectors in which INACTIVE marks an absent parameter.

    Different categories have distance 1, equal ones 0; absence is an additional category.
    The numbers of a conditional parameter lie on an arc, and its absence at the centre of the circle. So
    absence is equally far from every number; if the parameter has no influence, neither has its absence.

    Args:
        length_scale: length scale of each group of columns, shape (groups,).
        groups: for each column, the index of its length scale.
        categorical: for each column, whether it holds categories.
        conditional: for each column, whether it may be inactive.

    Sources: Rasmussen, Williams (2006), Gaussian Processes for Machine Learning, equation 4.17; Swersky,
        Duvenaud, Snoek, Hutter, Osborne (2014), "Raiders of the Lost Architecture: Kernels for Bayesian
        Optimization in Conditional Parameter Spaces", arXiv:1409.4011.
    """

    def __init__(
        self,
        length_scale: Array,
        groups: tuple[int, ...],
        categorical: tuple[bool, ...],
        conditional: tuple[bool, ...],
    ) -> None:
        self.length_scale = length_scale
        self.groups = groups
        self.categorical = categorical
        self.conditional = conditional
        self._kept_squares: tuple[Array, Array] | None = None

    def __call__(self, left: Array, right: Array | None = None) -> Array:
        """Return the covariance of each pair of vectors."""
        inverse = np.square(1.0 / self.length_scale)
        return _covariance(self._total(left, left if right is None else right, inverse))[0]

    def with_gradient(self, vectors: Array) -> tuple[Array, Array]:
        """Return the covariance of each pair, and its gradient with respect to the log length scales."""
        squares = self._squares(vectors) * np.square(1.0 / self.length_scale)
        covariance, slope = _covariance(squares.sum(axis=2))
        return covariance, squares * slope[:, :, np.newaxis]

    def _total(self, left: Array, right: Array, inverse: Array) -> Array:
        """Return the scaled squared distance between each pair of vectors, shape (left, right)."""
        plain = [i for i in range(len(self.groups)) if not self.categorical[i] and not self.conditional[i]]
        weights = inverse[list(self.groups)]
        total: Array = np.zeros((len(left), len(right)))
        if plain:
            root = np.sqrt(weights[plain])
            total += cdist(left[:, plain] * root, right[:, plain] * root, "sqeuclidean")
        for i in set(range(len(self.groups))) - set(plain):
            total += weights[i] * self._column_squares(left, right, i)
        return total

    def _squares(self, vectors: Array) -> Array:
        """Return the unscaled squared distance by group, shape (vectors, vectors, groups).

        The result is cached: a fit uses the same vectors with many length scales.
        """
        if self._kept_squares is None or self._kept_squares[0] is not vectors:
            squares = np.zeros((len(vectors), len(vectors), max(self.groups) + 1))
            for i, group in enumerate(self.groups):
                squares[:, :, group] += self._column_squares(vectors, vectors, i)
            self._kept_squares = vectors, squares
        return self._kept_squares[1]

    def _column_squares(self, left: Array, right: Array, i: int) -> Array:
        gaps = left[:, i, np.newaxis] - right[np.newaxis, :, i]
        if self.categorical[i]:
            squares: Array = np.where(gaps != 0.0, 1.0, 0.0)
        elif self.conditional[i]:
            # The squared chord of an arc of radius 1 / angle; for short gaps, it is about the squared gap.
            squares = 2.0 * (1.0 - np.cos(_ANGLE * gaps)) / _ANGLE**2
        else:
            return np.square(gaps)
        if self.conditional[i]:
            gone_left, gone_right = left[:, i, np.newaxis] == INACTIVE, right[np.newaxis, :, i] == INACTIVE
            apart = 1.0 if self.categorical[i] else _ANGLE**-2
            squares = np.where(gone_left | gone_right, np.where(gone_left & gone_right, 0.0, apart), squares)
        return squares


def _covariance(squares: Array) -> tuple[Array, Array]:
    """Return the covariance at squared distances, and -2 times its derivative with respect to them."""
    root = _ROOT_5 * np.sqrt(squares)
    decay = np.exp(-root)
    return (1.0 + root + root**2 / 3.0) * decay, (5.0 / 3.0) * (1.0 + root) * decay


class NoisyMatern(StationaryKernelMixin, Kernel):  # type: ignore[misc] # untyped library
    """Kernel of observations: a signal with the covariance of `matern`, plus noise.

    It equals a product and a sum of the library's kernels, but those look up their parameters by name in
    every step, which doubles the time of a fit.
    """

    def __init__(self, matern: MixedMatern, signal: float = 1.0, noise: float = 1e-2) -> None:
        self.matern = matern
        self.signal = signal
        self.noise = noise

    @property
    def theta(self) -> Array:
        """Logarithms of the signal, of each length scale and of the noise."""
        logarithms: Array = np.log(np.hstack([self.signal, self.matern.length_scale, self.noise]))
        return logarithms

    @theta.setter
    def theta(self, theta: Array) -> None:
        self.signal, *_, self.noise = np.exp(theta).tolist()
        self.matern.length_scale = np.exp(theta[1:-1])

    @property
    def bounds(self) -> Array:
        """Logarithms of the bounds on each parameter, shape (theta, 2)."""
        return np.log([_SIGNALS, *[_LENGTHS] * len(self.matern.length_scale), _NOISES])

    def __call__(
        self,
        X: Array,  # noqa: N803 (the library's names)
        Y: Array | None = None,  # noqa: N803
        eval_gradient: bool = False,
    ) -> Array | tuple[Array, Array]:
        """Return the covariance of each pair and, on request, its gradient with respect to `theta`."""
        if not eval_gradient:
            return self.covariance(X, Y)
        covariance, slopes = self.matern.with_gradient(X)
        covariance *= self.signal
        gradient = np.dstack([covariance, self.signal * slopes, self.noise * np.eye(len(X))])
        return self._noisy(covariance), gradient

    def covariance(self, left: Array, right: Array | None = None) -> Array:
        """Return the covariance of each pair of vectors; without `right`, the diagonal includes noise."""
        covariance = self.signal * self.matern(left, right)
        return self._noisy(covariance) if right is None else covariance

    def diag(self, X: Array) -> Array:  # noqa: N803
        """Return the variance of each observation."""
        return np.full(len(X), self.signal + self.noise)

    def _noisy(self, covariance: Array) -> Array:
        covariance[np.diag_indices_from(covariance)] += self.noise
        return covariance


_Objective = Callable[[Array], tuple[float, Array]]

_JITTER = 1e-8
_LENGTHS = (0.02, 50.0)
_NOISES = (1e-6, 0.5)
_SIGNALS = (0.05, 20.0)
_STEPS, _FEW_STEPS = 60, 15
_MAX_LENGTHS = 48
_MAX_FITTED = 100


class Surrogate:
    """Posterior of the objective on a standardised scale, given vectors with values."""

    def __init__(self, kernel: NoisyMatern, vectors: Array, values: Array) -> None:
        """Condition a kernel, including noise, on `vectors` (n, d) and `values` (n,)."""
        self._kernel = kernel
        self.vectors = vectors
        self._values = values
        self._signal = kernel.signal
        gram = kernel.covariance(vectors)
        gram[np.diag_indices_from(gram)] += _JITTER
        self._factor = cho_factor(gram, lower=True)
        self._weights = cho_solve(self._factor, values)

    @property
    def log_evidence(self) -> float:
        """Log marginal likelihood of the values, without constants. Rasmussen, Williams (2.30)."""
        return -float(0.5 * self._values @ self._weights + np.log(np.diag(self._factor[0])).sum())

    @classmethod
    def fitted(
        cls, vectors: Array, values: Array, coordinates: Coordinates, *, roughly: bool = False
    ) -> "Surrogate":
        """Fit length scales, signal and noise to a subset of the standardised values; condition on all.

        Raises:
            numpy.linalg.LinAlgError: the data are degenerate.
        """
        groups = _groups(coordinates.categorical)
        lengths = np.full(max(groups) + 1, _typical_length(vectors))
        categorical, conditional = coordinates.categorical.tolist(), coordinates.conditional.tolist()
        process = GaussianProcessRegressor(
            NoisyMatern(MixedMatern(lengths, groups, tuple(categorical), tuple(conditional))),
            alpha=_JITTER,
            optimizer=_roughly_most_probable if roughly else _most_probable,
            noise=None,
        )
        chosen = subset(values, _MAX_FITTED)
        process.fit(vectors[chosen], values[chosen])
        return cls(process.kernel_, vectors, values)

    def predict(self, vectors: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation, without noise, of the objective at vectors (m, d)."""
        cross = self._kernel.covariance(vectors, self.vectors)
        mean = cross @ self._weights
        explained = np.einsum("ij,ji->i", cross, cho_solve(self._factor, cross.T))
        return mean, np.sqrt(np.maximum(self._signal - explained, 1e-12))

    def believing(self, vectors: Array) -> "Surrogate":
        """Return the model with its predicted means at `vectors` added as observations (kriging believer).

        Source: the kriging believer of Ginsbourger, Le Riche, Carraro (2010), "Kriging is well-suited to
            parallelize optimization", section 3.2.
        """
        if not len(vectors):
            return self
        means, _ = self.predict(vectors)
        return Surrogate(
            self._kernel, np.vstack([self.vectors, vectors]), np.concatenate([self._values, means])
        )


def subset(values: Array, most: int) -> NDArray[np.intp]:
    """Return the indices of at most `most` values: half of them the lowest, the others evenly spaced.

    The model uses all observations; only its scale and parameters are chosen with such subsets, to save time.
    """
    if len(values) <= most:
        return np.arange(len(values))
    order = np.argsort(values, kind="stable")
    half = most // 2
    others = np.sort(order[half:])
    spread = others[np.linspace(0, len(others) - 1, most - half).astype(np.intp)]
    return np.sort(np.concatenate([order[:half], spread]))


def _groups(categorical: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the group of each column: one per column or, for very many columns, one per column type.

    Very many length scales cannot be inferred from few observations, and would take long to fit.
    """
    if len(categorical) <= _MAX_LENGTHS:
        return tuple(range(len(categorical)))
    return tuple(np.unique(categorical, return_inverse=True)[1].tolist())


def _typical_length(vectors: Array) -> float:
    """Return a typical length scale: distances in a unit cube grow with the square root of its dimension."""
    active = np.mean(np.sum(vectors != INACTIVE, axis=1))
    return 0.5 * float(np.sqrt(max(active, 1.0)))


def _roughly_most_probable(objective: _Objective, start: Array, bounds: Array) -> tuple[Array, float]:
    """Return the result of `_most_probable` after a few steps: good enough to compare models."""
    return _most_probable(objective, start, bounds, steps=_FEW_STEPS)


def _most_probable(
    objective: _Objective, start: Array, bounds: Array, steps: int = _STEPS
) -> tuple[Array, float]:
    """Return the maximum a posteriori parameters, and the negative log posterior density.

    With few observations the likelihood is flat; log-normal priors favour typical lengths and low noise.
    """
    centre = start.copy()
    centre[-1] = np.log(1e-3)
    width = np.full(len(start), 1.0)
    width[-1] = 2.0

    def penalised(theta: Array) -> tuple[float, Array]:
        value, gradient = objective(theta)
        away = (theta - centre) / width
        return float(value) + 0.5 * float(away @ away), np.asarray(gradient) + away / width

    short = start.copy()
    short[1:-1] -= 1.0
    short[-1] = np.log(1e-4)
    results = [
        minimize(penalised, guess, method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": steps})
        for guess in ((start, short) if steps >= _STEPS else (start,))
    ]
    best = min(results, key=lambda result: float(result.fun))
    return best.x, float(best.fun)

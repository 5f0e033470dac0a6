"""Covariance of two vectors: a Matérn kernel over numbers and unordered categories, some inactive."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import (
    Hyperparameter,
    Kernel,
    NormalizedKernelMixin,
    StationaryKernelMixin,
)

from sweepd_suggestion.domain.vectors import INACTIVE, Array

_ROOT_5 = float(np.sqrt(5.0))
_ANGLE = 0.5 * np.pi


class MixedMatern(StationaryKernelMixin, NormalizedKernelMixin, Kernel):  # type: ignore[misc] # untyped library
    """Matérn with smoothness 5/2 over vectors where INACTIVE stands for a parameter that is not there.

    Two categories are at distance 1 whatever they are, and 0 from themselves; absence is one category more.
    The numbers of a conditional parameter lie on an arc, and its absence in the centre of the circle: so
    absence is equally far from every number, and that of a parameter without influence has none either.

    Args:
        length_scale: one length per group of columns, shape (groups,).
        length_scale_bounds: of each length.
        groups: for each column, the place of its length.
        categorical: for each column, whether it holds categories.
        conditional: for each column, whether it may be inactive.

    Sources: Rasmussen, Williams (2006), Gaussian Processes for Machine Learning, equation 4.17; Swersky,
        Duvenaud, Snoek, Hutter, Osborne (2014), "Raiders of the Lost Architecture: Kernels for Bayesian
        Optimization in Conditional Parameter Spaces", arXiv:1409.4011.
    """

    def __init__(
        self,
        length_scale: Array,
        length_scale_bounds: tuple[float, float],
        groups: tuple[int, ...],
        categorical: tuple[bool, ...],
        conditional: tuple[bool, ...],
    ) -> None:
        self.length_scale = length_scale
        self.length_scale_bounds = length_scale_bounds
        self.groups = groups
        self.categorical = categorical
        self.conditional = conditional
        self._kept_squares: tuple[Array, Array] | None = None

    @property
    def hyperparameter_length_scale(self) -> Hyperparameter:
        """Description of the lengths for the library."""
        count = max(self.groups) + 1
        return Hyperparameter("length_scale", "numeric", self.length_scale_bounds, count)

    def __call__(
        self,
        X: Array,  # noqa: N803 (the library's names)
        Y: Array | None = None,  # noqa: N803
        eval_gradient: bool = False,
    ) -> Array | tuple[Array, Array]:
        """Return the covariance of each pair; if wanted, its gradient by the logarithm of each length."""
        inverse = np.square(1.0 / np.atleast_1d(self.length_scale))
        if not eval_gradient:
            return _covariance(self._total(X, X if Y is None else Y, inverse))[0]
        squares = self._squares(X) * inverse
        covariance, slope = _covariance(squares.sum(axis=2))
        return covariance, squares * slope[:, :, np.newaxis]

    def _total(self, left: Array, right: Array, inverse: Array) -> Array:
        """Return the squared distance of each pair, shape (left, right)."""
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
        """Return the squared distance by group, lengths left out, shape (vectors, vectors, groups).

        Fitting calls it with the same vectors and other lengths.
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
            # The chord of an arc of radius 1 / angle: as long as the gap where that is short.
            squares = 2.0 * (1.0 - np.cos(_ANGLE * gaps)) / _ANGLE**2
        else:
            return np.square(gaps)
        if self.conditional[i]:
            gone_left, gone_right = left[:, i, np.newaxis] == INACTIVE, right[np.newaxis, :, i] == INACTIVE
            apart = 1.0 if self.categorical[i] else _ANGLE**-2
            squares = np.where(gone_left | gone_right, np.where(gone_left & gone_right, 0.0, apart), squares)
        return squares


def _covariance(squares: Array) -> tuple[Array, Array]:
    """Return the covariance at squared distances, and minus twice its slope by them."""
    root = _ROOT_5 * np.sqrt(squares)
    decay = np.exp(-root)
    return (1.0 + root + root**2 / 3.0) * decay, (5.0 / 3.0) * (1.0 + root) * decay

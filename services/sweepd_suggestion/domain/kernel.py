"""How alike two vectors are: a Matérn kernel over numbers and unordered categories, one length each."""

import numpy as np
from sklearn.gaussian_process.kernels import (
    Hyperparameter,
    Kernel,
    NormalizedKernelMixin,
    StationaryKernelMixin,
)

from sweepd_suggestion.domain.vectors import Array

_ROOT_5 = float(np.sqrt(5.0))


class MixedMatern(StationaryKernelMixin, NormalizedKernelMixin, Kernel):  # type: ignore[misc] # untyped library
    """Matérn with smoothness 5/2; two categories are at distance 1 whatever they are, and 0 from themselves.

    Source: Rasmussen, Williams (2006), Gaussian Processes for Machine Learning, equation 4.17.
    """

    def __init__(
        self, length_scale: Array, length_scale_bounds: tuple[float, float], categorical: tuple[bool, ...]
    ) -> None:
        self.length_scale = length_scale
        self.length_scale_bounds = length_scale_bounds
        self.categorical = categorical

    @property
    def hyperparameter_length_scale(self) -> Hyperparameter:
        """The lengths, as the library wants them described."""
        count = len(self.categorical)
        return Hyperparameter("length_scale", "numeric", self.length_scale_bounds, count)

    def __call__(
        self,
        X: Array,  # noqa: N803 (the library's names)
        Y: Array | None = None,  # noqa: N803
        eval_gradient: bool = False,
    ) -> Array | tuple[Array, Array]:
        """Return the likeness of each pair; if asked, its gradient by the logarithm of each length."""
        squares = self._squares(X, X if Y is None else Y)
        root = _ROOT_5 * np.sqrt(squares.sum(axis=2))
        decay = np.exp(-root)
        likeness: Array = (1.0 + root + root**2 / 3.0) * decay
        if not eval_gradient:
            return likeness
        return likeness, squares * ((5.0 / 3.0) * (1.0 + root) * decay)[:, :, np.newaxis]

    def _squares(self, left: Array, right: Array) -> Array:
        """Return the squared distance in each dimension over its length, shape (left, right, dimensions)."""
        gaps = left[:, np.newaxis, :] - right[np.newaxis, :, :]
        categorical = np.array(self.categorical)
        gaps[:, :, categorical] = gaps[:, :, categorical] != 0.0
        gaps /= np.atleast_1d(self.length_scale)
        return np.square(gaps)

"""Search with a Gaussian process: proposes the point with the largest expected improvement.

The model is fitted to transformed losses: outliers are clipped; large spreads may be compressed by a shifted
logarithm as in Box, Cox (1964), J. Royal Statistical Society B 26, 211-252. The shift is chosen by likelihood
(Snelson, Rasmussen, Ghahramani, "Warped Gaussian processes", NIPS 16, 2003).
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import erfcx, ndtr

from sweepd.spec.point import Point, point_digest
from sweepd_suggestion.domain.proposal import proposals
from sweepd_suggestion.domain.questions import Prediction, Proposal, Question
from sweepd_suggestion.domain.surrogate import Surrogate, subset
from sweepd_suggestion.domain.vectors import Array, Coordinates

SHIFTS = (None, 1.0, 0.3, 0.1, 0.03)
"""Shifts as shares of the spread (None: no compression); smaller ones would make a cusp at the best loss."""

_FENCE = 30.0
"""Number of widths above the upper quartile beyond which losses count as equally bad.

The width is the distance from the median to that quartile or to the lowest loss, whichever is larger.
"""

_MAX_PREDICTION = 10.0
"""Bound on predictions, in spreads above or below the lowest loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossScale:
    """Scale z = (t(x) - mean) / deviation; x = (loss - lowest) / spread; t(x) = x or ln(1 + x / shift)."""

    lowest: float
    highest: float
    shift: float | None
    mean: float
    deviation: float

    @classmethod
    def of(cls, losses: Array, shift: float | None = None) -> "LossScale | None":
        """Return the scale for some losses, or None if they are all equal up to rounding.

        Args:
            losses: shape (n,), n >= 1, with finite differences.
            shift: shift of the logarithm; None for no compression.
        """
        lowest, highest = float(losses.min()), _upper_fence(losses)
        clipped = np.minimum(losses, highest)
        spread = highest - lowest
        if spread <= max(1e-12 * max(abs(lowest), abs(highest)), 1e-300):
            return None
        raw = _compressed((clipped - lowest) / spread, shift)
        return cls(
            lowest=lowest, highest=highest, shift=shift, mean=float(raw.mean()), deviation=float(raw.std())
        )

    @property
    def spread(self) -> float:
        """Distance from the lowest loss to the bound above which losses are clipped."""
        return self.highest - self.lowest

    def scaled(self, losses: Array) -> Array:
        """Return losses transformed to the scale."""
        shares = (np.minimum(losses, self.highest) - self.lowest) / self.spread
        raw = _compressed(shares, self.shift)
        return (raw - self.mean) / self.deviation

    def log_slope(self, losses: Array) -> float:
        """Return the sum of the scale's log slopes at losses, without terms common to all scales."""
        shares = (np.minimum(losses, self.highest) - self.lowest) / self.spread
        steep = 0.0 if self.shift is None else -float(np.log(shares + self.shift).sum())
        return steep - len(losses) * float(np.log(self.deviation))

    def losses(self, scaled: Array) -> Array:
        """Return the losses at transformed values."""
        raw = scaled * self.deviation + self.mean
        if self.shift is not None:
            raw = self.shift * np.expm1(raw)
        # An uncertain model predicts losses far beyond the observed ones; they need not be distinguished.
        return self.lowest + self.spread * np.clip(raw, -_MAX_PREDICTION, _MAX_PREDICTION)


def _upper_fence(losses: Array) -> float:
    lowest, median, upper = np.quantile(losses, (0.0, 0.5, 0.75))
    width = max(upper - median, median - lowest)
    highest = float(losses.max())
    return min(highest, float(upper + _FENCE * width)) if width > 0 else highest


def _compressed(shares: Array, shift: float | None) -> Array:
    return shares if shift is None else np.log1p(shares / shift)


_GLOBAL = 512
_NEEDED, _ROUNDS = 256, 4
_LOCAL = 96
_CENTRES = 8
_NEIGHBOURS = 24
_SCALES = (0.08, 0.03, 0.01, 0.003)
_MAX_COMPARED = 40
_MAX_LOSS = 1e306
"""Bound on losses, so that differences are finite."""

_MIN_DISTANCE = 0.02
"""Minimum distance between concurrent trials in at least one dimension, as a share of its range."""

_CATEGORY_INTERVAL = 4
"""Interval, in points, between trials of categories other than the best, which models reject too early."""

_SURE_DEVIATIONS = 6.0
"""Other categories are skipped if their prediction is worse by more than this many standard deviations."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(16)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def answer(question: Question) -> tuple[Proposal, ...]:
    """Return the requested points, chosen by a model if one can be fitted."""
    return proposals(question, None if question.design_only else _model(question))


class GaussianProcessModel:
    """A fitted model that proposes points sequentially, each counted as pending for the next."""

    def __init__(
        self, question: Question, coordinates: Coordinates, surrogate: Surrogate, scale: LossScale
    ) -> None:
        self._question = question
        self._coordinates = coordinates
        self._surrogate = surrogate
        self._scale = scale
        self._observed = surrogate.vectors
        means, _ = surrogate.predict(self._observed)
        self._best_mean = float(means.min())
        self._best_first = self._observed[np.argsort(means, kind="stable")]
        self._pending = np.empty((0, coordinates.count))
        self.add_all_pending(list(question.pending))

    def add_pending(self, point: Point) -> None:
        """Count a point as pending from now on."""
        self.add_all_pending([point])

    def add_all_pending(self, points: list[Point]) -> None:
        """Count points as pending from now on."""
        vectors = self._coordinates.vectors(points)
        self._surrogate = self._surrogate.believing(vectors)
        self._pending = np.vstack([self._pending, vectors])

    def propose(self, run_number: int, seen: set[bytes]) -> Proposal | None:
        """Return the best candidate not in `seen`, or None; every few points, prefer another category."""
        proposal = None
        if (
            self._coordinates.categorical.any()
            and (run_number // self._question.stride) % _CATEGORY_INTERVAL == 0
        ):
            proposal = self._best(run_number, seen, other_categories=True)
        return proposal or self._best(run_number, seen, other_categories=False)

    def _best(self, run_number: int, seen: set[bytes], *, other_categories: bool) -> Proposal | None:
        rng = _generator(self._question.seed, run_number, self._question.observations)
        candidates, gains = self._refined(*self._sampled(rng, other_categories), rng, other_categories)
        for place in np.argsort(-gains, kind="stable"):
            if other_categories and not self._is_promising(candidates[place], gains[place]):
                return None
            point = self._coordinates.point(candidates[place])
            if point_digest(point) not in seen:
                return Proposal(
                    run_number=run_number, point=point, prediction=self._prediction(candidates[place])
                )
        return None

    def _is_promising(self, candidate: Array, gain: float) -> bool:
        """Return True if a candidate may be better than the best point, given the model's uncertainty."""
        mean, deviation = self._surrogate.predict(candidate[np.newaxis, :])
        return bool(np.isfinite(gain) and mean[0] - _SURE_DEVIATIONS * deviation[0] <= self._best_mean)

    def _sampled(self, rng: np.random.Generator, other_categories: bool) -> tuple[Array, Array]:
        best = self._best_first[np.arange(_LOCAL) % min(5, len(self._best_first))]
        near = [self._near(best, scale, rng) for scale in (0.1, 0.02)]
        candidates = np.vstack([self._global_candidates(rng), *near])
        return candidates, self._gains(candidates, other_categories)

    def _global_candidates(self, rng: np.random.Generator) -> Array:
        """Return vectors from the whole space; if few draws are feasible, add vectors near known ones."""
        coordinates = self._coordinates
        found = coordinates.to_points(coordinates.from_shares(rng.random((_GLOBAL, coordinates.count))))
        for _ in range(_ROUNDS):
            if len(found) >= _NEEDED:
                break
            known = np.vstack([self._observed, found])
            found = np.vstack([found, self._near(known[rng.integers(len(known), size=_NEEDED)], 0.25, rng)])
        return found

    def _near(self, centres: Array, scale: float, rng: np.random.Generator) -> Array:
        return self._coordinates.to_points(self._coordinates.around(centres, scale, rng))

    def _refined(
        self, candidates: Array, gains: Array, rng: np.random.Generator, other_categories: bool
    ) -> tuple[Array, Array]:
        """Add candidates near the best ones, in decreasing steps."""
        for scale in _SCALES:
            top = candidates[np.argsort(-gains, kind="stable")[:_CENTRES]]
            near = self._near(np.repeat(top, _NEIGHBOURS, axis=0), scale, rng)
            candidates = np.vstack([candidates, near])
            gains = np.concatenate([gains, self._gains(near, other_categories)])
        return candidates, gains

    def _gains(self, candidates: Array, other_categories: bool) -> Array:
        gains = log_expected_improvement(*self._surrogate.predict(candidates), self._best_mean)
        out = self._is_near_pending(candidates)
        if other_categories:
            categorical = self._coordinates.categorical
            out |= (candidates[:, categorical] == self._best_first[0][categorical]).all(axis=1)
        return np.where(out, -np.inf, gains)

    def _is_near_pending(self, candidates: Array) -> NDArray[np.bool_]:
        """Return a mask of the candidates that are too close to a pending point."""
        if not len(self._pending):
            return np.zeros(len(candidates), dtype=bool)
        # Points that do not have the same parameters are never close: INACTIVE is outside the range.
        nearest = cdist(candidates, self._pending, "chebyshev").min(axis=1)
        # Many pending points may have to fit into a small space.
        near: NDArray[np.bool_] = nearest < min(_MIN_DISTANCE, _MIN_DISTANCE * 10 / len(self._pending))
        return near

    def _prediction(self, vector: Array) -> Prediction:
        """Return the prediction in units of the metric, integrated over the model's uncertainty."""
        mean, deviation = self._surrogate.predict(vector[np.newaxis, :])
        losses = self._scale.losses(mean[0] + deviation[0] * _NODES)
        expected, spread = float(losses @ _WEIGHTS), self._scale.spread
        return Prediction(
            value=self._question.sign * expected,
            deviation=spread * float(np.sqrt(np.square((losses - expected) / spread) @ _WEIGHTS)),
            expected_improvement=float(np.maximum(self._scale.lowest - losses, 0.0) @ _WEIGHTS),
        )


def _model(question: Question) -> GaussianProcessModel | None:
    """Return a fitted model, or None if the observations do not allow a fit."""
    losses = np.clip([one.loss for one in question.valued], -_MAX_LOSS, _MAX_LOSS)
    if LossScale.of(losses) is None:
        return None
    coordinates = Coordinates(question.space)
    vectors = coordinates.vectors([one.point for one in question.valued])
    try:
        scale = most_likely_scale(losses, vectors, coordinates)
        surrogate = Surrogate.fitted(vectors, scale.scaled(losses), coordinates)
        return GaussianProcessModel(question, coordinates, surrogate, scale)
    except np.linalg.LinAlgError:
        return None


def most_likely_scale(losses: Array, vectors: Array, coordinates: Coordinates) -> LossScale:
    """Return the scale with the highest likelihood of a subset of the losses, which must not all be equal."""
    chosen = subset(losses, _MAX_COMPARED)

    def evidence(scale: LossScale) -> float:
        values = scale.scaled(losses)[chosen]
        fitted = Surrogate.fitted(vectors[chosen], values, coordinates, roughly=True)
        return fitted.log_evidence + scale.log_slope(losses[chosen])

    scales = (LossScale.of(losses, shift) for shift in SHIFTS)
    return max((scale for scale in scales if scale is not None), key=evidence)


def _generator(seed: int, run_number: int, observations: int) -> np.random.Generator:
    digest = blake2b(b"%d\0%d\0%d" % (seed, run_number, observations), digest_size=16, person=b"sweepd-gp")
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest.digest(), "big")))


_HALF_LOG_TWO_PI = 0.5 * np.log(2.0 * np.pi)
_MIN_Z = -1e6


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Return the logarithm of the expected improvement, which may itself underflow.

    Args:
        mean: posterior mean per candidate, shape (n,).
        deviation: posterior standard deviation, shape (n,), same units, > 0.
        best: lowest value so far, same units.
    Returns: shape (n,).
    Source: Ament, Daulton, Eriksson, Balandat, Bakshy (2023), "Unexpected improvements to expected
        improvement for Bayesian optimization", NeurIPS 36, equation 9; the measure itself: Jones, Schonlau,
        Welch (1998), J. Global Optimization 13, 455-492.
    """
    z = np.maximum((best - mean) / deviation, _MIN_Z)
    near = z > -1.0
    result = np.empty_like(z)
    result[near] = np.log(np.exp(-0.5 * z[near] ** 2 - _HALF_LOG_TWO_PI) + z[near] * ndtr(z[near]))
    far = z[~near]
    # phi(z) + z Phi(z) = phi(z) (1 - |z| Phi(z) / phi(z)); erfcx keeps the ratio accurate in the tail.
    ratio = np.abs(far) * np.sqrt(0.5 * np.pi) * erfcx(-far / np.sqrt(2.0))
    # If the difference is indistinguishable from 0, use its asymptote 1 / z^2.
    rest = np.where(far < -1e4, 1.0 / far**2, np.maximum(1.0 - ratio, 1e-300))
    result[~near] = -0.5 * far**2 - _HALF_LOG_TWO_PI + np.log(rest)
    return result + np.log(deviation)

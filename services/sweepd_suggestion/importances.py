"""Questions about the importance of parameters: equal ones share an answer."""

import asyncio
from collections import OrderedDict
from hashlib import blake2b

from sweepd import v1
from sweepd_kernel.errors import DomainError, Status
from sweepd_suggestion import codec
from sweepd_suggestion.domain.importance import Importance
from sweepd_suggestion.fits import Fit, Fits

_KEPT = 32
_MOST_WAITING = 16
"""Different questions, at most: each may have tens of megabytes, and take a worker seconds."""

_LINE = "importance"
"""Of all sweeps in one line, so that a search waits for one answer at most before it has its turn."""


class Importances:
    """Answers to `GetImportance`; the last ones are kept, as many people look at one sweep."""

    def __init__(self, fits: Fits) -> None:
        self._fits = fits
        self._known: OrderedDict[bytes, Fit] = OrderedDict()
        self._asking = asyncio.Lock()

    async def of(self, request: v1.GetImportanceRequest) -> Importance:
        """Return the answer.

        Raises:
            DomainError: the request is malformed, or there will be no answer.
        """
        digest = blake2b(request.SerializeToString(deterministic=True), digest_size=16).digest()
        fit = self._known_fit(digest) or await self._asked(digest, request)
        found = await fit.awaited()
        assert isinstance(found, Importance)
        return found

    async def _asked(self, digest: bytes, request: v1.GetImportanceRequest) -> Fit:
        async with self._asking:
            fit = self._known_fit(digest)  # others may have asked the same meanwhile
            if fit is not None:
                return fit
            if sum(not fit.answer.done() for fit in self._known.values()) >= _MOST_WAITING:
                why = "too many questions about importance wait"
                raise DomainError(why, status=Status.RESOURCE_EXHAUSTED, retry_after=5.0)
            question = await asyncio.to_thread(codec.importance_question, request)  # may have 2,000 points
            fit = self._known[digest] = self._fits.submit(_LINE, question)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return fit

    def _known_fit(self, digest: bytes) -> Fit | None:
        fit = self._known.get(digest)
        if fit is None or fit.is_lost:
            return None
        self._known.move_to_end(digest)
        return fit

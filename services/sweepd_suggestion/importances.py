"""Questions about the importance of parameters: equal ones share an answer."""

import asyncio
from collections import OrderedDict
from hashlib import blake2b

from sweepd import v1
from sweepd_suggestion import codec
from sweepd_suggestion.domain.importance import Importance
from sweepd_suggestion.fits import Fit, Fits

_KEPT = 32


class Importances:
    """Answers questions of `GetImportance`; remembers the last answers, as many people look at one sweep."""

    def __init__(self, fits: Fits) -> None:
        self._fits = fits
        self._known: OrderedDict[bytes, Fit] = OrderedDict()

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
        question = await asyncio.to_thread(codec.importance_question, request)  # may have 2,000 points
        fit = self._known_fit(digest)  # others may have asked the same meanwhile
        if fit is None:
            # Apart from the questions of the sweep's search, which are not to wait for these.
            fit = self._known[digest] = self._fits.submit((request.sweep, "importance"), question)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return fit

    def _known_fit(self, digest: bytes) -> Fit | None:
        fit = self._known.get(digest)
        if fit is None or fit.is_lost:
            return None
        self._known.move_to_end(digest)
        return fit

"""Ownership of an attempt: whoever has its secret reports on it; what is kept of the secret is a digest."""

from hashlib import blake2b, sha256
from hmac import compare_digest

from sweepd_scheduler.domain.runs.run import RunKey


def new_secret(entropy: bytes, key: RunKey, attempt: int) -> bytes:
    """Return the secret of an attempt; one decision may hand out several, each with its own.

    Args:
        entropy: fresh randomness of the decision, at most 64 bytes.
        key: the run.
        attempt: its number.
    """
    sweep, number = key
    return blake2b(f"{sweep}:{number}:{attempt}".encode(), key=entropy, digest_size=32).digest()


def digest_of(secret: bytes) -> bytes:
    """Return what is stored of a secret; a fast hash will do, as it is too random to be guessed."""
    return sha256(secret).digest()


def proves(secret: bytes, digest: bytes) -> bool:
    """Tell whether a secret is the one of a digest, in a time that says nothing about either."""
    return compare_digest(digest_of(secret), digest)

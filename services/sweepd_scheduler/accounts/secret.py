"""Secrets of tokens, derived so that a repeated request gets the same one though it is not stored.

A secret is 256 random bits. Where the request has an id, they are derived: HMAC-SHA256, keyed with the
service token (a file), of a random salt (in the database for a day) and the request id (of which the database
has the hash). After the day the salt is gone, and nobody can derive it again. Pure.
"""

import base64
import hashlib
import hmac

from sweepd_scheduler.domain.requests.remembered import RequestKey

PREFIX = "swp_"
SALT_BYTES = 32
_DOMAIN = b"sweepd token secret v1\0"


def derived(key: str, salt: bytes, request_id: str, token: str) -> str:
    """Return the secret of `token`."""
    said = _DOMAIN + salt + len(request_id).to_bytes(4, "big") + request_id.encode() + token.encode()
    return written(hmac.digest(key.encode(), said, "sha256"))


def written(bits: bytes) -> str:
    """Return 32 bytes as the text that is presented."""
    return PREFIX + base64.urlsafe_b64encode(bits).rstrip(b"=").decode()


def request_digest(key: RequestKey) -> bytes:
    """Return what is stored of a request id, which only its caller knows."""
    parts = (key.account, key.project, key.request_id)
    lengths = b"".join(len(part).to_bytes(4, "big") for part in parts)
    return hashlib.sha256(b"sweepd request id v2\0" + lengths + "".join(parts).encode()).digest()

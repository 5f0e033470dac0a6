"""Identity of an agent: a secret in its state folder, and the id derived from the secret."""

ID_LENGTH = 26
SHORTEST_SECRET, LONGEST_SECRET = 16, 64
"""Minimum and maximum length of a secret, in bytes."""


def agent_id(secret: bytes) -> str:
    """Return the id of the agent with this secret; the id alone does not authenticate as the agent."""
    import base64  # imported here, because an agent needs it only once
    import hashlib

    return base64.b32hexencode(hashlib.sha256(secret).digest()).decode().lower()[:ID_LENGTH]

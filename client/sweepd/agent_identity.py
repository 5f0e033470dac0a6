"""Identity of an agent: a secret in its state folder, and the id that follows from it."""

ID_LENGTH = 26
SHORTEST_SECRET, LONGEST_SECRET = 16, 64
"""Bytes of a secret that an agent or the folder of a run has drawn."""


def agent_id(secret: bytes) -> str:
    """Return the id of the agent that has a secret; the id alone does not let anyone act as the agent."""
    import base64  # here, as an agent needs it once in its life
    import hashlib

    return base64.b32hexencode(hashlib.sha256(secret).digest()).decode().lower()[:ID_LENGTH]

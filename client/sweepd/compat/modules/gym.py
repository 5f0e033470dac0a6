"""W&B's gym integration: accepted, videos are not stored."""


def monitor() -> None:
    """Do nothing."""

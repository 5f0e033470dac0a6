"""W&B's integration of gym: accepted, videos are not kept."""


def monitor() -> None:
    """Do nothing."""

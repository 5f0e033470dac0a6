"""Functions of W&B's module that may be called, and for which there is nothing to do."""

import sweepd


def ensure_configured() -> None:
    """Do nothing: the environment is read by `init`."""


def require(requirement: object = None, experiment: object = None) -> None:
    """Do nothing: there are no versions of behaviour to choose from."""


def pin_config_keys(keys: object = ()) -> None:
    """Do nothing: no page shows some keys before others."""


def sagemaker_auth(overrides: object = None, path: object = ".", api_key: object = None) -> None:
    """Do nothing: scripts hold no keys."""


def join(exit_code: int | None = None) -> None:
    """End the run; the older name of `finish`."""
    sweepd.finish(exit_code or 0)

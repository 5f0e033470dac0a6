"""Functions of W&B's module that are accepted without effect."""

import sweepd


def ensure_configured() -> None:
    """Do nothing: `init` reads the environment."""


def require(requirement: object = None, experiment: object = None) -> None:
    """Do nothing: there are no optional behaviours."""


def pin_config_keys(keys: object = ()) -> None:
    """Do nothing: keys are shown in one order."""


def sagemaker_auth(overrides: object = None, path: object = ".", api_key: object = None) -> None:
    """Do nothing: scripts hold no credentials."""


def join(exit_code: int | None = None) -> None:
    """End the run; the older name of `finish`."""
    sweepd.finish(exit_code or 0)

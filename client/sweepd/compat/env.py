"""The variables of a run's surroundings under the names of W&B, and the functions that set them."""

import os

from sweepd.compat.variables import PAIRS

PROJECT, ENTITY, NAME, MODE = "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_NAME", "WANDB_MODE"
RUN_GROUP, JOB_TYPE, NOTES, TAGS = "WANDB_RUN_GROUP", "WANDB_JOB_TYPE", "WANDB_NOTES", "WANDB_TAGS"
DIR, RESUME, SILENT = "WANDB_DIR", "WANDB_RESUME", "WANDB_SILENT"


def get_project(default: str | None = None) -> str | None:
    """Return the project that the environment names."""
    return _value(PROJECT, default)


def get_entity(default: str | None = None) -> str | None:
    """Return the entity that the environment names."""
    return _value(ENTITY, default)


def get_run(default: str | None = None) -> str | None:
    """Return the full name of the run that an agent has handed out."""
    return os.environ.get("SWEEPD_RUN_ID", default)


def set_project(value: str) -> None:
    """Have later runs of this process go to a project."""
    os.environ[PROJECT] = os.environ["SWEEPD_PROJECT"] = value


def set_entity(value: str, env: object = None) -> None:
    """Have later runs of this process belong to an entity."""
    os.environ[ENTITY] = os.environ["SWEEPD_ENTITY"] = value


def _value(name: str, default: str | None) -> str | None:
    return os.environ.get(PAIRS[name]) or os.environ.get(name) or default

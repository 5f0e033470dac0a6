"""Names of W&B's environment variables, and functions that read and set them."""

import os
from collections.abc import Mapping
from typing import Final

from sweepd.compat.environment import PAIRS

_SAME: Final = (
    *("AGENT_DISABLE_FLAPPING", "AGENT_KILL_DELAY", "AGENT_MAX_INITIAL_FAILURES", "AGENT_REPORT_INTERVAL"),
    *("ANONYMOUS", "API_KEY", "APP_URL", "ARGS", "ARTIFACT_DIR", "BASE_URL", "CACHE_DIR", "CONFIG_DIR"),
    *("CONFIG_PATHS", "CORE_DEBUG", "DATA_DIR", "DEBUG", "DESCRIPTION", "DIR", "DISABLE_CODE", "DISABLE_GIT"),
    *("DOCKER", "ENTITY", "ERROR_REPORTING", "GIT_COMMIT", "GIT_REMOTE_URL", "GIT_ROOT", "HOST"),
    *("HTTP_TIMEOUT", "INIT_TIMEOUT", "JOB_TYPE", "JUPYTER", "MAGIC", "MODE", "NAME", "NOTEBOOK_NAME"),
    *("NOTES", "ORGANIZATION", "PROGRAM", "PROJECT", "QUIET", "RESUME", "RUN_DIR", "RUN_GROUP", "RUN_ID"),
    *("RUN_STORAGE_ID", "SAVE_CODE", "SERVICE", "SHOW_RUN", "SILENT", "SWEEP_ID", "SWEEP_PARAM_PATH", "TAGS"),
    *("USERNAME", "USER_EMAIL"),
)
globals().update({name: f"WANDB_{name}" for name in _SAME})

_Environment = Mapping[str, str] | None


def get_project(default: str | None = None, env: _Environment = None) -> str | None:
    """Return the project from the environment variables."""
    return _value("WANDB_PROJECT", default, env)


def get_entity(default: str | None = None, env: _Environment = None) -> str | None:
    """Return the entity from the environment variables."""
    return _value("WANDB_ENTITY", default, env)


def get_run(default: str | None = None, env: _Environment = None) -> str | None:
    """Return the id of the run from the environment variables."""
    found = _value("WANDB_RUN_ID", "", env) or (os.environ if env is None else env).get("SWEEPD_RUN_ID", "")
    return found.rpartition("/")[2] or default


def get_dir(default: str | None = None, env: _Environment = None) -> str | None:
    """Return the folder for standalone runs from the environment variables."""
    return _value("WANDB_DIR", default, env)


def is_offline(env: _Environment = None) -> bool:
    """Return True if standalone runs are stored only in their folders."""
    return _value("WANDB_MODE", None, env) == "offline"


def set_project(value: str, env: object = None) -> None:
    """Set the project for later runs of this process."""
    os.environ["WANDB_PROJECT"] = os.environ["SWEEPD_PROJECT"] = value


def set_entity(value: str, env: object = None) -> None:
    """Set the entity for later runs of this process."""
    os.environ["WANDB_ENTITY"] = os.environ["SWEEPD_ENTITY"] = value


def _value(name: str, default: str | None, env: _Environment) -> str | None:
    environ = os.environ if env is None else env
    return environ.get(PAIRS.get(name, "")) or environ.get(name) or default

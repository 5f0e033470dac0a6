"""Options of `init` from arguments, settings and environment variables; warnings about some options."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepd.script.errors import UsageError
from sweepd.script.notices import Notices

if TYPE_CHECKING:
    from sweepd.script.run.run import Run

MODES = ("online", "offline", "disabled")
_TEXTS = ("project", "entity", "name", "notes", "group", "job_type", "dir")
_RESUMES = ("allow", "must", "never", "auto")

# Names of arguments of `init`, by the names of attributes of W&B's `Settings`.
_INIT_NAMES = {
    "run_id": "id",
    "run_name": "name",
    "run_notes": "notes",
    "run_tags": "tags",
    "run_group": "group",
    "run_job_type": "job_type",
    "root_dir": "dir",
}
VARIABLES = {
    "project": "SWEEPD_PROJECT",
    "entity": "SWEEPD_ENTITY",
    "mode": "SWEEPD_MODE",
    "dir": "SWEEPD_DIR",
    "name": "SWEEPD_NAME",
    "notes": "SWEEPD_NOTES",
    "tags": "SWEEPD_TAGS",
    "group": "SWEEPD_RUN_GROUP",
    "job_type": "SWEEPD_JOB_TYPE",
    "resume": "SWEEPD_RESUME",
    "silent": "SWEEPD_SILENT",
}


class Settings:
    """Settings by name, for `init(settings=…)`; unknown names are accepted without effect.

    Names with an effect: entity, project, mode, resume, silent, root_dir, run_id, run_name, run_notes,
    run_tags, run_group, run_job_type.
    """

    def __init__(self, **values: object) -> None:
        vars(self).update(values)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return None  # an unset setting

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options of a run, set by the script and its environment."""

    project: str | None = None
    entity: str | None = None
    id: str | None = None
    name: str | None = None
    notes: str | None = None
    tags: tuple[str, ...] = ()
    group: str | None = None
    job_type: str | None = None
    mode: str = "online"
    dir: str | None = None
    # allow, must, never, auto or None
    resume: str | None = None
    silent: bool = False

    def settings(self) -> Settings:
        """Return the options as settings."""
        names = {ours: theirs for theirs, ours in _INIT_NAMES.items()}
        return Settings(**{names.get(name, name): getattr(self, name) for name in self.__slots__})


def run_options(
    arguments: Mapping[str, object],
    settings: Settings | Mapping[str, object] | None,
    environment: Mapping[str, str],
) -> RunOptions:
    """Return the options of a run; arguments take precedence over settings, and settings over variables.

    Args:
        arguments: arguments of `init` by name, None if not given.
        settings: settings given to `init`.
        environment: environment variables.

    Raises:
        UsageError: invalid mode, resume, id or tags.
    """
    given = vars(settings) if isinstance(settings, Settings) else dict(settings or {})
    found: dict[str, object] = {
        name: environment[variable] for name, variable in VARIABLES.items() if environment.get(variable)
    }
    found |= {_INIT_NAMES.get(name, name): value for name, value in given.items() if value is not None}
    found |= {name: value for name, value in arguments.items() if value is not None}
    texts = {name: _text(found, name) for name in _TEXTS}
    return RunOptions(
        **texts,
        id=_id(_text(found, "id")),
        tags=tags(found.get("tags")),
        mode=_one_of("mode", _mode(_text(found, "mode")), MODES) or "online",
        resume=_one_of("resume", _resume(found.get("resume")), _RESUMES),
        silent=_flag(found.get("silent")),
    )


def tags(value: object) -> tuple[str, ...]:
    """Return the distinct tags in a comma-separated text or a sequence of texts."""
    if not value:
        return ()
    parts: Iterable[object] = value.split(",") if isinstance(value, str) else _sequence_of(value)
    names = (str(part).strip() for part in parts)
    return tuple(dict.fromkeys(name for name in names if name))


def _sequence_of(value: object) -> Iterable[object]:
    if isinstance(value, Sequence | set | frozenset):
        return value
    raise UsageError(f"init: tags must be text, not {type(value).__name__}")


def _text(found: Mapping[str, object], name: str) -> str | None:
    value = found.get(name)
    return None if value is None or value == "" else str(value)


def _id(value: str | None) -> str | None:
    """Convert an id to lower-case letters, digits, `-` and `_`, beginning with a letter or digit."""
    if value is None:
        return None
    valid = "".join(c if c.isascii() and c.isalnum() else c if c in "-_" else "-" for c in value.lower())
    valid = valid.lstrip("-_")
    if not valid or len(valid) > 64 or not all(c.isalnum() or c in "-_." for c in value):
        raise UsageError(f"init: an id must have 1 to 64 letters, digits, - and _, not {value!r}")
    return valid


def _mode(value: str | None) -> str | None:
    return {"dryrun": "offline", "run": "online", "shared": "online"}.get(value or "", value)


def _resume(value: object) -> str | None:
    match value:
        case None | False | "" | "false" | "False":
            return None
        case True | "true" | "True":
            return "auto"
        case _:
            return str(value)


def _one_of(argument: str, value: str | None, words: tuple[str, ...]) -> str | None:
    if value is None or value in words:
        return value
    raise UsageError(f"init: {argument} must be one of {', '.join(words)}, not {value!r}")


def _flag(value: object) -> bool:
    return str(value).lower() in ("true", "1", "yes")


_INSTEAD = {"sync_tensorboard": "; `metrics_from: {tensorboard: DIR}` in the sweep file reads event files"}


def warn_of_ignored(arguments: Mapping[str, object], notices: Notices) -> None:
    """Warn about arguments of `init` that have no effect, and name an alternative if there is one."""
    for word, value in arguments.items():
        if value:
            notices.once(word, f"init({word}=…) has no effect here{_INSTEAD.get(word, '')}")


def warn_of_sweep_names(run_name: str, wanted: RunOptions, notices: Notices) -> None:
    """Warn about names that have no effect because the sweep determines them."""
    entity, project, run_id = run_name.split("/", 2)
    names = {
        "entity": (wanted.entity, entity),
        "project": (wanted.project, project),
        "id": (wanted.id, run_id),
    }
    _warn_of_names(names, " in a sweep", notices)


def warn_of_late_names(run: "Run", wanted: RunOptions, notices: Notices) -> None:
    """Warn about names that have no effect because the run began before `init` was called."""
    names = {
        "project": (wanted.project, run.project),
        "entity": (wanted.entity, run.entity),
        "id": (wanted.id, run.id),
        # Not for `online`, the default: if the run cannot be stored, `open_folder` has already warned.
        "mode": (None if wanted.mode == "online" else wanted.mode, run.mode),
    }
    _warn_of_names(names, ", as the run had already started", notices)


def _warn_of_names(names: Mapping[str, tuple[str | None, str]], why: str, notices: Notices) -> None:
    for word, (asked, given) in names.items():
        if asked not in (None, given) and name_part(asked or "") != given:
            notices.once(word, f"init({word}={asked!r}) has no effect{why}: it is {given!r}")


def warn_of_wandb_variables(environ: Mapping[str, str], wanted: RunOptions, notices: Notices) -> None:
    """Warn about environment variables of W&B that are set while the corresponding options are not."""
    if "wandb" in sys.modules:
        return  # the script uses W&B's own package
    defaults = RunOptions()
    for word, ours in VARIABLES.items():
        theirs = ours.replace("SWEEPD_", "WANDB_")
        if word != "silent" and environ.get(theirs) and getattr(wanted, word) == getattr(defaults, word):
            notices.once(theirs, f"{theirs} has no effect here; set {ours} instead")
    if environ.get("WANDB_RUN_ID") and wanted.id is None:
        notices.once("WANDB_RUN_ID", "WANDB_RUN_ID has no effect here; pass init(id=…) instead")


def name_part(text: str) -> str:
    """Convert text to a valid part of a run's name; return an empty text if no character is valid."""
    from sweepd.name_part import as_part  # not needed by runs of a sweep

    return as_part(text)

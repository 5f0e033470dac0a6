"""Public names of W&B's module and their support in sweepd; source of docs/wandb.md."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

VERSION: Final = "0.31.0"
"""Version of W&B's package that has these names, and version of our `wandb` module."""

PAGE: Final = "docs/wandb.md"


class Support(StrEnum):
    """Level of support of a name."""

    SUPPORTED = "supported"
    NO_EFFECT = "accepted without effect"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Name:
    """Support of one public name of W&B's module.

    Args:
        support: level of support.
        home: `module[:attribute]` in `compat.modules`, `submodules:NAME` or `itself`; empty: in `sweepd`.
        note: difference from W&B, or an alternative, as a sentence without its full stop.
    """

    support: Support
    home: str = ""
    note: str = ""


_supported = partial(Name, Support.SUPPORTED)
_no_effect = partial(Name, Support.NO_EFFECT)
_refused = partial(Name, Support.REFUSED, "")

_INTERNAL: Final = "internal to W&B's package"
_NOT_KEPT: Final = "logged values of this type are skipped, with one warning"
_CHART: Final = "the values of the chart are stored as a table"

NAMES: Final[dict[str, Name]] = {
    "AlertLevel": _supported("top_level:AlertLevel"),
    "Api": _supported(
        note="`sweep`, `run`, `runs` with filters; needs sweepd in the script's Python, and a known server"
    ),
    "Artifact": _supported(note="its files are stored with the run; versions, aliases and links are not"),
    "ArtifactTTL": _no_effect("top_level:ArtifactTTL"),
    "Audio": _supported(),
    "Classes": _no_effect("top_level:Classes"),
    "CommError": _supported("errors:CommError"),
    "Config": _supported("top_level:Config"),
    "Error": _supported("errors:Error"),
    "EvalTable": _supported("top_level:EvalTable", "a table; the roles of its columns are not stored"),
    "Graph": _no_effect(note=_NOT_KEPT),
    "Histogram": _supported(),
    "Html": _supported(),
    "Image": _supported(note="masks, boxes and classes are not stored"),
    "JoinedTable": _no_effect("top_level:JoinedTable", _NOT_KEPT),
    "Molecule": _no_effect(note=_NOT_KEPT),
    "Object3D": _no_effect(note=_NOT_KEPT),
    "Plotly": _supported(note="stored as JSON for `plotly.io.read_json`; not drawn"),
    "Run": _supported(note="the run of a script; stored runs are `StoredRun`"),
    "Settings": _supported(note="settings without meaning here are accepted without effect"),
    "Table": _supported(),
    "UsageError": _supported("errors:UsageError"),
    "Video": _supported(),
    "__version__": _supported(
        "top_level:__version__", f"{VERSION} under `compat: wandb`, else that of sweepd"
    ),
    "agent": _supported(),
    "agents": _refused(_INTERNAL),
    "alert": _supported(note="a line in the log of the run; no e-mail is sent"),
    "analytics": _refused(_INTERNAL),
    "annotations": _refused(_INTERNAL),
    "api": _refused("deprecated by W&B in favour of `Api()`"),
    "apis": _supported("submodules:apis", "`apis.public` has `Api`, `Run`, `Runs`, `Sweep`"),
    "attach": _refused("a child process of a script that has called `init` just calls `log`"),
    "box3d": _no_effect("top_level:box3d"),
    "catboost": _refused("log from your callback"),
    "config": _supported(),
    "controller": _refused("the server chooses the points of a sweep"),
    "data_types": _supported("submodules:data_types"),
    "define_metric": _supported(),
    "ensure_configured": _no_effect("top_level:ensure_configured"),
    "env": _supported("env"),
    "errors": _supported("errors"),
    "finish": _supported(),
    "gym": _no_effect("submodules:gym", "videos of gym are not stored"),
    "helper": _supported("util"),
    "init": _supported(),
    "integration": _supported("submodules:integration", "`keras`, `lightgbm`, `xgboost`, `sklearn`"),
    "join": _supported("top_level:join", "same as `finish`"),
    "jupyter": _refused(_INTERNAL),
    "keras": _supported("keras", "with any Keras 3 backend; also the older `WandbCallback`"),
    "lightgbm": _supported("lightgbm"),
    "link_model": _no_effect(note="there is no registry of models"),
    "log": _supported(),
    "log_artifact": _supported(),
    "log_model": _supported(note="the files are stored with the run"),
    "login": _no_effect(note="agents have the credentials they need; people use `sweepctl login`"),
    "mark_preempting": _supported(),
    "patched": _supported("top_level:patched", "always empty"),
    "pin_config_keys": _no_effect("top_level:pin_config_keys"),
    "plot": _supported("plot", _CHART),
    "plot_table": _supported("plot:plot_table", _CHART),
    "profiler": _refused(_INTERNAL),
    "proto": _refused(_INTERNAL),
    "require": _no_effect("top_level:require"),
    "restore": _supported(
        note="files of this run and of its checkpoint folder; those of other runs are not available"
    ),
    "run": _supported(),
    "sacred": _refused("log from your observer"),
    "sagemaker_auth": _no_effect("top_level:sagemaker_auth"),
    "save": _supported(
        note="files are copied when it is called; with the policies live and end, again at the end of the run"
    ),
    "sdk": _supported("submodules:sdk", "the parts that libraries import"),
    "setup": _no_effect(),
    "sklearn": _no_effect("submodules:sklearn", "plots are not drawn; log the numbers"),
    "summary": _supported(),
    "sweep": _supported(),
    "teardown": _no_effect(),
    "tensorboard": _no_effect("submodules:tensorboard", "`metrics_from` in the sweep file reads event files"),
    "tensorflow": _refused("log from your callback, or read event files with `metrics_from`"),
    "termerror": _supported("top_level:termerror"),
    "termlog": _supported("top_level:termlog"),
    "termsetup": _no_effect("top_level:termsetup"),
    "termwarn": _supported("top_level:termwarn"),
    "trigger": _refused(_INTERNAL),
    "unwatch": _no_effect(),
    "use_artifact": _supported(note="only those that this run has logged; read the files of others directly"),
    "use_model": _supported(note="only those that this run has logged; read the files of others directly"),
    "util": _supported("util", "the parts that libraries import"),
    "visualize": _supported("plot:visualize", _CHART),
    "wandb": _supported("itself", "the module itself"),
    "wandb_agent": _refused(_INTERNAL),
    "wandb_lib": _supported("submodules:sdk.lib", "the parts that libraries import"),
    "wandb_sdk": _supported("submodules:sdk", "the parts that libraries import"),
    "wandb_torch": _refused(_INTERNAL),
    "watch": _no_effect(note="log the gradients that you need"),
    "xgboost": _supported("xgboost"),
}
"""Support by name; other names with a leading underscore are internal to W&B and omitted."""

"""Names of `import sweepd`, each loaded at its first use; the standard library is enough."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweepd.errors import (
        ClientError,
        ConflictError,
        DeniedError,
        FailedError,
        InvalidError,
        MissingExtraError,
        NotFoundError,
        NotYetError,
        UnreachableError,
        WrongStateError,
    )
    from sweepd.functions.errors import AgentError, FunctionError, SweepError
    from sweepd.functions.in_process import RunStopped
    from sweepd.functions.running import agent
    from sweepd.functions.sweeping import controller, sweep
    from sweepd.objects.api import Api
    from sweepd.objects.async_client import AsyncClient
    from sweepd.objects.async_sweep import AsyncStoredRun, AsyncSweep
    from sweepd.objects.client import Client
    from sweepd.objects.creation import SweepWarning
    from sweepd.objects.history import History
    from sweepd.objects.results import BestSoFar, CategoryCorrelation, Importance, ParameterImportance
    from sweepd.objects.sweep import StoredRun, Sweep
    from sweepd.script.errors import ConfigError, Error, UsageError
    from sweepd.script.media.artifact import Artifact
    from sweepd.script.media.histogram import Histogram
    from sweepd.script.media.ignored import Bokeh, Graph, Molecule, Object3D
    from sweepd.script.media.image import Image
    from sweepd.script.media.recordings import Audio, Html, Plotly, Video
    from sweepd.script.media.table import Table
    from sweepd.script.run.config import Config
    from sweepd.script.run.run import Run
    from sweepd.script.run.summary import Summary
    from sweepd.script.session import finish, init, log
    from sweepd.script.settings import Settings
    from sweepd.script.shortcuts import (
        alert,
        checkpoint_saved,
        define_metric,
        link_artifact,
        link_model,
        log_artifact,
        log_code,
        log_model,
        login,
        mark_preempting,
        restore,
        save,
        setup,
        teardown,
        unwatch,
        use_artifact,
        use_model,
        watch,
    )

    config: Config
    run: Run | None
    summary: Summary

__all__ = [
    "AgentError",
    "Api",
    "Artifact",
    "AsyncClient",
    "AsyncStoredRun",
    "AsyncSweep",
    "Audio",
    "BestSoFar",
    "Bokeh",
    "CategoryCorrelation",
    "Client",
    "ClientError",
    "ConfigError",
    "ConflictError",
    "DeniedError",
    "Error",
    "FailedError",
    "FunctionError",
    "Graph",
    "Histogram",
    "History",
    "Html",
    "Image",
    "Importance",
    "InvalidError",
    "MissingExtraError",
    "Molecule",
    "NotFoundError",
    "NotYetError",
    "Object3D",
    "ParameterImportance",
    "Plotly",
    "Run",
    "RunStopped",
    "Settings",
    "StoredRun",
    "Sweep",
    "SweepError",
    "SweepWarning",
    "Table",
    "UnreachableError",
    "UsageError",
    "Video",
    "WrongStateError",
    "agent",
    "alert",
    "checkpoint_saved",
    "config",
    "controller",
    "define_metric",
    "finish",
    "init",
    "link_artifact",
    "link_model",
    "log",
    "log_artifact",
    "log_code",
    "log_model",
    "login",
    "mark_preempting",
    "restore",
    "run",
    "save",
    "setup",
    "summary",
    "sweep",
    "teardown",
    "unwatch",
    "use_artifact",
    "use_model",
    "watch",
]

_HOMES = {
    "AgentError": "sweepd.functions.errors",
    "Api": "sweepd.objects.api",
    "Artifact": "sweepd.script.media.artifact",
    "AsyncClient": "sweepd.objects.async_client",
    "AsyncStoredRun": "sweepd.objects.async_sweep",
    "AsyncSweep": "sweepd.objects.async_sweep",
    "Audio": "sweepd.script.media.recordings",
    "BestSoFar": "sweepd.objects.results",
    "Bokeh": "sweepd.script.media.ignored",
    "CategoryCorrelation": "sweepd.objects.results",
    "Client": "sweepd.objects.client",
    "ClientError": "sweepd.errors",
    "ConfigError": "sweepd.script.errors",
    "ConflictError": "sweepd.errors",
    "DeniedError": "sweepd.errors",
    "Error": "sweepd.script.errors",
    "FailedError": "sweepd.errors",
    "FunctionError": "sweepd.functions.errors",
    "Graph": "sweepd.script.media.ignored",
    "Histogram": "sweepd.script.media.histogram",
    "History": "sweepd.objects.history",
    "Html": "sweepd.script.media.recordings",
    "Image": "sweepd.script.media.image",
    "Importance": "sweepd.objects.results",
    "InvalidError": "sweepd.errors",
    "MissingExtraError": "sweepd.errors",
    "Molecule": "sweepd.script.media.ignored",
    "NotFoundError": "sweepd.errors",
    "NotYetError": "sweepd.errors",
    "Object3D": "sweepd.script.media.ignored",
    "ParameterImportance": "sweepd.objects.results",
    "Plotly": "sweepd.script.media.recordings",
    "Run": "sweepd.script.run.run",
    "RunStopped": "sweepd.functions.in_process",
    "Settings": "sweepd.script.settings",
    "StoredRun": "sweepd.objects.sweep",
    "Sweep": "sweepd.objects.sweep",
    "SweepError": "sweepd.functions.errors",
    "SweepWarning": "sweepd.objects.creation",
    "Table": "sweepd.script.media.table",
    "UnreachableError": "sweepd.errors",
    "UsageError": "sweepd.script.errors",
    "Video": "sweepd.script.media.recordings",
    "WrongStateError": "sweepd.errors",
    "agent": "sweepd.functions.running",
    "alert": "sweepd.script.shortcuts",
    "checkpoint_saved": "sweepd.script.shortcuts",
    "controller": "sweepd.functions.sweeping",
    "define_metric": "sweepd.script.shortcuts",
    "finish": "sweepd.script.session",
    "init": "sweepd.script.session",
    "link_artifact": "sweepd.script.shortcuts",
    "link_model": "sweepd.script.shortcuts",
    "log": "sweepd.script.session",
    "log_artifact": "sweepd.script.shortcuts",
    "log_code": "sweepd.script.shortcuts",
    "log_model": "sweepd.script.shortcuts",
    "login": "sweepd.script.shortcuts",
    "mark_preempting": "sweepd.script.shortcuts",
    "restore": "sweepd.script.shortcuts",
    "save": "sweepd.script.shortcuts",
    "setup": "sweepd.script.shortcuts",
    "sweep": "sweepd.functions.sweeping",
    "teardown": "sweepd.script.shortcuts",
    "unwatch": "sweepd.script.shortcuts",
    "use_artifact": "sweepd.script.shortcuts",
    "use_model": "sweepd.script.shortcuts",
    "watch": "sweepd.script.shortcuts",
}
# They belong to the run of the moment, so they are looked up each time.
_OF_THE_MOMENT = ("config", "run", "summary")

if not TYPE_CHECKING:  # a type checker must go on seeing misspelt names

    def __getattr__(name: str) -> object:
        if name in _OF_THE_MOMENT:
            return getattr(import_module("sweepd.script.session"), name)()
        if name not in _HOMES:
            from sweepd.compat.lookup import find

            return find(name, "sweepd")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

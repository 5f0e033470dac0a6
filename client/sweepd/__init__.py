"""Names of `import sweepd`, each loaded at its first use; the standard library is enough."""

from importlib import import_module
from importlib.machinery import PathFinder
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
    from sweepd.script.errors import AgentError, ConfigError, Error, FunctionError, SweepError, UsageError
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

_NAMES_BY_MODULE = {
    "errors": (
        "ClientError ConflictError DeniedError FailedError InvalidError MissingExtraError NotFoundError "
        "NotYetError UnreachableError WrongStateError"
    ),
    "functions.in_process": "RunStopped",
    "functions.running": "agent",
    "functions.sweeping": "controller sweep",
    "objects.api": "Api",
    "objects.async_client": "AsyncClient",
    "objects.async_sweep": "AsyncStoredRun AsyncSweep",
    "objects.client": "Client",
    "objects.creation": "SweepWarning",
    "objects.history": "History",
    "objects.results": "BestSoFar CategoryCorrelation Importance ParameterImportance",
    "objects.sweep": "StoredRun Sweep",
    "script.errors": "AgentError ConfigError Error FunctionError SweepError UsageError",
    "script.media.artifact": "Artifact",
    "script.media.histogram": "Histogram",
    "script.media.ignored": "Bokeh Graph Molecule Object3D",
    "script.media.image": "Image",
    "script.media.recordings": "Audio Html Plotly Video",
    "script.media.table": "Table",
    "script.run.run": "Run",
    "script.session": "finish init log",
    "script.settings": "Settings",
    "script.shortcuts": (
        "alert checkpoint_saved define_metric link_artifact link_model log_artifact log_code log_model "
        "login mark_preempting restore save setup teardown unwatch use_artifact use_model watch"
    ),
}
_HOMES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}
# They belong to the run of the moment, so they are looked up each time.
_OF_THE_MOMENT = ("config", "run", "summary")

if not TYPE_CHECKING:  # a type checker must still see misspelt names

    def __getattr__(name: str) -> object:
        if name in _OF_THE_MOMENT:
            return getattr(import_module("sweepd.script.session"), name)()
        if name not in _HOMES:
            # `from sweepd import v1` asks here first. W&B's module has `errors`, too.
            if name != "errors" and PathFinder.find_spec(f"sweepd.{name}", __path__):
                raise AttributeError(f"module 'sweepd' has not imported its module {name!r}", name=name)
            from sweepd.compat.lookup import find

            return find(name, "sweepd")
        value = globals()[name] = getattr(import_module(f"sweepd.{_HOMES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

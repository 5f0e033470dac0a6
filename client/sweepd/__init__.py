"""Public names of `sweepd`, each imported at its first use; this module needs only the standard library."""

from importlib import import_module
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `as` exports them from this module
    from sweepd.errors import ClientError as ClientError
    from sweepd.errors import ConflictError as ConflictError
    from sweepd.errors import DeniedError as DeniedError
    from sweepd.errors import FailedError as FailedError
    from sweepd.errors import InvalidError as InvalidError
    from sweepd.errors import MissingExtraError as MissingExtraError
    from sweepd.errors import NotFoundError as NotFoundError
    from sweepd.errors import NotYetError as NotYetError
    from sweepd.errors import UnreachableError as UnreachableError
    from sweepd.errors import WrongStateError as WrongStateError
    from sweepd.functions.in_process import RunStopped as RunStopped
    from sweepd.functions.running import agent as agent
    from sweepd.functions.sweeping import controller as controller
    from sweepd.functions.sweeping import sweep as sweep
    from sweepd.objects.api import Api as Api
    from sweepd.objects.arguments import SweepWarning as SweepWarning
    from sweepd.objects.async_client import AsyncClient as AsyncClient
    from sweepd.objects.async_sweep import AsyncStoredRun as AsyncStoredRun
    from sweepd.objects.async_sweep import AsyncSweep as AsyncSweep
    from sweepd.objects.client import Client as Client
    from sweepd.objects.results import BestSoFar as BestSoFar
    from sweepd.objects.results import CategoryCorrelation as CategoryCorrelation
    from sweepd.objects.results import History as History
    from sweepd.objects.results import Importance as Importance
    from sweepd.objects.results import ParameterImportance as ParameterImportance
    from sweepd.objects.sweep import StoredRun as StoredRun
    from sweepd.objects.sweep import Sweep as Sweep
    from sweepd.script.errors import AgentError as AgentError
    from sweepd.script.errors import ConfigError as ConfigError
    from sweepd.script.errors import Error as Error
    from sweepd.script.errors import FunctionError as FunctionError
    from sweepd.script.errors import SweepError as SweepError
    from sweepd.script.errors import UsageError as UsageError
    from sweepd.script.media.artifact import Artifact as Artifact
    from sweepd.script.media.image import Image as Image
    from sweepd.script.media.recordings import Audio as Audio
    from sweepd.script.media.recordings import Bokeh as Bokeh
    from sweepd.script.media.recordings import Graph as Graph
    from sweepd.script.media.recordings import Html as Html
    from sweepd.script.media.recordings import Molecule as Molecule
    from sweepd.script.media.recordings import Object3D as Object3D
    from sweepd.script.media.recordings import Plotly as Plotly
    from sweepd.script.media.recordings import Video as Video
    from sweepd.script.media.table import Histogram as Histogram
    from sweepd.script.media.table import Table as Table
    from sweepd.script.run.config import Config
    from sweepd.script.run.run import Run as Run
    from sweepd.script.run.summary import Summary
    from sweepd.script.session import alert as alert
    from sweepd.script.session import checkpoint_saved as checkpoint_saved
    from sweepd.script.session import define_metric as define_metric
    from sweepd.script.session import finish as finish
    from sweepd.script.session import init as init
    from sweepd.script.session import link_artifact as link_artifact
    from sweepd.script.session import link_model as link_model
    from sweepd.script.session import log as log
    from sweepd.script.session import log_artifact as log_artifact
    from sweepd.script.session import log_code as log_code
    from sweepd.script.session import log_model as log_model
    from sweepd.script.session import login as login
    from sweepd.script.session import mark_preempting as mark_preempting
    from sweepd.script.session import restore as restore
    from sweepd.script.session import save as save
    from sweepd.script.session import setup as setup
    from sweepd.script.session import teardown as teardown
    from sweepd.script.session import unwatch as unwatch
    from sweepd.script.session import use_artifact as use_artifact
    from sweepd.script.session import use_model as use_model
    from sweepd.script.session import watch as watch
    from sweepd.script.settings import Settings as Settings

    config: Config
    run: Run | None
    summary: Summary

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
    "objects.arguments": "SweepWarning",
    "objects.results": "BestSoFar CategoryCorrelation History Importance ParameterImportance",
    "objects.sweep": "StoredRun Sweep",
    "script.errors": "AgentError ConfigError Error FunctionError SweepError UsageError",
    "script.media.artifact": "Artifact",
    "script.media.image": "Image",
    "script.media.recordings": "Audio Bokeh Graph Html Molecule Object3D Plotly Video",
    "script.media.table": "Histogram Table",
    "script.run.run": "Run",
    "script.session": (
        "alert checkpoint_saved define_metric finish init link_artifact link_model log log_artifact log_code "
        "log_model login mark_preempting restore save setup teardown unwatch use_artifact use_model watch"
    ),
    "script.settings": "Settings",
}
_MODULE_BY_NAME = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}
# Attributes of the active run, so they are looked up at each use.
_RUN_ATTRIBUTES = ("config", "run", "summary")

__all__ = [*sorted((*_MODULE_BY_NAME, *_RUN_ATTRIBUTES))]

if not TYPE_CHECKING:  # so that type checkers report misspelt names

    def __getattr__(name: str) -> object:
        if name in _RUN_ATTRIBUTES:
            return getattr(import_module("sweepd.script.session"), name)()
        if name not in _MODULE_BY_NAME:
            # `from sweepd import v1` calls this before it imports the module. `errors` is also a name of W&B.
            if name != "errors" and PathFinder.find_spec(f"sweepd.{name}", __path__):
                raise AttributeError(
                    f"module 'sweepd.{name}' is not imported yet; import it first", name=name
                )
            from sweepd.compat.lookup import find

            return find(name, "sweepd")
        value = globals()[name] = getattr(import_module(f"sweepd.{_MODULE_BY_NAME[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

"""Classes of the objects that `wandb.Api()` returns, imported on first use."""

from importlib import import_module

_HOMES = {
    "Api": "sweepd.objects.api:Api",
    "Run": "sweepd.objects.api_entities:ApiRun",
    "Runs": "sweepd.objects.api_runs:ApiRuns",
    "Sweep": "sweepd.objects.api_entities:ApiSweep",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(name)
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(import_module(module), attribute)

"""Lookup of the names in W&B's module and of the modules below `wandb`."""

import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Final

from sweepd.compat.modules.errors import NotSupportedError
from sweepd.compat.names import NAMES, PAGE, Name, Support

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:  # saves the import of importlib.abc, tempfile and others; Python needs only the methods of finders

    class Loader:
        """Loader of modules."""

    class MetaPathFinder:
        """Finder of modules."""


_MODULES = "sweepd.compat.modules"


class Refused:
    """Placeholder for an unsupported name, which can be imported; any use raises NotSupportedError."""

    def __init__(self, name: str, note: str) -> None:
        self._message = f"wandb.{name} is not supported by sweepd: {note}; see {PAGE}"

    def __call__(self, *_arguments: object, **_named: object) -> object:
        """Raise NotSupportedError."""
        raise NotSupportedError(self._message)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):  # copying, pickling and the import system probe for such names
            raise AttributeError(name)
        raise NotSupportedError(self._message)

    def __repr__(self) -> str:
        return f"<{self._message}>"


def find(name: str, module: str) -> object:
    """Return the object that replaces a public name of W&B's module.

    Args:
        name: public name.
        module: module from which the name was requested, for the message.

    Raises:
        AttributeError: W&B has no such name as of `VERSION`, or sweepd lacks it.
    """
    known = NAMES.get(name)
    if known is None:
        raise AttributeError(
            f"module {module!r} has no attribute {name!r}: sweepd has no counterpart of this wandb name; "
            f"{PAGE} lists the supported names"
        )
    if known.support is Support.REFUSED:
        return Refused(name, known.note)
    if (name, module) == ("errors", "sweepd"):
        return import_module("sweepd.errors")  # this module also has the names of W&B's errors
    return _load(name, known)


def _load(name: str, known: Name) -> object:
    if not known.home:
        sweepd = import_module("sweepd")
        if name not in sweepd.__all__:
            raise AttributeError(f"module 'sweepd' has no attribute {name!r} yet; see {PAGE}")
        try:
            return getattr(sweepd, name)
        except ModuleNotFoundError as error:  # the script's Python lacks a dependency of sweepd
            raise NotSupportedError(
                f"wandb.{name} needs sweepd installed where the script runs: {error}; see {PAGE}"
            ) from error
    if known.home == "itself":
        return sys.modules.get("wandb") or import_module("sweepd")
    module, _, attribute = known.home.partition(":")
    if module == "submodules":
        return submodule(attribute)
    home = import_module(f"{_MODULES}.{module}")
    return getattr(home, attribute) if attribute else home


_MEDIA: Final = (
    "Audio Classes Graph Histogram Html Image JoinedTable Molecule Object3D Plotly Table Video box3d"
)
_TENSORBOARD: Final = "WandbHook log patch unpatch"
_SKLEARN: Final = (
    "plot_calibration_curve plot_class_proportions plot_classifier plot_clusterer plot_confusion_matrix "
    "plot_elbow_curve plot_feature_importances plot_learning_curve plot_outlier_candidates "
    "plot_precision_recall plot_regressor plot_residuals plot_roc plot_silhouette plot_summary_metrics"
)
_UTIL: Final = "add_import_hook generate_id get_module make_artifact_name_safe"

_BY_CONTENT: Final = {
    ":": "integration integration.torch",
    ":AlertLevel": "sdk.wandb_alerts",
    ":Api": "apis",
    ":Artifact ArtifactTTL": "sdk.artifacts sdk.artifacts.artifact",
    ":Artifact Config Run Settings agent controller finish init login sweep": "sdk",
    ":Config": "sdk.wandb_config",
    ":Histogram": "sdk.data_types.histogram",
    ":Html": "sdk.data_types.html",
    ":Image": "sdk.data_types.image",
    ":JoinedTable Table": "sdk.data_types.table",
    ":Run": "wandb_run",
    ":Run finish": "sdk.wandb_run",
    ":Settings": "sdk.wandb_settings",
    ":Video": "sdk.data_types.video",
    ":init": "sdk.wandb_init",
    f":{_MEDIA}": "data_types sdk.data_types",
    "env": "env",
    "errors": "errors errors.errors sdk.lib.config_util",
    "keras": "integration.keras keras",
    "lightgbm": "integration.lightgbm lightgbm",
    "plot": "plot plot.custom_chart",
    "sweepd.objects.api:Api Run Runs Sweep": "apis.public apis.public.runs apis.public.sweeps",
    "top_level:FilePathStr StrPath URIStr": "sdk.lib.paths",
    "top_level:RunDisabled": "sdk.lib sdk.lib.disabled",
    "top_level:context": "sdk.lib.telemetry",
    "top_level:monitor": "gym integration.gym",
    "top_level:setup _setup": "sdk.wandb_setup",
    "top_level:termerror termlog termsetup termwarn": "errors.term",
    f"top_level:{_TENSORBOARD}": "integration.tensorboard tensorboard",
    f"top_level:{_SKLEARN}": "integration.sklearn sklearn",
    f"util:{_UTIL}": "sdk.lib.runid util",
    "xgboost": "integration.xgboost xgboost",
}
"""Modules below `wandb`, by their content.

The content is `module:names`, or `module` for all public names of a module, or `:names` for names of `wandb`
itself. A module of `sweepd.compat.modules` is given by its short name.
"""

SUBMODULES: Final = {name: content for content, names in _BY_CONTENT.items() for name in names.split()}
"""Content of each module below `wandb`, by name."""


@cache
def submodule(name: str) -> ModuleType:
    """Return the module below `wandb` whose name is a key of SUBMODULES."""
    return _Submodule(name)


class _Submodule(ModuleType):
    """Module that re-exports names of another module, imported on first access because that may be slow."""

    def __init__(self, name: str) -> None:
        super().__init__(f"wandb.{name}", f"sweepd's replacement for wandb.{name}: see {PAGE}")
        self.__path__: list[str] = []
        self._name = name

    def __getattr__(self, name: str) -> object:
        inner = f"{self._name}.{name}"
        if inner in SUBMODULES:
            return submodule(inner)
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        module, _, listed = SUBMODULES[self._name].partition(":")
        names = listed.split()
        if name == "__all__":
            listed_here = names or not module
            return [each for each in names if each[0] != "_"] if listed_here else _public(_home(module))
        if not module and name in names:
            return find(name, self.__name__)
        if module and (not names or name in names) and hasattr(home := _home(module), name):
            return getattr(home, name)
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {name!r}: sweepd has no such name; see {PAGE}"
        )


def _home(module: str) -> ModuleType:
    return import_module(module if module.startswith("sweepd.") else f"{_MODULES}.{module}")


def _public(home: ModuleType) -> list[str]:
    names: Sequence[str] = getattr(home, "__all__", None) or [
        name for name, value in vars(home).items() if not name.startswith("_") and _is_defined_in(value, home)
    ]
    return list(names)


def _is_defined_in(value: object, home: ModuleType) -> bool:
    return getattr(value, "__module__", home.__name__) == home.__name__ and not isinstance(value, ModuleType)


class Finder(MetaPathFinder, Loader):
    """Import hook for modules below `wandb`; the import of a missing module raises a clear error."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module below `wandb`; None for other modules.

        Raises:
            ModuleNotFoundError: sweepd has no module of that name.
        """
        parent, _, name = fullname.partition(".")
        if parent != "wandb" or not name:
            return None
        if name not in SUBMODULES:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: sweepd, which replaces wandb here, has no such "
                f"module; see {PAGE}",
                name=fullname,
            )
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module of a spec."""
        return submodule(spec.name.partition(".")[2])

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: `create_module` returns a complete module."""


def install() -> None:
    """Install the import hook in this process."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())

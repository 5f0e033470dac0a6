"""The modules below `wandb` that scripts and libraries import, made of what sweepd has."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

from sweepd.compat.lookup import find
from sweepd.compat.names import PAGE

_MEDIA: Final = (
    *("Audio", "Classes", "Graph", "Histogram", "Html", "Image", "JoinedTable", "Molecule", "Object3D"),
    *("Plotly", "Table", "Video", "box3d"),
)
_ARTIFACT: Final = ("Artifact", "ArtifactTTL")

SUBMODULES: Final[dict[str, str | tuple[str, ...]]] = {
    "apis": ("Api",),
    "apis.public": "public",
    "apis.public.runs": "public",
    "apis.public.sweeps": "public",
    "data_types": _MEDIA,
    "env": "env",
    "errors": "errors",
    "errors.errors": "errors",
    "errors.term": "terminal",
    "gym": "gym",
    "integration": (),
    "integration.gym": "gym",
    "integration.keras": "keras",
    "integration.lightgbm": "lightgbm",
    "integration.sklearn": "sklearn",
    "integration.tensorboard": "tensorboard",
    "integration.torch": (),
    "integration.xgboost": "xgboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "plot": "plot",
    "plot.custom_chart": "plot",
    "sdk": (
        "Artifact",
        "Config",
        "Run",
        "Settings",
        "agent",
        "controller",
        "finish",
        "init",
        "login",
        "sweep",
    ),
    "sdk.artifacts": _ARTIFACT,
    "sdk.artifacts.artifact": _ARTIFACT,
    "sdk.data_types": _MEDIA,
    "sdk.data_types.histogram": ("Histogram",),
    "sdk.data_types.html": ("Html",),
    "sdk.data_types.image": ("Image",),
    "sdk.data_types.table": ("JoinedTable", "Table"),
    "sdk.data_types.video": ("Video",),
    "sdk.lib": "disabled",
    "sdk.lib.config_util": "errors",
    "sdk.lib.disabled": "disabled",
    "sdk.lib.paths": "paths",
    "sdk.lib.runid": "util",
    "sdk.lib.telemetry": "telemetry",
    "sdk.wandb_alerts": ("AlertLevel",),
    "sdk.wandb_config": ("Config",),
    "sdk.wandb_init": ("init",),
    "sdk.wandb_run": ("Run", "finish"),
    "sdk.wandb_settings": ("Settings",),
    "sdk.wandb_setup": "set_up",
    "sklearn": "sklearn",
    "tensorboard": "tensorboard",
    "util": "util",
    "wandb_run": ("Run",),
    "xgboost": "xgboost",
}
"""By their names: a module of `sweepd.compat` that each is, or the public names that it has."""

_made: dict[str, ModuleType] = {}


def submodule(name: str) -> ModuleType:
    """Return the module of a name below `wandb`, which is in SUBMODULES."""
    if name not in _made:
        _made[name] = _Submodule(name)
    return _made[name]


class _Submodule(ModuleType):
    """Has the names of its home, which is loaded with the first of them: it may need a framework."""

    def __init__(self, name: str) -> None:
        super().__init__(f"wandb.{name}", f"sweepd's, in place of wandb.{name}: see {PAGE}")
        self.__path__: list[str] = []
        self._name = name

    def __getattr__(self, name: str) -> object:
        inner = f"{self._name}.{name}"
        if inner in SUBMODULES:
            return submodule(inner)
        content = SUBMODULES[self._name]
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        if isinstance(content, str):
            home = import_module(f"sweepd.compat.{content}")
            if name == "__all__":
                return _public(home)
            if hasattr(home, name):
                return getattr(home, name)
        elif name == "__all__":
            return list(content)
        elif name in content:
            return find(name, self.__name__)
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {name!r}: sweepd has no such name; see {PAGE}"
        )


def _public(home: ModuleType) -> list[str]:
    names: Sequence[str] = getattr(home, "__all__", None) or [
        name for name, value in vars(home).items() if not name.startswith("_") and _is_own(value, home)
    ]
    return list(names)


def _is_own(value: object, home: ModuleType) -> bool:
    return getattr(value, "__module__", home.__name__) == home.__name__ and not isinstance(value, ModuleType)


class Finder(MetaPathFinder, Loader):
    """Finds what is imported below `wandb`; what sweepd lacks of it is named."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module below `wandb`; None if it is not below `wandb`.

        Raises:
            ModuleNotFoundError: there is none of that name.
        """
        parent, _, name = fullname.partition(".")
        if parent != "wandb" or not name:
            return None
        if name not in SUBMODULES:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: sweepd, in place of wandb, has no such module; see {PAGE}",
                name=fullname,
            )
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module."""
        return submodule(spec.name.partition(".")[2])

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: it is made."""


def install() -> None:
    """Have this process find modules below `wandb` here."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())

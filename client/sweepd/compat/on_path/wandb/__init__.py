"""Module `wandb` that offers sweepd to scripts written for W&B; docs/wandb.md lists its names."""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 -- the script's Python is not the agent's
    this = f"{sys.version.split()[0]}, {sys.executable}"
    raise ImportError(f"sweepd, in place of wandb, needs Python 3.11 or newer, but this is {this}")
try:
    import sweepd
except ModuleNotFoundError as error:  # not installed for this Python: import the package around this file
    if error.name != "sweepd":
        raise
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    spec = spec_from_file_location("sweepd", Path(__file__).resolve().parents[3] / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    sweepd = module_from_spec(spec)
    sys.modules["sweepd"] = sweepd
    spec.loader.exec_module(sweepd)

from sweepd.compat.environment import take_over
from sweepd.compat.lookup import SUBMODULES, find, install, submodule
from sweepd.compat.names import NAMES, VERSION, Support

__version__ = VERSION
__all__ = sorted(name for name, known in NAMES.items() if known.support is not Support.REFUSED)

install()
take_over(os.environ)


def __getattr__(name: str) -> object:
    if name == "init":  # libraries may set W&B's variables after the import
        take_over(os.environ)
    if name in SUBMODULES:
        return submodule(name)
    return find(name, "wandb")


def __dir__() -> list[str]:
    return sorted({*globals(), *NAMES})

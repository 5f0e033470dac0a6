"""The code that a run is made of: which files below a folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

_NO_CODE = frozenset({"node_modules", "site-packages", "sweepd-runs", "wandb", "venv", "__pycache__"})


def source_files(
    folder: Path, *, wanted: Callable[..., bool] | None, unwanted: Callable[..., bool] | None
) -> Iterator[Path]:
    """Yield the files of code below a folder in order; hidden folders and those of packages are left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NO_CODE)
        for name in sorted(files):
            path = Path(parent, name)
            if name.startswith(".") or not (_says(wanted, path, folder) if wanted else name.endswith(".py")):
                continue
            if unwanted is None or not _says(unwanted, path, folder):
                yield path


def _says(choice: Callable[..., bool], path: Path, root: Path) -> bool:
    """Return what a function of W&B's says of a path; older ones do not take the root."""
    import inspect

    try:
        takes_root = len(inspect.signature(choice).parameters) > 1
    except (TypeError, ValueError):
        takes_root = False
    return bool(choice(str(path), str(root)) if takes_root else choice(str(path)))

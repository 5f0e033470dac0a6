"""Methods that store files with a run, and methods of W&B's run that have no effect."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from sweepd.private_files import make_folder
from sweepd.script.errors import UsageError
from sweepd.script.media.artifact import Artifact
from sweepd.script.media.store import copy
from sweepd.script.notices import say
from sweepd.script.run.run_names import RunNames

_MAX_CODE_BYTES = 16 * 1024 * 1024


class RunFiles(RunNames):
    """Run with methods that store files in its folder; a failed copy never ends the training."""

    def save(
        self,
        /,
        glob_str: str | Path | None = None,
        base_path: str | Path | None = None,
        policy: str = "live",
        glob: bool = True,
        **ignored: object,
    ) -> list[str]:
        """Copy files to the run now and, unless the policy is `now`, at its end; return the copies' paths.

        Args:
            glob_str: path, which may contain wildcards.
            base_path: folder relative to which the files are named in the run. Default: the working directory
                for a relative path, else the parent of the folder that contains the file.
            policy: now, live or end.
            glob: whether `*`, `?` and `[` are wildcards.
            ignored: no effect.
        """
        if glob_str is None or self.disabled:
            return []
        pattern = os.path.abspath(os.fsdecode(glob_str))  # noqa: PTH100 (resolves `..` as text)
        if base_path is not None or not Path(glob_str).is_absolute():
            base = Path(os.path.abspath(base_path or "."))  # noqa: PTH100
        else:
            base = Path(pattern).parent.parent
        saved: list[str] = []
        for path in _matching(pattern, glob=glob):
            if path.is_relative_to(self._files):
                continue
            inner = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
            self._saved[path] = self._files / inner
            if self._store_file(path) and policy == "now":
                del self._saved[path]
            saved.append(str(self._files / inner))
        return saved

    def restore(
        self, name: str, run_path: str | None = None, replace: bool = False, root: str | None = None
    ) -> IO[str] | None:
        """Open a file of this run or of its checkpoint folder; return None if there is no such file."""
        for folder in (self._files, self._folder.checkpoint_path):
            path = folder / name
            if run_path is None and path.is_file():
                if root is None:
                    return path.open(encoding="utf-8", errors="surrogateescape")
                target = Path(root) / name
                if replace or not target.exists():
                    make_folder(target.parent)
                    copy(path, target)
                return target.open(encoding="utf-8", errors="surrogateescape")
        where = f" of run {run_path}" if run_path else ""
        self._notices.once(f"restore {name}", f"restore: no file {name!r}{where} is available")
        return None

    def log_code(
        self,
        root: str | Path | None = ".",
        name: str | None = None,
        include_fn: Callable[..., bool] | None = None,
        exclude_fn: Callable[..., bool] | None = None,
    ) -> Artifact | None:
        """Store the Python files below a folder with the run, up to 16 MiB in total."""
        folder, room = Path(root or ".").absolute(), _MAX_CODE_BYTES
        code = Artifact(name or "code", "code")
        for path in source_files(folder, wanted=include_fn, unwanted=exclude_fn):
            try:
                room -= path.stat().st_size
                if room < 0:
                    self._notices.once(
                        "code", f"log_code: more than 16 MiB of code below {folder}; the rest was skipped"
                    )
                    break
                code.add_file(path, str(path.relative_to(folder)))
            except (OSError, UsageError):
                continue  # removed, or unreadable
        return self.log_artifact(code)

    def log_artifact(
        self,
        /,
        artifact_or_path: Artifact | str | Path,
        name: str | None = None,
        type: str | None = None,  # noqa: A002 (W&B's name)
        aliases: Iterable[str] | None = None,
        tags: Iterable[str] | None = None,
        **ignored: object,
    ) -> Artifact:
        """Store an artifact, a file or a folder with the run.

        Raises:
            UsageError: the file or folder does not exist.
        """
        artifact = artifact_or_path
        if not isinstance(artifact, Artifact):
            path = Path(artifact)
            artifact = Artifact(name or f"run-{self.id}-{path.name}", type or "unspecified")
            if "://" in str(artifact_or_path):
                artifact.add_reference(artifact_or_path)
            else:
                (artifact.add_dir if path.is_dir() else artifact.add_file)(path)
        artifact.aliases = list(dict.fromkeys([*artifact.aliases, *(aliases or ["latest"])]))
        artifact.tags = list(dict.fromkeys([*artifact.tags, *(tags or [])]))
        self._artifacts[artifact.name] = artifact
        if not self.disabled:
            self._store_artifact(artifact)
        return artifact

    upsert_artifact = finish_artifact = log_artifact

    def use_artifact(self, /, artifact_or_name: Artifact | str, *ignored: object, **more: object) -> Artifact:
        """Return the artifact of this name that this run has logged, or the given artifact.

        Raises:
            UsageError: this run has not logged the artifact; artifacts of other runs are not available.
        """
        if isinstance(artifact_or_name, Artifact):
            return artifact_or_name
        name = artifact_or_name.rpartition("/")[2].partition(":")[0]
        if name in self._artifacts:
            return self._artifacts[name]
        raise UsageError(
            f"use_artifact: this run has not logged an artifact {name!r}, and artifacts of other runs are "
            "not available; read the file directly"
        )

    def log_model(
        self, path: str | Path, name: str | None = None, aliases: Iterable[str] | None = None
    ) -> None:
        """Store a model with the run, see `log_artifact`."""
        self.log_artifact(path, name or f"run-{self.id}-model", "model", aliases)

    def use_model(self, name: str) -> str:
        """Return the path of a model that this run has logged; raise UsageError for other models."""
        model = self.use_artifact(name)
        return model.file() if len(model.files()) == 1 else model.download()

    def alert(self, title: str, text: str = "", level: object = None, wait_duration: object = None) -> None:
        """Write an alert to the log of the run; the alert is not sent to anybody."""
        say(f"alert: {title}{': ' if text else ''}{text}")

    def watch(self, /, *ignored: object, **more: object) -> None:
        """Do nothing: gradients are not recorded."""
        self._without_effect("watch", "gradients and parameters are not recorded")

    def unwatch(self, /, *ignored: object, **more: object) -> None:
        """Do nothing."""

    def link_artifact(self, /, *ignored: object, **more: object) -> None:
        """Do nothing: there is no registry."""
        self._without_effect("link_artifact", "there is no registry")

    link_model = link_artifact

    def display(self, /, *ignored: object, **more: object) -> bool:
        """Do nothing: scripts have no access to the dashboard."""
        return False

    def to_html(self, /, *ignored: object, **more: object) -> str:
        """Return the name of the run: scripts have no access to the dashboard."""
        from html import escape

        return escape(self.path)

    def status(self) -> None:
        """Do nothing: scripts have no access to the server."""

    def write_logs(self, text: str) -> None:
        """Print text to standard output, which the log of the run records."""
        print(text)  # noqa: T201 (its purpose)

    def pin_config_keys(self, /, *ignored: object, **more: object) -> None:
        """Do nothing."""

    def _label(self, *ignored: object, **more: object) -> None:
        """Do nothing; W&B integrations call this method to label runs."""

    def _save_changed_files(self) -> None:
        for path in list(self._saved):
            self._store_file(path)

    def _store_file(self, path: Path) -> bool:
        target = self._saved[path]
        try:
            newest = path.stat().st_mtime_ns
            if not target.exists() or target.stat().st_mtime_ns != newest:
                make_folder(target.parent)
                copy(path, target)
        except OSError as error:
            self._notices.once(f"save {path}", f"save: {path} cannot be stored: {error}")
            return False
        return True

    def _store_artifact(self, artifact: Artifact) -> None:
        folder = self._files / "artifacts" / (artifact.name.replace("/", "-").lstrip(".") or "unnamed")
        try:
            errors = artifact.store_in(folder)
        except OSError as error:
            errors = [str(error)]
        if errors:
            more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
            self._notices.once(
                f"artifact {artifact.name}",
                f"artifact {artifact.name!r} cannot be stored completely: {errors[0]}{more}",
            )

    def _without_effect(self, name: str, why: str) -> None:
        self._notices.once(name, f"{name}() has no effect: {why}")


def _matching(pattern: str, *, glob: bool) -> Iterator[Path]:
    if not glob:
        found = [pattern]
    else:
        import glob as globbing  # slow to import; most scripts save nothing

        found = globbing.glob(pattern, recursive=True)  # noqa: PTH207 (absolute patterns)
    yield from (path for path in map(Path, found) if path.is_file())


_IGNORED_FOLDERS = frozenset({"node_modules", "site-packages", "sweepd-runs", "wandb", "venv", "__pycache__"})


def source_files(
    folder: Path, *, wanted: Callable[..., bool] | None, unwanted: Callable[..., bool] | None
) -> Iterator[Path]:
    """Yield the source files below a folder in sorted order; skip hidden and installed files."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _IGNORED_FOLDERS
        )
        for name in sorted(files):
            path = Path(parent, name)
            if name.startswith(".") or not (
                _selects(wanted, path, folder) if wanted else name.endswith(".py")
            ):
                continue
            if unwanted is None or not _selects(unwanted, path, folder):
                yield path


def _selects(choice: Callable[..., bool], path: Path, root: Path) -> bool:
    """Return True if a filter function selects a path; functions for older W&B versions take no root."""
    import inspect

    try:
        takes_root = len(inspect.signature(choice).parameters) > 1
    except (TypeError, ValueError):
        takes_root = False
    return bool(choice(str(path), str(root)) if takes_root else choice(str(path)))

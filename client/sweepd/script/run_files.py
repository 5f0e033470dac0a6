"""Files of a run, and what scripts call that has no effect here."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from sweepd.script.artifact import Artifact
from sweepd.script.errors import UsageError
from sweepd.script.kept import copy
from sweepd.script.notices import say
from sweepd.script.run_names import RunNames

_CODE_BYTES = 16 * 1024 * 1024
_NO_CODE = frozenset({"node_modules", "site-packages", "sweepd-runs", "wandb", "venv", "__pycache__"})


class RunFiles(RunNames):
    """Brings files into the folder of the run; none of it ever ends a training."""

    def save(
        self,
        /,
        glob_str: str | Path | None = None,
        base_path: str | Path | None = None,
        policy: str = "live",
        **ignored: object,
    ) -> list[str]:
        """Keep files with the run: at once, and unless the policy is `now` again at its end.

        Args:
            glob_str: a path, may have `*`.
            base_path: what their paths within the run begin at; if not given, the folder of each.
            policy: now, live or end.
            ignored: has no effect.
        """
        import glob  # as many modules as the rest; most scripts save nothing

        if glob_str is None or self.disabled:
            return []
        base = None if base_path is None else Path(base_path).absolute()
        saved: list[str] = []
        for found in glob.glob(str(glob_str), recursive=True):  # noqa: PTH207 (also absolute patterns)
            path = Path(found).absolute()
            if path.is_file() and not path.is_relative_to(self._files):
                inner = path.relative_to(base) if base and path.is_relative_to(base) else Path(path.name)
                self._saved[path] = self._files / inner
                if self._keep_file(path) and policy == "now":
                    del self._saved[path]
                saved.append(str(self._files / inner))
        return saved

    def restore(
        self, name: str, run_path: str | None = None, replace: bool = False, root: str | None = None
    ) -> IO[str] | None:
        """Open a file of this run, or of its checkpoint folder; None if it has none of this name."""
        for folder in (self._files, self._folder.checkpoint_path):
            path = folder / name
            if run_path is None and path.is_file():
                if root is None:
                    return path.open(encoding="utf-8", errors="surrogateescape")
                target = Path(root) / name
                if replace or not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    copy(path, target)
                return target.open(encoding="utf-8", errors="surrogateescape")
        where = f" of run {run_path}" if run_path else ""
        self._notices.once(f"restore {name}", f"restore: no file {name!r}{where} here")
        return None

    def log_code(
        self,
        root: str | Path | None = ".",
        name: str | None = None,
        include_fn: Callable[..., bool] | None = None,
        exclude_fn: Callable[..., bool] | None = None,
    ) -> Artifact | None:
        """Keep the Python files below a folder with the run, 16 MiB at most."""
        folder, room = Path(root or ".").absolute(), _CODE_BYTES
        code = Artifact(name or "code", "code")
        for path in sorted(folder.rglob("*")):
            inner = path.relative_to(folder)
            hidden = any(part.startswith(".") or part in _NO_CODE for part in inner.parts)
            wanted = include_fn(str(path)) if include_fn else path.suffix == ".py"
            unwanted = exclude_fn is not None and exclude_fn(str(path))
            if hidden or not wanted or unwanted or not path.is_file():
                continue
            room -= path.stat().st_size
            if room < 0:
                self._notices.once("code", f"log_code: more than 16 MiB of code below {folder}; cut short")
                break
            code.add_file(path, str(inner))
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
        """Keep an artifact, a file or a folder with the run.

        Raises:
            UsageError: the file or folder is not there.
        """
        artifact = artifact_or_path
        if not isinstance(artifact, Artifact):
            path = Path(artifact)
            artifact = Artifact(name or f"run-{self.id}-{path.name}", type or "unspecified")
            (artifact.add_dir if path.is_dir() else artifact.add_file)(path)
        artifact.aliases = list(dict.fromkeys([*artifact.aliases, *(aliases or ["latest"])]))
        artifact.tags = list(dict.fromkeys([*artifact.tags, *(tags or [])]))
        self._artifacts[artifact.name] = artifact
        if not self.disabled:
            folder = self._files / "artifacts" / artifact.name.replace("/", "-")
            try:
                artifact.keep(folder)
            except (OSError, TypeError) as error:
                self._notices.once(
                    f"artifact {artifact.name}", f"artifact {artifact.name!r} is lost: {error}"
                )
        return artifact

    upsert_artifact = finish_artifact = log_artifact

    def use_artifact(self, /, artifact_or_name: Artifact | str, *ignored: object, **more: object) -> Artifact:
        """Return an artifact that this run has logged, or one that is given.

        Raises:
            UsageError: this run has logged none of this name; those of other runs are not kept here.
        """
        if isinstance(artifact_or_name, Artifact):
            return artifact_or_name
        name = artifact_or_name.rpartition("/")[2].partition(":")[0]
        if name in self._artifacts:
            return self._artifacts[name]
        raise UsageError(
            f"use_artifact: this run has logged no artifact {name!r}, and those of other runs are not kept; "
            "read it from its file"
        )

    def log_model(
        self, path: str | Path, name: str | None = None, aliases: Iterable[str] | None = None
    ) -> None:
        """Keep a model with the run, see `log_artifact`."""
        self.log_artifact(path, name or f"run-{self.id}-model", "model", aliases)

    def use_model(self, name: str) -> str:
        """Return the path of a model that this run has logged; raises UsageError for others."""
        model = self.use_artifact(name)
        return model.file() if len(model.files()) == 1 else model.download()

    def alert(self, title: str, text: str = "", level: object = None, wait_duration: object = None) -> None:
        """Write a line to the run's log; nobody is called."""
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
        """Do nothing: a script knows no page."""
        return False

    def to_html(self, /, *ignored: object, **more: object) -> str:
        """Return its name: a script knows no page."""
        from html import escape

        return escape(self.path)

    def status(self) -> None:
        """Do nothing: a script knows no server."""

    def write_logs(self, text: str) -> None:
        """Write a text to the standard output, which is the run's log."""
        print(text)  # noqa: T201 (its purpose)

    def pin_config_keys(self, *ignored: object) -> None:
        """Do nothing."""

    def _label(self, *ignored: object, **more: object) -> None:
        """Do nothing: libraries mark runs of W&B as theirs with it."""

    def _save_again(self) -> None:
        for path in list(self._saved):
            self._keep_file(path)

    def _keep_file(self, path: Path) -> bool:
        target = self._saved[path]
        try:
            newest = path.stat().st_mtime_ns
            if not target.exists() or target.stat().st_mtime_ns != newest:
                target.parent.mkdir(parents=True, exist_ok=True)
                copy(path, target)
        except OSError as error:
            self._notices.once(f"save {path}", f"save: {path} cannot be kept: {error}")
            return False
        return True

    def _without_effect(self, name: str, why: str) -> None:
        self._notices.once(name, f"{name}() has no effect: {why}")

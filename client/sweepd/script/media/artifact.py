"""Artifacts: named sets of files, stored among the files of the run that logs them."""

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from sweepd.private_files import make_folder
from sweepd.script.errors import MissingAttributes, UsageError
from sweepd.script.folder.run_folder import write_json
from sweepd.script.folder.state_file import document_of
from sweepd.script.media.store import MediaFile, Storable, copy, is_file

_MANIFEST = "artifact.json"


class Artifact(MissingAttributes):
    """Named set of files. Versions, aliases of other runs and lineage are not stored."""

    def __init__(
        self,
        name: str,
        type: str,  # noqa: A002 (W&B's name)
        description: str | None = None,
        metadata: Mapping[str, object] | None = None,
        incremental: bool = False,
        use_as: str | None = None,
        **ignored: object,
    ) -> None:
        """Create an empty artifact; `incremental`, `use_as` and `ignored` have no effect."""
        self.incremental = incremental
        self.use_as = use_as
        # Attribute without effect.
        self.ttl: object = None
        self.name = str(name)
        self.type = str(type)
        self.description = description
        self.metadata: dict[str, object] = dict(metadata or {})
        self.aliases: list[str] = []
        self.tags: list[str] = []
        self.version = "v0"
        self.references: dict[str, str] = {}
        self._files: dict[str, Path | Storable] = {}
        self._opened: list[IO[str] | IO[bytes]] = []
        # Temporary folders of the files that `new_file` creates, by file; removed after the file is stored.
        self._temporary_folders: dict[Path, Path] = {}
        self._folder: Path | None = None

    def add_file(self, local_path: str | Path, name: str | None = None, **ignored: object) -> "_Entry":
        """Add a file.

        Raises:
            UsageError: the file does not exist, or `name` leads outside of the artifact.
        """
        path = Path(local_path)
        if not path.is_file():
            raise UsageError(f"Artifact.add_file: file {path} does not exist")
        inner = _inner_path(name or path.name)
        self._files[inner] = path.absolute()
        return _Entry(self, inner)

    def add_dir(self, local_path: str | Path, name: str | None = None, **ignored: object) -> None:
        """Add all files below a folder.

        Raises:
            UsageError: the folder does not exist, or `name` leads outside of the artifact.
        """
        folder = Path(local_path)
        if not folder.is_dir():
            raise UsageError(f"Artifact.add_dir: folder {folder} does not exist")
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                inner = str(path.relative_to(folder))
                self._files[_inner_path(f"{name}/{inner}" if name else inner)] = path.absolute()

    def add_reference(self, uri: object, name: str | Path | None = None, **ignored: object) -> None:
        """Add a URI, without fetching its content."""
        self.references[str(name or str(uri).rpartition("/")[2])] = str(uri)

    def add(self, obj: Storable, name: str | Path, overwrite: bool = False) -> "_Entry":
        """Add a media object or a table."""
        inner = _inner_path(str(name))
        self._files[inner] = obj
        return _Entry(self, inner)

    def get(self, name: str) -> Storable | None:
        """Return the media object or table that was added under a name, or None."""
        found = self._files.get(name)
        return None if isinstance(found, Path) else found

    def new_file(self, name: str, mode: str = "w", encoding: str | None = None, **ignored: object) -> IO[str]:
        """Open a new file of the artifact for writing."""
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="sweepd-artifact-"))
        path = folder / _inner_path(name)
        make_folder(path.parent)
        file: IO[str] = path.open(mode.replace("x", "w"), encoding=encoding)
        self._files[_inner_path(name)] = path
        self._temporary_folders[path] = folder
        self._opened.append(file)
        return file

    def remove(self, item: object) -> None:
        """Remove a file from the artifact."""
        self._files.pop(item.path if isinstance(item, _Entry) else str(item), None)

    def wait(self, timeout: float | None = None) -> Self:
        """Return at once: a logged artifact is already stored."""
        return self

    def save(self, /, *ignored: object, **more: object) -> None:
        """Do nothing: `log_artifact` stores the artifact, and there are no versions and no registry."""

    finalize = link = unlink = verify = delete = save

    def is_draft(self) -> bool:
        """Return True until a run has logged the artifact."""
        return self._folder is None

    def logged_by(self) -> None:
        """Return None: lineage is not stored."""

    def used_by(self) -> list[object]:
        """Return an empty list: lineage is not stored."""
        return []

    @property
    def file_count(self) -> int:
        """Number of files."""
        return len(self._files)

    @property
    def size(self) -> int:
        """Total size of the files in bytes, without media and tables."""
        return sum(
            path.stat().st_size for path in self._files.values() if isinstance(path, Path) and is_file(path)
        )

    def files(self, /, *ignored: object, **more: object) -> list[str]:
        """Return the sorted names of the files."""
        return sorted(self._files)

    def download(self, root: str | Path | None = None, **ignored: object) -> str:
        """Return the folder of the files; with `root`, copy the files there and return `root`.

        Raises:
            UsageError: this run has not logged the artifact.
        """
        if self._folder is None:
            raise UsageError(
                f"artifact {self.name!r} was not logged by this run, so it is not available here"
            )
        if root is None:
            return str(self._folder)
        import shutil  # imports every archive format

        make_folder(Path(root))
        shutil.copytree(self._folder, root, dirs_exist_ok=True)
        return str(root)

    checkout = download

    def file(self, root: str | Path | None = None) -> str:
        """Return the path of the only file.

        Raises:
            UsageError: the artifact does not have exactly one file, or this run has not logged it.
        """
        if len(self._files) != 1:
            raise UsageError(
                f"artifact {self.name!r} has {len(self._files)} files; select one with get_path(name)"
            )
        (name,) = self._files
        return str(Path(self.download(root)) / name)

    def get_path(self, name: str) -> "_Entry":
        """Return an entry of the artifact, which has a method `download`."""
        return _Entry(self, name)

    get_entry = get_path

    def store_in(self, folder: Path) -> list[str]:
        """Copy the files into a folder of the run; return an error message for each file that failed.

        Raises:
            OSError: the folder cannot be written.
        """
        for file in self._opened:
            if not file.closed:
                file.flush()
        make_folder(folder)
        errors: list[str] = []
        for name, content in list(self._files.items()):
            try:
                path = folder / name
                make_folder(path.parent)
                self._store_one(name, content, folder, path)
            except Exception as error:  # noqa: BLE001 (an encoder may raise anything; other files are stored)
                errors.append(f"{name}: {error}")
        document = {
            "name": self.name,
            "type": self.type,
            "description": self.description,
            "metadata": self.metadata,
            "aliases": self.aliases,
            "references": self.references,
        }
        manifest = _MANIFEST if _MANIFEST not in self._files else f"sweepd.{_MANIFEST}"
        write_json(folder / manifest, document_of(document))
        self._folder = folder
        return errors

    def _store_one(self, name: str, content: Path | Storable, folder: Path, path: Path) -> None:
        if isinstance(content, Path):
            copy(content, path)
            if content in self._temporary_folders and all(file.closed for file in self._opened):
                import shutil

                shutil.rmtree(self._temporary_folders.pop(content), ignore_errors=True)
                self._files[name] = path
            return
        stored = content.store(MediaFile(folder, "value", None))
        _, dot, kind = stored.name.partition(".")
        stored.replace(path.with_name(f"{path.name}{dot}{kind}"))


class _Entry:
    def __init__(self, artifact: Artifact, name: str) -> None:
        self._artifact = artifact
        self.path = name

    def download(self, root: str | Path | None = None) -> str:
        """Download the artifact and return the path of the file; see `Artifact.download`."""
        return str(Path(self._artifact.download(root)) / self.path)


def _inner_path(name: str) -> str:
    """Return a file name as a relative path inside the artifact.

    Raises:
        UsageError: the path is empty, absolute, or contains `..`.
    """
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts:
        raise UsageError(f"Artifact: {name!r} is not a path within the artifact")
    return "/".join(parts)

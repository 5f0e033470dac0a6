"""Artifacts: named sets of files, kept among the files of the run that logs them."""

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from sweepd.folders import make_folder
from sweepd.script.document import document_of
from sweepd.script.errors import UsageError
from sweepd.script.familiar import Familiar
from sweepd.script.folder import write_json
from sweepd.script.kept import Place, Storable, copy, is_file

_MANIFEST = "artifact.json"


class Artifact(Familiar):
    """A named set of files. Versions, aliases of other runs and lineage are not kept."""

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
        """Begin an empty set; `incremental`, `use_as` and others have no effect."""
        self.incremental = incremental
        self.use_as = use_as
        # Nothing here goes by it.
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
        # Files that were written for it alone, and the folders that go with them once they are kept.
        self._drafts: dict[Path, Path] = {}
        self._folder: Path | None = None

    def add_file(self, local_path: str | Path, name: str | None = None, **ignored: object) -> "_Entry":
        """Add a file.

        Raises:
            UsageError: it is not there.
        """
        path = Path(local_path)
        if not path.is_file():
            raise UsageError(f"Artifact.add_file: the file {path} is not there")
        inner = _inside(name or path.name)
        self._files[inner] = path.absolute()
        return _Entry(self, inner)

    def add_dir(self, local_path: str | Path, name: str | None = None, **ignored: object) -> None:
        """Add all files below a folder.

        Raises:
            UsageError: it is not there.
        """
        folder = Path(local_path)
        if not folder.is_dir():
            raise UsageError(f"Artifact.add_dir: the folder {folder} is not there")
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                inner = str(path.relative_to(folder))
                self._files[_inside(f"{name}/{inner}" if name else inner)] = path.absolute()

    def add_reference(self, uri: object, name: str | Path | None = None, **ignored: object) -> None:
        """Add an address; what is there is not fetched."""
        self.references[str(name or str(uri).rpartition("/")[2])] = str(uri)

    def add(self, obj: Storable, name: str | Path, overwrite: bool = False) -> "_Entry":
        """Add media or a table."""
        inner = _inside(str(name))
        self._files[inner] = obj
        return _Entry(self, inner)

    def get(self, name: str) -> Storable | None:
        """Return media or a table that was added under a name; None if there is none."""
        found = self._files.get(name)
        return None if isinstance(found, Path) else found

    def new_file(self, name: str, mode: str = "w", encoding: str | None = None, **ignored: object) -> IO[str]:
        """Open a new file of it for writing."""
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="sweepd-artifact-"))
        path = folder / _inside(name)
        make_folder(path.parent)
        file: IO[str] = path.open(mode.replace("x", "w"), encoding=encoding)
        self._files[_inside(name)] = path
        self._drafts[path] = folder
        self._opened.append(file)
        return file

    def remove(self, item: object) -> None:
        """Leave a file out again."""
        self._files.pop(item.path if isinstance(item, _Entry) else str(item), None)

    def wait(self, timeout: float | None = None) -> Self:
        """Return at once: what was logged is kept already."""
        return self

    def save(self, /, *ignored: object, **more: object) -> None:
        """Do nothing: `log_artifact` keeps it, and there are no versions and no registry."""

    finalize = link = unlink = verify = delete = save

    def is_draft(self) -> bool:
        """Return whether no run has logged it yet."""
        return self._folder is None

    def logged_by(self) -> None:
        """Return None: where it comes from is not kept."""

    def used_by(self) -> list[object]:
        """Return nothing: who uses it is not kept."""
        return []

    @property
    def file_count(self) -> int:
        """How many files it has."""
        return len(self._files)

    @property
    def size(self) -> int:
        """The bytes of its files, media and tables left out."""
        return sum(
            path.stat().st_size for path in self._files.values() if isinstance(path, Path) and is_file(path)
        )

    def files(self, /, *ignored: object, **more: object) -> list[str]:
        """Return the names of its files."""
        return sorted(self._files)

    def download(self, root: str | Path | None = None, **ignored: object) -> str:
        """Return a folder with its files; with `root`, copies of them there.

        Raises:
            UsageError: it was not logged by this run.
        """
        if self._folder is None:
            raise UsageError(f"artifact {self.name!r} was not logged by this run, so it is not here")
        if root is None:
            return str(self._folder)
        import shutil  # loads every kind of archive

        make_folder(Path(root))
        shutil.copytree(self._folder, root, dirs_exist_ok=True)
        return str(root)

    checkout = download

    def file(self, root: str | Path | None = None) -> str:
        """Return the path of its only file.

        Raises:
            UsageError: it has several, or was not logged by this run.
        """
        if len(self._files) != 1:
            raise UsageError(
                f"artifact {self.name!r} has {len(self._files)} files; get_path(name) is one of them"
            )
        (name,) = self._files
        return str(Path(self.download(root)) / name)

    def get_path(self, name: str) -> "_Entry":
        """Return a file of it, which has a method `download`."""
        return _Entry(self, name)

    get_entry = get_path

    def keep(self, folder: Path) -> list[str]:
        """Copy its files into a folder of the run; return what is wrong with those that could not be.

        Raises:
            OSError: the folder cannot be written.
        """
        for file in self._opened:
            if not file.closed:
                file.flush()
        make_folder(folder)
        complaints: list[str] = []
        for name, content in list(self._files.items()):
            try:
                path = folder / name
                make_folder(path.parent)
                self._keep_one(name, content, folder, path)
            except Exception as error:  # noqa: BLE001 (whatever an encoder says, the others are kept)
                complaints.append(f"{name}: {error}")
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
        return complaints

    def _keep_one(self, name: str, content: Path | Storable, folder: Path, path: Path) -> None:
        if isinstance(content, Path):
            copy(content, path)
            if content in self._drafts and all(file.closed for file in self._opened):
                import shutil

                shutil.rmtree(self._drafts.pop(content), ignore_errors=True)
                self._files[name] = path
            return
        made = content.store(Place(folder, "value", None))
        _, dot, kind = made.name.partition(".")
        made.replace(path.with_name(f"{path.name}{dot}{kind}"))


class _Entry:
    def __init__(self, artifact: Artifact, name: str) -> None:
        self._artifact = artifact
        self.path = name

    def download(self, root: str | Path | None = None) -> str:
        """Return the path of the file, see `Artifact.download`."""
        return str(Path(self._artifact.download(root)) / self.path)


def _inside(name: str) -> str:
    """Return a name of a file that stays within its folder.

    Raises:
        UsageError: it would not.
    """
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts:
        raise UsageError(f"Artifact: {name!r} is no name within it")
    return "/".join(parts)

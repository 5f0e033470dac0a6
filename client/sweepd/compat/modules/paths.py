"""Type names of W&B for paths."""

from os import PathLike

__all__ = ["FilePathStr", "StrPath", "URIStr"]

StrPath = str | PathLike[str]
FilePathStr = str
URIStr = str

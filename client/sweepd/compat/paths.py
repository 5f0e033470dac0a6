"""Names of types of paths, as W&B's package has them."""

from os import PathLike

__all__ = ["FilePathStr", "StrPath", "URIStr"]

StrPath = str | PathLike[str]
FilePathStr = str
URIStr = str

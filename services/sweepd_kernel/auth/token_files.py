"""Files with the secrets of a server: its service token and its access token."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from sweepd.folders import make_folder
from sweepd_kernel.errors import StartError


def ensure_token(path: Path) -> str:
    """Return the secret in `path`; create one that only this account can read if there is none.

    Processes that start at the same time agree on one.

    Raises:
        StartError: the file cannot be read or created, or holds no secret.
    """
    try:
        with suppress(FileExistsError):
            if not path.exists():
                _create(path)
        token = path.read_text().strip()
    except OSError as error:
        raise StartError(f"cannot use the token file {path}: {error.strerror}") from None
    if not token.isascii() or not token.isprintable() or len(token) < 16:
        raise StartError(f"{path} holds no token; remove it to have a new one made")
    return token


def _create(path: Path) -> None:
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(f"{secrets.token_urlsafe(32)}\n")
        # Unlike a rename, a link fails where another process was faster.
        os.link(draft, path)
    finally:
        draft.unlink()

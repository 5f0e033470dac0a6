"""Files with the secrets of a server: its service token and its access token."""

import secrets
from contextlib import suppress
from pathlib import Path

from sweepd.private_files import create_file, make_folder
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
                make_folder(path.parent)
                create_file(path, f"{secrets.token_urlsafe(32)}\n")
        token = path.read_text().strip()
    except OSError as error:
        raise StartError(f"cannot use the token file {path}: {error.strerror}") from None
    if not token.isascii() or not token.isprintable() or len(token) < 16:
        raise StartError(f"{path} holds no token; remove it to have a new one made")
    return token

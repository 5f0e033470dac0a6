"""Small files of names and values, replaced as a whole; cheap enough for the supervisor to read and write."""

import os
from collections.abc import Mapping


def write_record(path: str, values: Mapping[str, str | int | float]) -> None:
    """Replace the record at `path`; a reader sees the old one or the new one."""
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "w", encoding="ascii") as file:  # noqa: PTH123 -- pathlib is a third of the start
        for name, value in values.items():
            text = str(value).encode("unicode_escape").decode("ascii")
            file.write(f"{name} {text}\n")
    os.replace(fresh, path)  # noqa: PTH105


def read_record(path: str) -> dict[str, str] | None:
    """Return the record at `path`, None if there is none."""
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    pairs = (line.partition(" ") for line in lines)
    return {name: value.encode("ascii").decode("unicode_escape") for name, _, value in pairs}

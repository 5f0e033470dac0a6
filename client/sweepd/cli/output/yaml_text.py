"""Writes YAML that every reader, of YAML 1.1 or 1.2, takes for the same values: text stays text."""

import re
from typing import Final

import yaml

from sweepd.cli.output.table import is_number
from sweepd.spec.loading.scalars import resolve
from sweepd.spec.point import Json

_UNPRINTABLE: Final = re.compile("[^\n\x20-\x7e]")


class _Dumper(yaml.SafeDumper):
    """The library's, which leaves text like `1e-5` or `08` bare that other readers take for a number."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if not text.isprintable():
        style = '"'  # the only style that has escapes
    elif not isinstance(_read_bare(text), str) or is_number(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _read_bare(text: str) -> object:
    """Return what a bare text would be read as; None for a number that is too long to be read."""
    try:
        return resolve(text)
    except ValueError:
        return None


_Dumper.add_representer(str, _text)


def yaml_text(document: Json) -> str:
    """Return a document as YAML, keys in their order; nothing in it steers a terminal."""
    text = str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    """Return an escape for what the library leaves bare: marks that reorder text, within double quotes."""
    letter = match[0]
    return letter if letter.isprintable() else f"\\U{ord(letter):08X}"

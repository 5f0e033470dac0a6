"""YAML output that readers of YAML 1.1 and 1.2 parse as the same values: text stays text."""

import re
from typing import Final

import yaml

from sweepd.cli.output.table import is_number
from sweepd.spec.loading.scalars import resolve
from sweepd.spec.point import Json

_UNPRINTABLE: Final = re.compile("[^\n\x20-\x7e]")


class _Dumper(yaml.SafeDumper):
    """Dumper that also quotes texts like `1e-5` and `08`, which other readers take for numbers."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if not text.isprintable():
        style = '"'  # the only style that has escapes
    elif not isinstance(_read_bare(text), str) or is_number(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _read_bare(text: str) -> object:
    """Return the value of an unquoted text; None for a number that is too long to parse."""
    try:
        return resolve(text)
    except ValueError:
        return None


_Dumper.add_representer(str, _text)


def yaml_text(document: Json) -> str:
    """Return a document as YAML, with keys in their order and without terminal control characters."""
    text = str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    """Return an escape for a character that PyYAML leaves in double quotes, such as a bidirectional mark."""
    letter = match[0]
    return letter if letter.isprintable() else f"\\U{ord(letter):08X}"

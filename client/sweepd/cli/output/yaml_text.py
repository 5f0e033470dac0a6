"""YAML output that parsers of YAML 1.1 and 1.2 read as the same values."""

import re
from typing import Final

import yaml

from sweepd.cli.output.table import is_number
from sweepd.spec.loading.scalars import resolve
from sweepd.spec.point import Json

_UNPRINTABLE: Final = re.compile("[^\n\x20-\x7e]")


class _Dumper(yaml.SafeDumper):
    """Dumper that also quotes texts such as `1e-5` and `08`, which other parsers read as numbers."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if not text.isprintable():
        style = '"'  # the only style with escapes
    elif not isinstance(_read_unquoted(text), str) or is_number(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _read_unquoted(text: str) -> object:
    """Return the value of an unquoted text; None for a number that is too long to parse."""
    try:
        return resolve(text)
    except ValueError:
        return None


_Dumper.add_representer(str, _text)


def yaml_text(document: Json) -> str:
    """Return a document as YAML, with the order of keys kept and control characters escaped."""
    text = str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True))
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    """Return the escape of a character that PyYAML does not escape, such as a bidirectional mark."""
    letter = match[0]
    return letter if letter.isprintable() else f"\\U{ord(letter):08X}"

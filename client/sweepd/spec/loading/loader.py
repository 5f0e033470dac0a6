"""Loader of document trees: checks the encoding and size of a file, and reads one mapping in YAML or JSON."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from numbers import Integral, Real
from typing import Final

from sweepd.spec.finding import Findings, Place
from sweepd.spec.limits import MAX_FILE_BYTES
from sweepd.spec.loading.scalars import resolve
from sweepd.spec.loading.tree import Composer, LoadError, MappingNode, Node, Scalar, ScalarNode, plain
from sweepd.spec.point import Json

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]\n]|[^\s,:{}\[\]"]+')


def is_json(text: str) -> bool:
    """Return True if a text is a JSON object; other text that starts with a brace is YAML."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        # Do not convert numbers here: a long number would take quadratic time.
        json.loads(text, parse_int=len, parse_float=len, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _feed_json(text: str, composer: Composer) -> None:
    """Feed a text accepted by `is_json` to the composer, without checking its syntax again."""
    line, line_start = 1, 0
    for match in _TOKEN.finditer(text):
        word = match[0]
        place = Place(line, match.start() - line_start + 1)
        match word[0]:
            case "\n":
                line, line_start = line + 1, match.end()
            case "{" | "[":
                composer.start(place, mapping=word == "{")
            case "}" | "]":
                composer.end()
            case '"' if composer.wants_key:
                composer.key(str(json.loads(word)), place)
            case '"':
                composer.scalar(str(json.loads(word)), place)
            case _:
                composer.scalar(_literal(word, place), place)


def _literal(word: str, place: Place) -> Scalar:
    try:
        return resolve(word)  # JSON literals have the same value in YAML
    except ValueError as error:
        raise LoadError("bad-value", str(error), place) from None


def _refuse(word: str) -> float:
    raise ValueError(word)


_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def load_text(content: bytes, findings: Findings) -> MappingNode | None:
    """Return the mapping that a file holds, or None after recording an error."""

    def feed(composer: Composer) -> None:
        text = _decoded(content)
        _check_printable(text)
        _feed_text(text, composer)

    return _loaded(feed, findings)


def load_mapping(document: Mapping[str, object], findings: Findings) -> MappingNode | None:
    """Return the tree of a Python mapping, without source positions, or None after recording an error."""
    return _loaded(lambda composer: _feed_python(document, composer), findings)


def _loaded(feed: Callable[[Composer], None], findings: Findings) -> MappingNode | None:
    composer = Composer(findings)
    try:
        feed(composer)
        return _mapping(composer.root)
    except LoadError as error:
        findings.error(error.place, composer.path, error.code, error.message)
        return None


def _feed_text(text: str, composer: Composer) -> None:
    if is_json(text):
        _feed_json(text, composer)
    else:
        # Imported lazily: the YAML library is heavy, and most processes never read YAML.
        from sweepd.spec.loading import yaml_tokens

        yaml_tokens.feed(text, composer)


def _decoded(content: bytes) -> str:
    if len(content) > MAX_FILE_BYTES:
        message = f"the file is larger than the maximum of {MAX_FILE_BYTES:,} bytes"
        raise LoadError("file-too-large", message, None)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        message = f"not UTF-8: {error.reason} (byte 0x{content[error.start]:02x})"
        raise LoadError("not-utf8", message, _place_after(before)) from None


def _check_printable(text: str) -> None:
    """Reject characters that YAML does not allow unescaped; the YAML library would not report their line."""
    bad = _UNPRINTABLE.search(text)
    if bad is not None and not is_json(text):
        message = (
            f"the control character U+{ord(bad[0]):04X}; within double quotes it can be written as an escape"
        )
        if bad[0] == "\0":  # even escaped, a NUL cannot be passed to a program
            message = "a NUL byte: this is not a text file"
        raise LoadError("control-character", message, _place_after(text[: bad.start()]))


def _place_after(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _mapping(root: Node | None) -> MappingNode:
    match root:
        case MappingNode(entries=entries) if entries:
            return root
        case None | MappingNode() | ScalarNode(value=None):
            raise LoadError("empty-file", "the file is empty: nothing to sweep over", None)
        case _:
            message = "the file must hold one mapping (`method: …`, `parameters: …`)"
            raise LoadError("not-a-mapping", message, root.place)


def _feed_python(value: object, composer: Composer) -> None:
    match value:
        case Mapping():
            composer.start(None, mapping=True)
            for key, item in value.items():
                if not isinstance(key, str):
                    raise LoadError("key-not-text", f"the key {key!r:.60} is not text", None)
                composer.key(str.__str__(key), None)
                _feed_python(item, composer)
            composer.end()
        case Sequence() if not isinstance(value, str | bytes | bytearray | memoryview):
            composer.start(None, mapping=False)
            for item in value:
                _feed_python(item, composer)
            composer.end()
        case _ if callable(listed := getattr(value, "tolist", None)) and getattr(value, "shape", None):
            _feed_python(listed(), composer)  # an array of numpy or a similar library
        case _:
            composer.scalar(_python_scalar(value), None)


def _python_scalar(value: object) -> Scalar:
    """Convert a scalar, such as a StrEnum member or a numpy number, to a built-in value."""
    match value:
        case None | bool():
            return value
        case str():
            return str.__str__(value)
        case Integral():
            return int(value)
        case Real():
            return float(value)
        case _:
            hint = "; make it a list" if isinstance(value, AbstractSet) else ""
            message = f"a value of type {type(value).__name__} cannot be part of a sweep{hint}"
            raise LoadError("not-json", message, None)


_FLOW_STARTS = ("'", '"', "[", "{")


def read_value(text: str) -> Json:
    """Return the value of one command-line word.

    A word is read like a scalar in a file: `1e-5` is a number, `yes` a boolean, `sgd` text. A word that
    begins with a quote or a bracket is read as YAML, so `'1'` with its quotes is text, and `[1, 2]` a list.

    Raises:
        ValueError: the word begins with a quote or a bracket, but is not valid YAML, or a number is too long.
    """
    if text.startswith(_FLOW_STARTS):
        return plain(_node(text))
    return resolve(text)


def read_values(text: str) -> dict[str, Json]:
    """Return the values of a mapping in YAML or JSON.

    Raises:
        ValueError: the text is not valid YAML or JSON, or not a mapping.
    """
    node = _node(text)
    if not isinstance(node, MappingNode):
        raise ValueError("expected a mapping from names to values, such as {lr: 0.1}")
    return {name: plain(entry.node) for name, entry in node.entries.items()}


def _node(text: str) -> Node:
    findings = Findings("")
    composer = Composer(findings)
    try:
        _feed_text(text, composer)
    except LoadError as error:
        raise ValueError(error.message) from None
    for finding in findings.in_order():
        raise ValueError(finding.message)
    if composer.root is None:
        raise ValueError("the text is empty")
    return composer.root

"""Shapes used by a single key: commands, points, labels, expressions, metadata and patterns."""

import re
import warnings
from typing import Final

from sweepd.spec.keys.shape import Schema, ValueShape, items, text
from sweepd.spec.limits import (
    MAX_CONSTRAINTS,
    MAX_EXPRESSION_LENGTH,
    MAX_LABEL_LENGTH,
    MAX_LABELS,
    MAX_METADATA_BYTES,
    MAX_NAME_LENGTH,
    MAX_PATH_LENGTH,
    MAX_POINT_BYTES,
)
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.tree import MappingNode, Node, ScalarNode, SequenceNode, is_finite, read_json
from sweepd.spec.point import Json, Point, canonical_json
from sweepd.spec.wording import shown

NAME_SCHEMA: Final[Schema] = {"pattern": "^[A-Za-z_][A-Za-z0-9_./-]*$", "maxLength": MAX_NAME_LENGTH}
EXPRESSION_SCHEMA: Final = text(longest=MAX_EXPRESSION_LENGTH).schema
_LABEL: Final = text(longest=MAX_LABEL_LENGTH).schema
_ARGUMENT: Final[Schema] = {"type": ["string", "number", "boolean"]}


def _command(sweep: Fields, key: str) -> tuple[str, ...]:
    """Return the items as text, with numbers and booleans in Python's notation."""
    node = sweep.node_at(key)
    if not isinstance(node, SequenceNode):
        message = "must be a list with one item per argument; no shell is involved"
        sweep.error("bad-type", message, key=key)
        return ()
    command: list[str] = []
    for index, item in enumerate(node.items):
        if isinstance(item, ScalarNode) and item.value is not None:
            command.append(str(item.value))
            if index == 0 and not command[0].strip():
                message = f"must be the program to start, but {shown(command[0])} is blank"
                sweep.item_error(key, index, "bad-value", message)
        else:
            sweep.item_error(key, index, "bad-type", "an item is text, a number or a boolean")
            command.append("")  # a placeholder, so that later items keep their index in findings
    return tuple(command)


def _constraints(sweep: Fields, key: str) -> tuple[str, ...]:
    constraints = sweep.texts(key, "a list of expressions")
    if len(constraints) > MAX_CONSTRAINTS:
        message = f"{len(constraints):,} expressions; at most {MAX_CONSTRAINTS} are allowed"
        sweep.error("out-of-range", message, key=key)
    return tuple(constraints.values())


def _zips(sweep: Fields, key: str) -> tuple[tuple[str, ...], ...]:
    """Return the groups of zipped parameters."""
    zips: list[tuple[str, ...]] = []
    for index, item in enumerate(sweep.items(key, "a list of lists of parameters, such as [[a, b]]")):
        names = _names(item)
        if names is None:
            message = "must be a list of the names of at least two parameters"
            sweep.item_error(key, index, "bad-type", message)
        else:
            zips.append(names)
    return tuple(zips)


def _names(item: Node) -> tuple[str, ...] | None:
    if isinstance(item, ScalarNode | MappingNode) or len(item.items) < 2:
        return None
    names = [name.value for name in item.items if isinstance(name, ScalarNode)]
    texts = tuple(name for name in names if isinstance(name, str) and name)
    return texts if len(texts) == len(item.items) else None


def _points(sweep: Fields, key: str) -> tuple[Point, ...]:
    """Return the points of a key; `check_points` verifies that they lie in the space."""
    if sweep.is_empty_list(key):
        sweep.error("no-points", "must have at least one entry", key=key)
    listed = sweep.items(key, "a list of mappings from parameters to values")
    points = [_point(sweep, key, index, item) for index, item in enumerate(listed)]
    return tuple(point for point in points if point is not None)


def _point(sweep: Fields, key: str, index: int, item: Node) -> Point | None:
    if not isinstance(item, MappingNode):
        sweep.item_error(key, index, "bad-type", "must be a mapping from parameters to values")
        return None
    path = f"{key}[{index}]"
    point = {
        name: read_json(sweep.findings, entry.node, f"{path}.{name}") for name, entry in item.entries.items()
    }
    if not is_finite(point):
        return None
    size = len(canonical_json(point))
    if size > MAX_POINT_BYTES:
        message = f"{size:,} bytes of JSON; at most {MAX_POINT_BYTES:,} are allowed"
        sweep.item_error(key, index, "point-too-large", message)
        return None
    return point


def _requires(sweep: Fields, key: str) -> dict[str, str] | None:
    inner = sweep.inner(key, "a mapping from labels to their values")
    if inner is None or not _is_short(sweep, key, len(inner.node.entries), "labels"):
        return None
    labels: dict[str, str] = {}
    for label in inner.node.entries:
        value = inner.text(label)
        for part in (label, value or "x"):
            if not 1 <= len(part) <= MAX_LABEL_LENGTH or not part.isprintable():
                message = f"a label or value must have 1 to {MAX_LABEL_LENGTH} printable characters"
                inner.error("bad-name", message, key=label)
        if label and not label.strip():
            inner.error("bad-name", "a label must not be blank", key=label)
        labels[label] = value or ""
    return labels


def _tags(sweep: Fields, key: str) -> tuple[str, ...] | None:
    node = sweep.node_at(key)
    if isinstance(node, SequenceNode) and not _is_short(sweep, key, len(node.items), "tags"):
        return None
    tags = sweep.texts(key, "a list of texts")
    seen: set[str] = set()
    for index, tag in tags.items():
        if len(tag) > MAX_LABEL_LENGTH or not tag.isprintable():
            message = f"a tag has at most {MAX_LABEL_LENGTH} printable characters"
            sweep.item_error(key, index, "bad-name", message)
        elif tag in seen:
            sweep.item_error(key, index, "duplicate-value", f"the tag {shown(tag)} is given twice")
        seen.add(tag)
    return tuple(tags.values())


def _is_short(sweep: Fields, key: str, count: int, what: str) -> bool:
    if count > MAX_LABELS:
        sweep.error("out-of-range", f"{count:,} {what}; at most {MAX_LABELS} are allowed", key=key)
    return count <= MAX_LABELS


def _metadata(sweep: Fields, key: str) -> dict[str, Json] | None:
    inner = sweep.inner(key, "a mapping")
    if inner is None:
        return None
    metadata = {
        name: read_json(sweep.findings, entry.node, inner.path_of(name))
        for name, entry in inner.node.entries.items()
    }
    if not is_finite(metadata):
        return None
    size = len(canonical_json(metadata))
    if size > MAX_METADATA_BYTES:
        message = f"{size:,} bytes of JSON; at most {MAX_METADATA_BYTES:,} are stored"
        sweep.error("too-large", message, key=key)
    return metadata


def _pattern(mapping: Fields, key: str) -> str | None:
    pattern = mapping.text(key)
    if pattern is not None and (complaint := pattern_error(pattern)):
        mapping.error("bad-value", complaint, key=key)
    return pattern


def pattern_error(pattern: str) -> str:
    """Return the reason why a pattern is invalid, or "" if it is valid."""
    if len(pattern) > MAX_EXPRESSION_LENGTH:
        return f"a pattern of {len(pattern):,} characters; at most {MAX_EXPRESSION_LENGTH:,} are allowed"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = re.compile(pattern).groupindex
    except (re.error, RecursionError, OverflowError) as error:
        return f"is not a regular expression: {error}"
    if not names:
        return "has no named group; write (?P<loss>...) for the value of `loss`"
    return ""


def _path(mapping: Fields, key: str) -> str | None:
    path = mapping.text(key)
    if path is not None and len(path) > MAX_PATH_LENGTH:
        mapping.error("bad-value", f"must be a path of 1 to {MAX_PATH_LENGTH:,} characters", key=key)
    return path


def _non_empty(value: object) -> Json:
    return value if isinstance(value, str) and value else None


COMMAND: Final = ValueShape(
    _command, {"type": "array", "items": [{**_ARGUMENT, "pattern": r"\S"}], "additionalItems": _ARGUMENT}
)
CONSTRAINTS: Final = ValueShape(_constraints, items(EXPRESSION_SCHEMA, maxItems=MAX_CONSTRAINTS))
ZIPS: Final = ValueShape(_zips, items(items(text().schema, minItems=2, uniqueItems=True)))
POINTS: Final = ValueShape(_points, items({"type": "object", "propertyNames": NAME_SCHEMA}, minItems=1))
REQUIRES: Final = ValueShape(
    _requires,
    {
        "type": "object",
        "maxProperties": MAX_LABELS,
        "propertyNames": {"minLength": 1, "maxLength": MAX_LABEL_LENGTH, "pattern": r"\S"},
        "additionalProperties": _LABEL,
    },
)
TAGS: Final = ValueShape(_tags, items(_LABEL, maxItems=MAX_LABELS, uniqueItems=True))
METADATA: Final = ValueShape(_metadata, {"type": "object"})
PATTERN: Final = ValueShape(_pattern, text(longest=MAX_EXPRESSION_LENGTH).schema, _non_empty)
PATH: Final = ValueShape(_path, text(longest=MAX_PATH_LENGTH).schema, _non_empty)

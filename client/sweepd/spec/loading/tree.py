"""Document tree with source positions, built iteratively from tokens, within the limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite

from sweepd.spec.finding import Code, Findings, Place
from sweepd.spec.limits import INT64_MAX, INT64_MIN, MAX_DEPTH, MAX_WEIGHT, TEXT_PER_WEIGHT
from sweepd.spec.point import Json
from sweepd.spec.wording import shown

Scalar = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value."""

    value: Scalar
    place: Place | None


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple["Node", ...]
    place: Place | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value; `place` is the place of the key."""

    place: Place | None
    node: "Node"


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping with unique text keys, in the order written."""

    entries: dict[str, Entry]
    place: Place | None

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, key: str) -> bool:
        return key in self.entries


Node = ScalarNode | SequenceNode | MappingNode


def plain(node: Node) -> Json:
    """Return the plain value of a node; an aliased node is copied at each use."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode(items=items):
            return [plain(item) for item in items]
        case MappingNode(entries=entries):
            return {key: plain(entry.node) for key, entry in entries.items()}


def place_of(root: Node, path: Sequence[str | int]) -> Place | None:
    """Return the place of the value at a path, or of its innermost existing ancestor."""
    node = root
    for part in path:
        if isinstance(node, MappingNode) and isinstance(part, str) and part in node.entries:
            node = node.entries[part].node
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            break
    return node.place


def read_json(findings: Findings, node: Node, path: str) -> Json:
    """Return the plain value of a node; record an error for each NaN or infinity."""
    match node:
        case ScalarNode(value=float() as value) if not isfinite(value):
            message = f'{value} has no portable notation; write it as text, "{value}"'
            findings.error(node.place, path, "not-finite", message)
        case SequenceNode(items=items):
            for index, item in enumerate(items):
                read_json(findings, item, f"{path}[{index}]")
        case MappingNode(entries=entries):
            for key, entry in entries.items():
                read_json(findings, entry.node, f"{path}.{key}")
        case _:
            pass
    return plain(node)


def is_finite(value: Json) -> bool:
    """Return True if a value contains neither NaN nor infinity."""
    match value:
        case float():
            return isfinite(value)
        case list():
            return all(map(is_finite, value))
        case dict():
            return all(map(is_finite, value.values()))
        case _:
            return True


MERGE_KEY = "<<"


class LoadError(Exception):
    """Error raised if a document cannot be read."""

    def __init__(self, code: Code, message: str, place: Place | None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = place


@dataclass(frozen=True, slots=True)
class _Sized:
    """A finished node, with its weight and its height, both with aliases expanded."""

    node: Node
    weight: int
    height: int


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is still open."""

    is_mapping: bool
    place: Place | None
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: list[tuple[Place | None, Node]] = field(default_factory=list)
    key: str | None = None
    key_place: Place | None = None
    key_merges: bool = False
    weight: int = 1
    height: int = 0


class Composer:
    """Builder of a document tree from its tokens; records duplicate keys as errors."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._open: list[_Frame] = []
        self._anchors: dict[str, _Sized] = {}
        self.root: Node | None = None
        """The finished document, or None if it is unfinished."""

    @property
    def wants_key(self) -> bool:
        """True if the next token is the key of a mapping."""
        return bool(self._open) and self._open[-1].is_mapping and self._open[-1].key is None

    @property
    def path(self) -> str:
        """Path of the current value: `parameters.opt.lr.values[3]`, without `parameters` between groups."""
        parts: list[str] = []
        names_parameters = True
        for depth, frame in enumerate(self._open):
            key = frame.key if frame.is_mapping else f"[{len(frame.items)}]"
            if depth % 2 == 0:
                names_parameters = names_parameters and key == "parameters"
            if key is not None and not (names_parameters and depth and depth % 2 == 0):
                parts.append(key)
        return ".".join(parts).replace(".[", "[")

    def start(self, place: Place | None, *, mapping: bool, anchor: str | None = None) -> None:
        """Open a mapping or a list."""
        if self.wants_key:
            raise LoadError("key-not-text", "a key must be text, not a list or a mapping", place)
        if len(self._open) >= MAX_DEPTH:
            raise LoadError("too-deep", f"nested deeper than {MAX_DEPTH} levels", place)
        self._open.append(_Frame(is_mapping=mapping, place=place, anchor=anchor))

    def key(self, text: str, place: Place | None, *, merges: bool = False) -> None:
        """Add the key of the next value; `merges` marks YAML's unquoted `<<`."""
        frame = self._open[-1]
        _check_text(text, place)
        frame.key, frame.key_place, frame.key_merges = text, place, merges

    def scalar(self, value: Scalar, place: Place | None, anchor: str | None = None) -> None:
        """Add a scalar value."""
        weight = 1
        if isinstance(value, str):
            _check_text(value, place)
            weight += len(value) // TEXT_PER_WEIGHT
        elif isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
            raise LoadError("integer-range", "an integer outside -2^63 … 2^63-1; write it as text", place)
        self._finish(_Sized(ScalarNode(value, place), weight, 0), anchor, place)

    def alias(self, name: str, place: Place | None) -> None:
        """Add the value of an anchor at the current position."""
        known = self._anchors.get(name)
        if known is None:
            raise LoadError("unknown-alias", f"the alias *{name} has no anchored value before it", place)
        if self.wants_key:
            if not isinstance(known.node, ScalarNode) or not isinstance(known.node.value, str):
                raise LoadError("key-not-text", "a key must be text", place)
            self.key(known.node.value, place)
        else:
            self._finish(known, None, place)

    def end(self) -> None:
        """Close the innermost mapping or list."""
        frame = self._open.pop()
        node: Node
        if frame.is_mapping:
            self._merge(frame)
            node = MappingNode(frame.entries, frame.place)
        else:
            node = SequenceNode(tuple(frame.items), frame.place)
        self._finish(_Sized(node, frame.weight, frame.height + 1), frame.anchor, frame.place)

    def _finish(self, sized: _Sized, anchor: str | None, place: Place | None) -> None:
        if len(self._open) + sized.height > MAX_DEPTH:
            raise LoadError("too-deep", f"nested deeper than {MAX_DEPTH} levels", place)
        if anchor is not None:
            self._anchors[anchor] = sized
        if not self._open:
            self.root = sized.node
            return
        frame = self._open[-1]
        frame.weight += sized.weight
        frame.height = max(frame.height, sized.height)
        if frame.weight > MAX_WEIGHT:
            message = f"more than {MAX_WEIGHT:,} entries, with aliases expanded"
            raise LoadError("too-large", message, place)
        if frame.is_mapping:
            self._put(frame, sized.node)
        else:
            frame.items.append(sized.node)

    def _put(self, frame: _Frame, node: Node) -> None:
        key, frame.key = frame.key, None
        assert key is not None
        if frame.key_merges:
            frame.merged.append((frame.key_place, node))
            return
        earlier = frame.entries.get(key)
        if earlier is None:
            frame.entries[key] = Entry(frame.key_place, node)
            return
        first = f" (first on line {earlier.place.line})" if earlier.place else ""
        again = f" on line {frame.key_place.line}" if frame.key_place else ""
        message = f"duplicate key {shown(key)}{again}{first}"
        frame.key = key
        self._findings.error(frame.key_place, self.path, "duplicate-key", message)
        frame.key = None

    def _merge(self, frame: _Frame) -> None:
        """Add the entries of YAML merge keys; the mapping's own keys take precedence, then earlier merges."""
        for place, node in frame.merged:
            sources = node.items if isinstance(node, SequenceNode) else (node,)
            for source in sources:
                if not isinstance(source, MappingNode):
                    raise LoadError("bad-merge", "`<<` takes a mapping or a list of mappings", place)
                for key, entry in source.entries.items():
                    frame.entries.setdefault(key, entry)


def _check_text(text: str, place: Place | None) -> None:
    if "\0" in text:
        raise LoadError("nul-character", "text with a NUL character cannot be passed to a program", place)
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise LoadError("lone-surrogate", "text with an unpaired surrogate is not valid Unicode", place)

"""Reads typed values out of one mapping of the file and records what is wrong with each."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import TypeVar

from sweepd.spec.diagnostic import NOT_SUPPORTED_YET, Findings, Place, nearest, shown
from sweepd.spec.limits import INT64_MAX, INT64_MIN
from sweepd.spec.nodes import MappingNode, Node, ScalarNode, SequenceNode
from sweepd.spec.point import Number

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Fields:
    """One mapping, the path to it, and the place of its own key.

    Every reader returns None both for an absent key and, after recording why, for an unusable value.
    """

    node: MappingNode
    path: str
    place: Place | None
    findings: Findings

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries

    def node_at(self, key: str) -> Node | None:
        """Return the node of a key."""
        entry = self.node.entries.get(key)
        return entry.node if entry else None

    def path_of(self, key: str) -> str:
        """Return the dotted path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def error(
        self, code: str, message: str, *, key: str | None = None, suggestion: str | None = None
    ) -> None:
        """Record an error at the value of a key, or at the mapping itself."""
        if key is None or key not in self.node.entries:
            self.findings.error(self.place, self.path, code, message, suggestion)
        else:
            place = self.node.entries[key].node.place
            self.findings.error(place, self.path_of(key), code, message, suggestion)

    def check_keys(self, legal: Collection[str], later: Collection[str], where: str) -> None:
        """Refuse keys that are unknown, and in words of their own those that are not supported yet."""
        for key, entry in self.node.entries.items():
            if key in later:
                message = f"`{key}` is not supported yet"
                self.findings.error(entry.place, self.path_of(key), NOT_SUPPORTED_YET, message)
            elif key not in legal:
                message = f"unknown key {shown(key)} in {where}"
                near = nearest(key, (*legal, *later))
                self.findings.error(entry.place, self.path_of(key), "unknown-key", message, near)

    def text(self, key: str, *, empty_allowed: bool = False) -> str | None:
        """Return text."""
        node = self.node_at(key)
        if node is None:
            return None
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            if node.value or empty_allowed:
                return node.value
            self.error("bad-value", "must not be empty", key=key)
            return None
        self._wrong_type(key, node, "text", "; quote it" if _is_bare(node) else "")
        return None

    def boolean(self, key: str) -> bool | None:
        """Return true or false."""
        node = self.node_at(key)
        if node is None:
            return None
        if isinstance(node, ScalarNode) and isinstance(node.value, bool):
            return node.value
        self._wrong_type(key, node, "true or false")
        return None

    def number(self, key: str) -> Number | None:
        """Return a finite number as it is written, integer or float."""
        node = self.node_at(key)
        if node is None:
            return None
        value = node.value if isinstance(node, ScalarNode) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            quoted = "; write it without quotes" if isinstance(value, str) and _is_numeral(value) else ""
            self._wrong_type(key, node, "a number", quoted)
            return None
        if not isfinite(value):
            self.error("not-finite", f"must be finite, not {value}", key=key)
            return None
        return value

    def integer(self, key: str, minimum: int, maximum: int = INT64_MAX) -> int | None:
        """Return an integer within bounds; 20.0 counts as one."""
        value = self.number(key)
        if value is None:
            return None
        if isinstance(value, float) and not value.is_integer():
            self.error("bad-type", f"must be an integer, not {value}", key=key)
            return None
        if not minimum <= value <= maximum:
            least = f"at least {minimum}" if minimum != INT64_MIN else "within 64 bits"
            bounds = least if maximum == INT64_MAX else f"from {minimum} to {maximum}"
            self.error("out-of-range", f"must be {bounds}, not {value}", key=key)
            return None
        return int(value)

    def choice(self, key: str, choices: type[Choice], later: Iterable[str] = ()) -> Choice | None:
        """Return one of the words of an enumeration."""
        word = self.text(key)
        if word is None:
            return None
        legal = [choice.value for choice in choices]
        if word in legal:
            return choices(word)
        if word in later:
            self.error(NOT_SUPPORTED_YET, f"{shown(word)} is not supported yet", key=key)
        else:
            message = f"{shown(word)} is none of {', '.join(legal)}"
            self.error("unknown-value", message, key=key, suggestion=nearest(word, (*legal, *later)))
        return None

    def _wrong_type(self, key: str, node: Node, wanted: str, hint: str = "") -> None:
        self.error("bad-type", f"must be {wanted}, not {shown(_brief(node))}{hint}", key=key)


def _brief(node: Node) -> object:
    """Return what a message shows: containers by their kind alone, however large they are."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode():
            return []
        case MappingNode():
            return {}


def _is_bare(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is not None


def _is_numeral(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

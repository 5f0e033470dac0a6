"""Typed reader of one mapping of a file, which records an error for each invalid value."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import TypeVar

from sweepd.durations import parse_duration
from sweepd.spec.finding import Code, Findings, Place
from sweepd.spec.limits import INT64_MAX, INT64_MIN, MAX_TIMEOUT_DAYS
from sweepd.spec.loading.tree import MappingNode, Node, Scalar, ScalarNode, SequenceNode
from sweepd.spec.point import Number
from sweepd.spec.wording import likely_word, nearest, shown

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Fields:
    """One mapping, its path, and the place of its key.

    Typed readers return None if the key is absent, or if its value is invalid, which is recorded as an error.
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

    def scalar(self, key: str) -> Scalar:
        """Return the scalar value of a key, or None if there is none."""
        node = self.node_at(key)
        return node.value if isinstance(node, ScalarNode) else None

    def is_set(self, key: str) -> bool:
        """Return True if a key exists and is not null."""
        node = self.node_at(key)
        return node is not None and not (isinstance(node, ScalarNode) and node.value is None)

    def path_of(self, key: str) -> str:
        """Return the dotted path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def error(
        self, code: Code, message: str, *, key: str | None = None, suggestion: str | None = None
    ) -> None:
        """Record an error at the value of a key, or at the mapping itself."""
        if key is None or key not in self.node.entries:
            self.findings.error(self.place, self.path, code, message, suggestion)
        else:
            place = self.node.entries[key].node.place
            self.findings.error(place, self.path_of(key), code, message, suggestion)

    def warning(self, code: Code, message: str, *, key: str) -> None:
        """Record a warning at the value of an existing key."""
        self.findings.warning(self.node.entries[key].node.place, self.path_of(key), code, message)

    def check_keys(self, legal: Collection[str], where: str) -> None:
        """Record an error for each unknown key."""
        for key, entry in self.node.entries.items():
            if key not in legal:
                message = f"unknown key {shown(key)} in {where}"
                near = likely_word(key, legal)
                self.findings.error(entry.place, self.path_of(key), "unknown-key", message, near)

    def need(self, key: str, what: str = "") -> None:
        """Record an error if a key is missing."""
        if key not in self.node.entries:
            self.error("missing-key", f"needs `{key}`{what}")

    def inner(self, key: str, wanted: str) -> "Fields | None":
        """Return the fields of a mapping under a key; `wanted` describes the mapping in error messages."""
        entry = self.node.entries.get(key)
        if entry is not None and isinstance(entry.node, MappingNode):
            return Fields(entry.node, self.path_of(key), entry.place, self.findings)
        self._wrong_type(key, wanted)
        return None

    def items(self, key: str, wanted: str) -> tuple[Node, ...]:
        """Return the items of the list under a key; () if the key is absent or has no list."""
        node = self.node_at(key)
        if isinstance(node, SequenceNode):
            return node.items
        self._wrong_type(key, wanted)
        return ()

    def is_empty_list(self, key: str) -> bool:
        """Return True if a key has a list without items."""
        node = self.node_at(key)
        return isinstance(node, SequenceNode) and not node.items

    def texts(self, key: str, wanted: str) -> dict[int, str]:
        """Return the texts of a list by index; record an error for each blank or non-text item."""
        texts: dict[int, str] = {}
        for index, item in enumerate(self.items(key, wanted)):
            if isinstance(item, ScalarNode) and isinstance(item.value, str):
                if complaint := _blank(item.value):
                    self.item_error(key, index, "bad-value", complaint)
                else:
                    texts[index] = item.value
            else:
                is_bare = isinstance(item, ScalarNode) and item.value is not None
                hint = "; quote it" if is_bare else ""
                self.item_error(key, index, "bad-type", f"must be text, not {shown(_brief(item))}{hint}")
        return texts

    def item_error(self, key: str, index: int, code: Code, message: str) -> None:
        """Record an error at an item of a list."""
        node = self.node_at(key)
        place = node.items[index].place if isinstance(node, SequenceNode) else self.place
        self.findings.error(place, f"{self.path_of(key)}[{index}]", code, message)

    def duration(self, key: str) -> float | None:
        """Return a duration such as 1h30m in seconds, rounded to milliseconds."""
        text = self.scalar(key)
        try:
            if not isinstance(text, str) or _is_numeral(text):
                raise ValueError
            seconds = round(parse_duration(text), 3)
        except ValueError:
            self._wrong_type(key, "a duration such as 90s or 1h30m")
            return None
        if not 0 < seconds <= MAX_TIMEOUT_DAYS * 86_400:
            message = f"must be more than 0s and at most {MAX_TIMEOUT_DAYS}d, not {shown(text)}"
            self.error("out-of-range", message, key=key)
            return None
        return seconds

    def text(self, key: str, *, blank_allowed: bool = False) -> str | None:
        """Return the text of a key, which must not be blank unless allowed."""
        text = self.scalar(key)
        if not isinstance(text, str):
            self._wrong_type(key, "text", "" if text is None else "; quote it")
        elif not blank_allowed and (complaint := _blank(text)):
            self.error("bad-value", complaint, key=key)
        else:
            return text
        return None

    def boolean(self, key: str) -> bool | None:
        """Return the boolean value of a key."""
        value = self.scalar(key)
        if isinstance(value, bool):
            return value
        self._wrong_type(key, "true or false")
        return None

    def number(self, key: str) -> Number | None:
        """Return a finite number as written: an integer or a float."""
        value = self.scalar(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            quoted = "; write it without quotes" if isinstance(value, str) and _is_numeral(value) else ""
            self._wrong_type(key, "a number", quoted)
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
            self.error("out-of-range", f"must be {_bounds(minimum, maximum, value)}, not {value}", key=key)
            return None
        return int(value)

    def choice(self, key: str, choices: type[Choice]) -> Choice | None:
        """Return the value of a key as a member of an enumeration."""
        word = self.word(key, [choice.value for choice in choices])
        return None if word is None else choices(word)

    def word(self, key: str, legal: Sequence[str]) -> str | None:
        """Return the word under a key, which must be one of `legal`."""
        node = self.node_at(key)
        if node is None:
            return None
        word = self.scalar(key)
        if isinstance(word, str) and word in legal:
            return word
        wanted = f"none of {', '.join(legal)}" if len(legal) > 1 else f"not {legal[0]}"
        message = f"{shown(_brief(node))} is {wanted}"
        near = nearest(word, legal) if isinstance(word, str) else None
        self.error("unknown-value", message, key=key, suggestion=near)
        return None

    def _wrong_type(self, key: str, wanted: str, hint: str = "") -> None:
        """Record an error at the value of a key, unless the key is absent."""
        if (node := self.node_at(key)) is not None:
            self.error("bad-type", f"must be {wanted}, not {shown(_brief(node))}{hint}", key=key)


def _blank(text: str) -> str:
    """Return an error message if a text is blank, else ""."""
    if text.strip():
        return ""
    return f"must not be blank, as {shown(text)} is" if text else "must not be empty"


def _bounds(minimum: int, maximum: int, value: Number) -> str:
    """Return the bounds that a value violates, in words; mention 64 bits only if relevant."""
    if maximum == INT64_MAX and value < minimum:
        return "within 64 bits" if minimum == INT64_MIN else f"at least {minimum}"
    if maximum == INT64_MAX:
        return "within 64 bits"
    return f"from {minimum} to {maximum}"


def _brief(node: Node) -> object:
    """Return the value of a node for a message: `[]` for any list, `{}` for any mapping."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode():
            return []
        case MappingNode():
            return {}


def _is_numeral(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

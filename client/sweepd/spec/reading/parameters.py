"""Reads the `parameters` of a file into the nodes of a search space."""

import re
from dataclasses import dataclass
from typing import Final
from unicodedata import combining, normalize

from sweepd.spec.codes import Code
from sweepd.spec.limits import MAX_NAME_LENGTH
from sweepd.spec.parameter import Group, Parameter, ParameterNode
from sweepd.spec.reading.diagnostic import Findings, Place
from sweepd.spec.reading.distribution import FORM_KEYS, read_distribution
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.nodes import Entry, MappingNode, ScalarNode, SequenceNode
from sweepd.spec.wording import nearest, shown

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_NAME_WITH_SLASH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*", re.ASCII)
GROUP_KEYS: Final = ("parameters", "when")


@dataclass(frozen=True, slots=True)
class ParametersReader:
    """Reads level by level; what cannot be read is left out, with an error recorded."""

    findings: Findings

    def read(self, entry: Entry, path: str) -> dict[str, ParameterNode]:
        """Return the parameters of one `parameters` key, at the top or in a group."""
        if not isinstance(entry.node, MappingNode):
            self._error(entry.node.place, path, "bad-type", "must be a mapping from names to parameters")
            return {}
        if not entry.node.entries:
            self._error(entry.node.place, path, "no-parameters", "at least one parameter is needed")
        nodes: dict[str, ParameterNode] = {}
        for name, inner in entry.node.entries.items():
            inner_path = f"{path}.{name}"
            check_name(self.findings, name, inner.place, inner_path)
            node = self._parameter(inner, inner_path)
            if node is not None:
                nodes[name] = node
        return nodes

    def _parameter(self, entry: Entry, path: str) -> ParameterNode | None:
        mapping = entry.node
        if not isinstance(mapping, MappingNode):
            self._error(mapping.place, path, "bare-value", _bare_message(mapping))
            return None
        fields = Fields(mapping, path, entry.place, self.findings)
        when = fields.text("when")
        if "parameters" in mapping:
            return self._group(fields, path, when)
        if not FORM_KEYS & mapping.entries.keys() and _looks_nested(mapping):
            message = "neither a parameter nor a group; put the nested parameters under a key `parameters`"
            near = next((key for key in mapping if nearest(key, ("parameters",))), None)
            if near is None:
                self._error(entry.place, path, "not-a-form", message)
            else:
                place, text = mapping.entries[near].place, f"unknown key {shown(near)} in a parameter"
                self.findings.error(place, f"{path}.{near}", "unknown-key", text, "parameters")
            return None
        distribution = read_distribution(fields)
        return None if distribution is None else Parameter(distribution, when)

    def _group(self, fields: Fields, path: str, when: str | None) -> Group | None:
        for key, entry in fields.node.entries.items():
            if key not in GROUP_KEYS:
                message = f"a group has the keys `parameters` and `when` only, not {shown(key)}"
                near = nearest(key, GROUP_KEYS)
                self.findings.error(entry.place, f"{path}.{key}", "mixed-forms", message, near)
        # The path names what the run will see: the keys `parameters` between groups are left out.
        inner = self.read(fields.node.entries["parameters"], path)
        return Group(inner, when) if inner else None

    def _error(self, place: Place | None, path: str, code: Code, message: str) -> None:
        self.findings.error(place, path, code, message)


def check_name(findings: Findings, name: str, place: Place | None, path: str) -> None:
    """Refuse what is no name of a parameter."""
    if len(name) > MAX_NAME_LENGTH:
        message = f"a name of {len(name):,} characters; at most {MAX_NAME_LENGTH} are allowed"
        findings.error(place, path[:MAX_NAME_LENGTH], "bad-name", message)
    elif _NAME.fullmatch(name):
        return
    elif _NAME_WITH_SLASH.fullmatch(name):
        message = "`/` in a name is accepted here, but not by every tool that reads this format"
        findings.warning(place, path, "slash-in-name", message)
    else:
        message = "a name is made of letters, digits and _ . - and starts with a letter or _"
        bare = name.lstrip("+")
        if bare != name and _NAME.fullmatch(bare):
            macro = "args_override_hydra" if name.startswith("++") else "args_append_hydra"
            message = f"{message}; for Hydra's {name}=… put `${{{macro}}}` in `command`"
        findings.error(place, path, "bad-name", message, _legal_name(bare))


def _legal_name(name: str) -> str | None:
    """Return the legal name that looks most like one, if any does."""
    letters = "".join(char for char in normalize("NFKD", name) if not combining(char))
    legal = re.sub(r"[^A-Za-z0-9_.-]", "_", letters, flags=re.ASCII)
    if not re.search(r"[A-Za-z0-9]", legal):
        return None
    return legal if _NAME.fullmatch(legal) else f"_{legal}"


def _looks_nested(mapping: MappingNode) -> bool:
    return any(isinstance(entry.node, MappingNode) for entry in mapping.entries.values())


def _bare_message(node: ScalarNode | SequenceNode) -> str:
    if isinstance(node, SequenceNode):
        return "a parameter is a mapping; for a choice write `values: [...]`, for a constant `value: [...]`"
    value = node.value
    text = value if isinstance(value, str) and value.isalnum() else shown(value)
    return f"a parameter is a mapping; for a constant write `value: {text}`"

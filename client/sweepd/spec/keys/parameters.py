"""Key `parameters`: conversion between the mappings of a file and the nodes of a search space."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final
from unicodedata import combining, normalize

from sweepd.spec.distributions.distribution import DEPRECATED, Distribution
from sweepd.spec.finding import Findings, Place
from sweepd.spec.keys.distributions import (
    DISTRIBUTION_KEYS,
    VALUE_KEYS,
    build_distribution,
    distribution_document,
)
from sweepd.spec.keys.shape import ValueShape, reference
from sweepd.spec.limits import MAX_NAME_LENGTH
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.tree import Entry, MappingNode, Node, ScalarNode, SequenceNode
from sweepd.spec.point import Group, Json, Parameter, ParameterNode, Path, is_number
from sweepd.spec.wording import nearest, shown

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_NAME_WITH_SLASH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*", re.ASCII)
GROUP_KEYS: Final = ("parameters", "when")
FORM_KEYS: Final = frozenset({*VALUE_KEYS, "distribution", "parameters"})
"""Keys that determine the form of a parameter."""

_KEY_SYNONYMS: Final = {
    **dict.fromkeys(("choices", "options", "categories"), "values"),
    **dict.fromkeys(("low", "lower", "from", "start"), "min"),
    **dict.fromkeys(("high", "upper", "to", "end", "stop"), "max"),
    **dict.fromkeys(("mean", "loc"), "mu"),
    **dict.fromkeys(("std", "stddev", "scale"), "sigma"),
    **dict.fromkeys(("step", "quantum"), "q"),
    **dict.fromkeys(("weights", "probs"), "probabilities"),
    **dict.fromkeys(("default", "const"), "value"),
    **dict.fromkeys(("type", "dist", "prior"), "distribution"),
    **dict.fromkeys(("if", "condition"), "when"),
}
"""Keys of other tools, and the equivalent keys of a sweep file."""

_DISTRIBUTION_SYNONYMS: Final = {
    **dict.fromkeys(("choice", "choices", "enum"), "categorical"),
    **dict.fromkeys(("int", "integer", "randint", "discrete"), "int_uniform"),
    **dict.fromkeys(("float", "double", "real", "range"), "uniform"),
    **dict.fromkeys(("log", "reciprocal"), "log_uniform_values"),
    **dict.fromkeys(("gaussian", "gauss"), "normal"),
    **dict.fromkeys(("const", "fixed"), "constant"),
}
_FORMS: Final = "`value`, `values`, `min` and `max`, `distribution` or `parameters`"


def read_parameters(findings: Findings, entry: Entry, path: str) -> dict[str, ParameterNode]:
    """Return the parameters of one `parameters` key, of the sweep or of a group.

    Record an error for each invalid parameter, and omit it.
    """
    if not isinstance(entry.node, MappingNode):
        findings.error(entry.node.place, path, "bad-type", "must be a mapping from names to parameters")
        return {}
    if not entry.node.entries:
        findings.error(entry.node.place, path, "no-parameters", "at least one parameter is needed")
    nodes: dict[str, ParameterNode] = {}
    for name, inner in entry.node.entries.items():
        inner_path = f"{path}.{name}"
        check_name(findings, name, inner.place, inner_path)
        node = _parameter(findings, inner, inner_path)
        if node is not None:
            nodes[name] = node
    return nodes


def _parameter(findings: Findings, entry: Entry, path: str) -> ParameterNode | None:
    mapping = entry.node
    if not isinstance(mapping, MappingNode):
        findings.error(mapping.place, path, "bare-value", _bare_message(mapping))
        return None
    fields = Fields(mapping, path, entry.place, findings)
    when = fields.text("when")
    if "parameters" in mapping:
        return _group(fields, when)
    if not FORM_KEYS & mapping.entries.keys() and _looks_nested(mapping):
        message = "neither a parameter nor a group; put the nested parameters under a key `parameters`"
        near = next((key for key in mapping if nearest(key, ("parameters",))), None)
        if near is None:
            fields.error("not-a-form", message)
        else:
            place, text = mapping.entries[near].place, f"unknown key {shown(near)} in a parameter"
            findings.error(place, fields.path_of(near), "unknown-key", text, "parameters")
        return None
    distribution = _distribution(fields)
    return None if distribution is None else Parameter(distribution, when)


def _group(fields: Fields, when: str | None) -> Group | None:
    for key, entry in fields.node.entries.items():
        if key not in GROUP_KEYS:
            message = f"a group has the keys `parameters` and `when` only, not {shown(key)}"
            near = nearest(key, GROUP_KEYS)
            fields.findings.error(entry.place, fields.path_of(key), "mixed-forms", message, near)
    # The path omits the keys `parameters` between groups, like the configuration that the run receives.
    inner = read_parameters(fields.findings, fields.node.entries["parameters"], fields.path)
    return Group(inner, when) if inner else None


def parameter_entries(node: Node | None, outer: Path = ()) -> Iterator[tuple[Path, Entry]]:
    """Yield the entry of each parameter and group of a `parameters` mapping, with its path."""
    if not isinstance(node, MappingNode):
        return
    for name, entry in node.entries.items():
        yield (*outer, name), entry
        inner = entry.node.entries.get("parameters") if isinstance(entry.node, MappingNode) else None
        if inner is not None:
            yield from parameter_entries(inner.node, (*outer, name))


def check_name(findings: Findings, name: str, place: Place | None, path: str) -> None:
    """Record an error if a parameter name is invalid, or a warning if it contains `/`."""
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
    """Return the legal name closest to a given name, if there is one."""
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


def _distribution(fields: Fields) -> Distribution | None:
    """Return the distribution of a parameter, or None after recording an error."""
    if "distribution" in fields:
        name = _written_name(fields)
    else:
        _check_forms(fields)
        name = _inferred_name(fields)
    if name is None:
        _check_unknown(fields, FORM_KEYS)
        return None
    needed, optional = DISTRIBUTION_KEYS[name]
    _check_unknown(fields, {*VALUE_KEYS, "distribution"}, nearest_among=(*needed, *optional))
    _check_foreign(fields, name, (*needed, *optional))
    missing = [key for key in needed if key not in fields]
    if missing:
        fields.error("missing-key", _missing_message(fields, name, missing))
        return None
    return build_distribution(name, fields)


def _written_name(fields: Fields) -> str | None:
    name = fields.text("distribution")
    if name is None or name in DISTRIBUTION_KEYS:
        return name
    message = f"unknown distribution {shown(name)}"
    near = _DISTRIBUTION_SYNONYMS.get(name.lower()) or nearest(name, DISTRIBUTION_KEYS) or ""
    # Never suggest a deprecated distribution, whose bounds are exponents.
    suggestion = DEPRECATED.get(near, near) or None
    fields.error("unknown-value", message, key="distribution", suggestion=suggestion)
    return None


def _check_forms(fields: Fields) -> None:
    """Record an error if a mapping mixes several forms of a parameter."""
    first, *others = [*(key for key in ("value", "values", "min", "max") if key in fields), ""]
    for key in others:
        if key and not (first == "min" and key == "max"):
            fields.error("mixed-forms", f"`{first}` and `{key}` are mutually exclusive", key=key)


def _inferred_name(fields: Fields) -> str | None:
    if "value" in fields:
        return "constant"
    if "values" in fields:
        return "categorical_w_probabilities" if "probabilities" in fields else "categorical"
    if "min" in fields or "max" in fields:
        bounds = [fields.scalar(key) for key in ("min", "max") if key in fields]
        is_integer = all(isinstance(bound, int) and is_number(bound) for bound in bounds)
        return "int_uniform" if is_integer else "uniform"
    if "probabilities" in fields:
        return "categorical_w_probabilities"
    if VALUE_KEYS.keys() & fields.node.entries.keys():
        fields.error("missing-key", "needs `distribution` to say what its keys describe")
    elif not any(_nearest_key(key, ()) for key in fields.node.entries if key != "when"):
        fields.error("not-a-form", f"does not define its values; add {_FORMS}")
    return None


def _check_unknown(fields: Fields, legal: Collection[str], nearest_among: Collection[str] = ()) -> None:
    for key, entry in fields.node.entries.items():
        if key not in legal and key != "when":
            near = _nearest_key(key, nearest_among)
            message = f"unknown key {shown(key)} in a parameter"
            fields.findings.error(entry.place, fields.path_of(key), "unknown-key", message, near)


def _nearest_key(key: str, first: Collection[str]) -> str | None:
    """Return the key most likely intended: the closest in `first`, else the closest of all, or a synonym."""
    return (
        nearest(key, [*first, "distribution", "when"])
        or nearest(key, sorted(FORM_KEYS))
        or _KEY_SYNONYMS.get(key.lower())
    )


def _check_foreign(fields: Fields, name: str, legal: Collection[str]) -> None:
    for key, entry in fields.node.entries.items():
        if key in VALUE_KEYS and key not in legal and not _is_mixed(fields, key):
            message = f"`{key}` does not belong to {name}{_foreign_hint(name, key)}"
            fields.findings.error(entry.place, fields.path_of(key), "foreign-key", message)


def _is_mixed(fields: Fields, key: str) -> bool:
    """Return True if `_check_forms` has reported this key."""
    return "distribution" not in fields and key in ("value", "values", "min", "max")


def _foreign_hint(name: str, key: str) -> str:
    if key == "q":
        quantised = f"q_{'uniform' if name == 'int_uniform' else name}"
        return f"; write `distribution: {quantised}`" if quantised in DISTRIBUTION_KEYS else ""
    if key == "probabilities":
        return "; omit `distribution` or write categorical_w_probabilities" if name == "categorical" else ""
    if key in ("value", "values"):
        return f"; omit `distribution` to use only `{key}`"
    return ""


def _missing_message(fields: Fields, name: str, missing: list[str]) -> str:
    present = [key for key in ("min", "max") if key in fields]
    if "distribution" not in fields and present and len(missing) == 1:
        return f"`{present[0]}` without `{missing[0]}`"
    return f"{name} needs {' and '.join(f'`{key}`' for key in missing)}"


def parameters_document(parameters: Mapping[str, ParameterNode]) -> dict[str, Json]:
    """Return the parameters of a sweep or a group as a document."""
    document: dict[str, Json] = {}
    for name, node in parameters.items():
        condition: dict[str, Json] = {} if node.when is None else {"when": node.when}
        if isinstance(node, Group):
            document[name] = {**condition, "parameters": parameters_document(node.parameters)}
        else:
            document[name] = {**distribution_document(node.distribution), **condition}
    return document


def _read(sweep: Fields, key: str) -> dict[str, ParameterNode]:
    return read_parameters(sweep.findings, sweep.node.entries[key], key)


def _write(parameters: object) -> Json:
    assert isinstance(parameters, Mapping)
    return parameters_document(parameters) or None


PARAMETERS: Final = ValueShape(_read, reference("parameters"), _write)

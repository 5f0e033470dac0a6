"""Decides which distribution a parameter of the file means, and which keys may stand beside it."""

from collections.abc import Collection
from typing import Final

from sweepd.spec.distributions.distribution import DEPRECATED, DISTRIBUTIONS, Distribution
from sweepd.spec.point import is_number
from sweepd.spec.reading.build_distribution import build_distribution
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.nodes import Node, ScalarNode
from sweepd.spec.wording import nearest, shown

Keys = tuple[str, ...]
_RANGE: Final[Keys] = ("min", "max")
_NONE: Final[Keys] = ()
DISTRIBUTION_KEYS: Final[dict[str, tuple[Keys, Keys]]] = {
    "constant": (("value",), _NONE),
    "categorical": (("values",), _NONE),
    "categorical_w_probabilities": (("values", "probabilities"), _NONE),
    "int_uniform": (_RANGE, _NONE),
    "uniform": (_RANGE, _NONE),
    "q_uniform": (_RANGE, ("q",)),
    "log_uniform": (_RANGE, _NONE),
    "log_uniform_values": (_RANGE, _NONE),
    "q_log_uniform": (_RANGE, ("q",)),
    "q_log_uniform_values": (_RANGE, ("q",)),
    "inv_log_uniform": (_RANGE, _NONE),
    "inv_log_uniform_values": (_RANGE, _NONE),
    "normal": (_NONE, ("mu", "sigma")),
    "q_normal": (_NONE, ("mu", "sigma", "q")),
    "log_normal": (_NONE, ("mu", "sigma")),
    "q_log_normal": (_NONE, ("mu", "sigma", "q")),
    "beta": (_NONE, ("a", "b")),
    "q_beta": (_NONE, ("a", "b", "q")),
}
"""The keys of each distribution: those it needs, those it may have."""

_VALUE_KEYS: Final = frozenset(key for both in DISTRIBUTION_KEYS.values() for keys in both for key in keys)
FORM_KEYS: Final = _VALUE_KEYS | {"distribution", "parameters"}
"""All keys that tell what a parameter is."""

_CALLED_ELSEWHERE: Final = {
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
"""Keys of other tools, and what they are here."""

_DISTRIBUTIONS_ELSEWHERE: Final = {
    **dict.fromkeys(("choice", "choices", "enum"), "categorical"),
    **dict.fromkeys(("int", "integer", "randint", "discrete"), "int_uniform"),
    **dict.fromkeys(("float", "double", "real", "range"), "uniform"),
    **dict.fromkeys(("log", "reciprocal"), "log_uniform_values"),
    **dict.fromkeys(("gaussian", "gauss"), "normal"),
    **dict.fromkeys(("const", "fixed"), "constant"),
}
_FORMS: Final = "`value`, `values`, `min` and `max`, `distribution` or `parameters`"


def read_distribution(fields: Fields) -> Distribution | None:
    """Return the distribution of a parameter, or None after recording why there is none."""
    if "distribution" in fields:
        name = _written_name(fields)
    else:
        _check_forms(fields)
        name = _inferred_name(fields)
    if name is None:
        _check_unknown(fields, FORM_KEYS)
        return None
    needed, optional = DISTRIBUTION_KEYS[name]
    _check_unknown(fields, {*_VALUE_KEYS, "distribution"}, nearest_among=(*needed, *optional))
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
    near = _DISTRIBUTIONS_ELSEWHERE.get(name.lower()) or nearest(name, DISTRIBUTIONS) or ""
    # Who misspells a name is not led to one whose bounds are exponents.
    suggestion = DEPRECATED.get(near, near) or None
    fields.error("unknown-value", message, key="distribution", suggestion=suggestion)
    return None


def _check_forms(fields: Fields) -> None:
    """Refuse a mapping that starts as several forms at once."""
    first, *others = [*(key for key in ("value", "values", *_RANGE) if key in fields), ""]
    for key in others:
        if key and not (first == "min" and key == "max"):
            fields.error("mixed-forms", f"`{first}` and `{key}` exclude each other", key=key)


def _inferred_name(fields: Fields) -> str | None:
    if "value" in fields:
        return "constant"
    if "values" in fields:
        return "categorical_w_probabilities" if "probabilities" in fields else "categorical"
    if "min" in fields or "max" in fields:
        bounds = [node for node in (fields.node_at("min"), fields.node_at("max")) if node is not None]
        return "int_uniform" if all(_is_integer(node) for node in bounds) else "uniform"
    if "probabilities" in fields:
        return "categorical_w_probabilities"
    if _VALUE_KEYS & fields.node.entries.keys():
        fields.error("missing-key", "needs `distribution` to say what its keys describe")
    elif not any(_nearest_key(key, ()) for key in fields.node.entries if key != "when"):
        fields.error("not-a-form", f"says nothing about its values; give it {_FORMS}")
    return None


def _is_integer(node: Node) -> bool:
    return isinstance(node, ScalarNode) and isinstance(node.value, int) and is_number(node.value)


def _check_unknown(fields: Fields, legal: Collection[str], nearest_among: Collection[str] = ()) -> None:
    for key, entry in fields.node.entries.items():
        if key not in legal and key != "when":
            near = _nearest_key(key, nearest_among)
            message = f"unknown key {shown(key)} in a parameter"
            fields.findings.error(entry.place, fields.path_of(key), "unknown-key", message, near)


def _nearest_key(key: str, first: Collection[str]) -> str | None:
    """Return the key that is meant: one of those that belong here, else of all, else what others call it."""
    return (
        nearest(key, [*first, "distribution", "when"])
        or nearest(key, sorted(FORM_KEYS))
        or _CALLED_ELSEWHERE.get(key.lower())
    )


def _check_foreign(fields: Fields, name: str, legal: Collection[str]) -> None:
    for key, entry in fields.node.entries.items():
        if key in _VALUE_KEYS and key not in legal and not _is_mixed(fields, key):
            message = f"`{key}` does not belong to {name}{_foreign_hint(name, key)}"
            fields.findings.error(entry.place, fields.path_of(key), "foreign-key", message)


def _is_mixed(fields: Fields, key: str) -> bool:
    """Tell whether `_check_forms` has spoken of this key already."""
    return "distribution" not in fields and key in ("value", "values", "min", "max")


def _foreign_hint(name: str, key: str) -> str:
    if key == "q":
        quantised = f"q_{'uniform' if name == 'int_uniform' else name}"
        return f"; write `distribution: {quantised}`" if quantised in DISTRIBUTION_KEYS else ""
    if key == "probabilities":
        return (
            "; leave `distribution` out or write categorical_w_probabilities" if name == "categorical" else ""
        )
    if key in ("value", "values"):
        return f"; leave `distribution` out to have `{key}` alone"
    return ""


def _missing_message(fields: Fields, name: str, missing: list[str]) -> str:
    present = [key for key in _RANGE if key in fields]
    if "distribution" not in fields and present and len(missing) == 1:
        return f"`{present[0]}` without `{missing[0]}`"
    return f"{name} needs {' and '.join(f'`{key}`' for key in missing)}"

"""Turns a sweep file, or a Python mapping, into a `SweepSpec` and all that is to be said about it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sweepd.spec.command import unknown_macros, uses_program
from sweepd.spec.diagnostic import Diagnostic, Findings, TooManyErrorsError, shown
from sweepd.spec.fields import Fields
from sweepd.spec.limits import INT64_MIN, MAX_MACRO_WARNINGS
from sweepd.spec.loader import load_mapping, load_text
from sweepd.spec.nodes import Entry, MappingNode, ScalarNode, SequenceNode
from sweepd.spec.read_parameters import ParametersReader
from sweepd.spec.read_sections import read_early_terminate, read_metric
from sweepd.spec.search_space import ParameterNode
from sweepd.spec.sweep_rules import check_sweep
from sweepd.spec.sweep_spec import Method, SweepSpec

_TEXT_KEYS: Final = ("name", "description", "project", "entity", "program")
_KEYS: Final = (
    *("method", "parameters", "metric", "early_terminate", "command", "run_cap", "seed"),
    *_TEXT_KEYS,
    *("apiVersion", "kind", "job", "image_uri"),  # accepted without effect
)
_KEYS_LATER: Final = (
    *(
        "controller",
        "metrics",
        "scheduler",
        "reproducible",
        "constraints",
        "initial",
        "runs",
        "shuffle",
        "zip",
    ),
    *("repeats", "aggregate", "outcome_constraints", "retry", "run_timeout", "sweep_timeout", "max_parallel"),
    *("priority", "canary", "guard", "stop_when", "on_disconnect", "metrics_from", "requires", "compat"),
    *("tags", "metadata"),
)
_METHODS_LATER: Final = ("custom", "list", "sobol")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A specification and what was found; `spec` is None if and only if an error is among the diagnostics."""

    spec: SweepSpec | None
    diagnostics: tuple[Diagnostic, ...]


def parse_text(content: bytes, *, file: str) -> Parsed:
    """Read the bytes of a YAML or JSON file; `file` is its name in messages."""
    findings = Findings(file)
    return _parsed(lambda: load_text(content, findings), findings)


def parse_mapping(document: Mapping[str, object], *, file: str = "config") -> Parsed:
    """Read the same from a Python mapping; its findings have no line."""
    findings = Findings(file)
    return _parsed(lambda: load_mapping(document, findings), findings)


def _parsed(load: Callable[[], MappingNode | None], findings: Findings) -> Parsed:
    spec = None
    with suppress(TooManyErrorsError):
        root = load()
        if root is not None:
            spec = _spec(Fields(root, "", root.place, findings), findings)
    return Parsed(None if findings.has_errors else spec, findings.in_order())


def _spec(fields: Fields, findings: Findings) -> SweepSpec | None:
    fields.check_keys(_KEYS, _KEYS_LATER, "a sweep file")
    texts = {key: fields.text(key, empty_allowed=key == "description") for key in _TEXT_KEYS}
    _check_without_effect(fields)
    for key in ("project", "entity"):
        _check_name_part(fields, key, texts[key])
    method = fields.choice("method", Method, later=_METHODS_LATER)
    if "method" not in fields:
        fields.error("missing-key", "needs `method`: grid, random or bayes")
    entries = fields.node.entries
    metric = read_metric(entries["metric"], findings) if "metric" in fields else None
    rule = read_early_terminate(entries["early_terminate"], findings) if "early_terminate" in fields else None
    run_cap, seed = fields.integer("run_cap", 1), fields.integer("seed", INT64_MIN)
    parameters = _parameters(fields, findings)
    command = _command(fields, findings)
    check_sweep(fields, method, parameters)
    _check_command(fields, command, parameters)
    if method is None or not parameters:
        return None
    return SweepSpec(
        method=method,
        parameters=parameters,
        command=command,
        metric=metric,
        early_terminate=() if rule is None else (rule,),
        run_cap=run_cap,
        seed=seed,
        **texts,
    )


def _parameters(fields: Fields, findings: Findings) -> dict[str, ParameterNode]:
    entry = fields.node.entries.get("parameters")
    if entry is None:
        fields.error("missing-key", "needs `parameters`, the space to search")
        return {}
    return ParametersReader(findings).read(entry, "parameters")


def _check_without_effect(fields: Fields) -> None:
    for key in ("apiVersion", "job", "image_uri"):
        fields.text(key, empty_allowed=True)
    kind = fields.text("kind")
    if kind is not None and kind != "sweep":
        fields.error("unknown-value", f"must be sweep, not {shown(kind)}", key="kind", suggestion="sweep")


def _check_name_part(fields: Fields, key: str, name: str | None) -> None:
    """Refuse what would make `entity/project/id` ambiguous or leave a folder of that name."""
    if name is not None and ("/" in name or name in (".", "..") or not name.isprintable() or len(name) > 128):
        message = "must be a name of at most 128 printable characters without `/`"
        fields.error("bad-name", message, key=key)


def _command(fields: Fields, findings: Findings) -> tuple[str, ...]:
    """Return the items as text: numbers and booleans as Python writes them."""
    entry = fields.node.entries.get("command")
    if entry is None:
        return ()
    if not isinstance(entry.node, SequenceNode):
        hint = "; each argument is an item of its own, no shell is involved"
        message = f"must be a list{hint}"
        findings.error(entry.node.place, "command", "bad-type", message)
        return ()
    items: list[str] = []
    for index, item in enumerate(entry.node.items):
        if isinstance(item, ScalarNode) and item.value is not None:
            items.append(str(item.value))
        else:
            message = "an item is text, a number or a boolean"
            findings.error(item.place, f"command[{index}]", "bad-type", message)
    return tuple(items)


def _check_command(fields: Fields, command: tuple[str, ...], parameters: Mapping[str, ParameterNode]) -> None:
    entry: Entry | None = fields.node.entries.get("command")
    items = entry.node.items if entry is not None and isinstance(entry.node, SequenceNode) else ()
    for index, macro, near in islice(unknown_macros(command, parameters), MAX_MACRO_WARNINGS):
        place = items[index].place if index < len(items) else None
        message = f"unknown macro {shown(macro)}: it is not expanded"
        fields.findings.warning(place, f"command[{index}]", "unknown-macro", message, near)
    if "program" not in fields and uses_program(command):
        message = "no `program`: agents that start a command cannot run this sweep"
        fields.findings.warning(fields.place, "", "no-program", message)

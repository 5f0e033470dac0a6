"""Rules of a sweep in words: repeats, labels, guards, early termination and its verdicts."""

from collections.abc import Iterator

from sweepd.spec.point import Json
from sweepd.spec.sweep_spec import Guard, Retry
from sweepd.views.rows import Row, lookup
from sweepd.views.text import cell, clean, counted, duration, shown_value

_NAMES_SHOWN = 20


def rule_entries(sweep: Row) -> list[tuple[str, str]]:
    """Return the rules of a sweep that are not those of every sweep, as names and values."""
    return [entry for entry in _entries(sweep) if entry[1]]


def verdict_text(verdict: Json) -> str:
    """Return why early termination ended a run."""
    value, threshold = (shown_value(lookup(verdict, name)) for name in ("value", "threshold"))
    at = f"{cell(lookup(verdict, 'rule'))} at iteration {cell(lookup(verdict, 'rung'))}: "
    match lookup(verdict, "rule"):
        case "hyperband" | "asha":
            return f"{at}{value} is worse than {threshold}, the threshold of this rung"
        case "median":
            return f"{at}its best, {value}, is worse than the median of the others, {threshold}"
        case "patience":
            return f"{at}its best, {value}, is too old; it had to become better than {threshold}"
        case _:
            return f"{at}{value} is worse than the threshold {threshold}"


def _entries(sweep: Row) -> Iterator[tuple[str, str]]:
    names = list(_parameters(sweep["parameters"]))
    more = f", … ({len(names)} in all)" if len(names) > _NAMES_SHOWN else ""
    yield "parameters", ", ".join(names[:_NAMES_SHOWN]) + more
    if initial := _listed(sweep["initial"]):
        yield "initial", f"{counted(len(initial), 'point')} first"
    yield "constraints", "\n".join(map(cell, _listed(sweep["constraints"])))
    yield "zip", "\n".join(", ".join(map(cell, _listed(names))) for names in _listed(sweep["zip"]))
    if sweep["shuffle"]:
        yield "order", "shuffled"
    for rule in _listed(sweep["earlyTerminate"]):
        yield "stops early", _rule(rule)
    if isinstance(repeats := sweep["repeats"], int) and repeats > 1:
        yield "repeats", f"{counted(repeats, 'run')} of each point; {cell(sweep['aggregate'])} counts"
    if sweep["canary"]:
        yield "canary", "one run first, until it has logged the objective"
    yield "guard", _guard(sweep)
    yield "retry", _retry(sweep)
    if isinstance(seconds := sweep["sweepTimeoutSeconds"], (int, float)):
        yield "timeout", duration(seconds)
    if isinstance(labels := sweep["requires"], dict):
        yield "requires", ", ".join(f"{clean(name)}={cell(value)}" for name, value in labels.items())
    if isinstance(sources := sweep["metricsFrom"], dict):
        yield "metrics from", ", ".join(f"{name} {cell(text)}" for name, text in sources.items() if text)
    if compat := sweep["compat"]:
        yield "compat", cell(compat)


def _parameters(parameters: Json) -> Iterator[str]:
    """Yield the dotted names, those with a condition marked; constants are none to choose."""
    if not isinstance(parameters, dict):
        return
    for name, node in parameters.items():
        if not isinstance(node, dict) or "value" in node:
            continue
        when = f" (when {clean(str(node['when']))})" if "when" in node else ""
        if "parameters" in node:
            yield from (f"{clean(name)}.{inner}{when}" for inner in _parameters(node["parameters"]))
        else:
            yield f"{clean(name)}{when}"


def _guard(sweep: Row) -> str:
    share = lookup(sweep, "guard.sweep")
    parts = [f"an agent after {cell(lookup(sweep, 'guard.agent'))} failures in a row"]
    if isinstance(share, (int, float)):
        parts.append(f"the sweep when {share:.4g} of the last 20 runs failed")
    return "; ".join(parts) if share is not None or lookup(sweep, "guard.agent") != Guard().agent else ""


def _retry(sweep: Row) -> str:
    failure, lost = lookup(sweep, "retry.failure"), lookup(sweep, "retry.infrastructure")
    if (failure, lost) == (Retry().failure, Retry().infrastructure):
        return ""
    return f"{_times(failure)} after a failure, {_times(lost)} after a loss"


def _times(count: Json) -> str:
    return counted(count, "time") if isinstance(count, int) else cell(count)


def _rule(rule: Json) -> str:
    if not isinstance(rule, dict):
        return ""
    bounds = " ".join(f"{name}={cell(value)}" for name, value in rule.items() if name != "type")
    return f"{cell(rule['type'])} {bounds}"


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []

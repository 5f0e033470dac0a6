"""Description of a sweep or a run for people, as shown by `get`; text for rules and verdicts."""

from collections.abc import Iterator

from sweepd.cli.output.table import listing, table
from sweepd.spec.point import Json
from sweepd.spec.sweep_spec import Guard, Retry
from sweepd.views.rows import Column, Row, lookup, point_lines, rows_of
from sweepd.views.sweep import every_run_failed
from sweepd.views.text import (
    cell,
    clean,
    counted,
    duration,
    elapsed,
    quoted_list,
    shown_counts,
    shown_time,
    shown_value,
    shown_words,
    size_text,
)

_SUMMARY_LINES = 40
_COMMIT_LETTERS = 12


def describe_sweep(sweep: Row, *, colored: bool, width: int | None = None) -> str:
    """Return a sweep as a list of names and values; `width` is that of the terminal."""
    metric = sweep["metric"]
    planned = "∞" if sweep["plannedRuns"] is None else cell(sweep["plannedRuns"])
    entries = [
        ("sweep", cell(sweep["name"])),
        ("name", cell(sweep["displayName"])),
        *cells(sweep, "description", "state", "ending", "reason", "method"),
        ("metric", _objective(metric)),
        *rule_entries(sweep),
        ("runs", f"{shown_counts(sweep['runs']) or 'none yet'} of {planned}"),
        ("prior runs", prior_notice(sweep)),
        ("best", _best(sweep)),
        ("agents", f"{cell(sweep['connectedAgents'])} connected"),
        ("quarantined", shown_words(sweep["guardedAgents"])),
        ("created", shown_time(sweep["createTime"])),
        ("took", elapsed(sweep["startTime"], sweep["endTime"])),
        ("tags", shown_words(sweep["tags"])),
        ("metadata", point_lines(sweep["metadata"])),
        ("revision", cell(sweep["revision"]) if sweep["revision"] not in (0, 1) else "-"),
    ]
    missing = objective_notice(sweep)
    if missing and not reason_states_objective(sweep):
        entries.append(("objective", missing))
    return listing(entries, colored=colored, width=width)


def cells(row: Row, *names: str) -> list[tuple[str, str]]:
    """Return values of a row with their names."""
    return [(name, cell(row[name])) for name in names]


def prior_notice(sweep: Row) -> str:
    """Return the number of prior runs of a sweep, and the command that shows them."""
    if not sweep["priorRuns"]:
        return "-"
    return f"{cell(sweep['priorRuns'])}; to see them: sweepctl runs {cell(sweep['name'])} --prior"


def objective_notice(sweep: Row) -> str:
    """Return the notice that runs finished without logging the objective; empty if no run did."""
    keys = lookup(sweep, "objectiveMissing.loggedKeys")
    if not isinstance(keys, list):
        return ""
    logged = quoted_list(str(key) for key in keys) if keys else "nothing"
    return f"your script logged {logged}; the sweep optimises `{cell(lookup(sweep, 'metric.name'))}`"


def reason_states_objective(sweep: Row) -> bool:
    """Return True if the reason of a sweep states that the objective was not logged."""
    for_it = sweep["pauseCause"] == "objective-missing" or sweep["state"] == "failed"
    return bool(sweep["reason"]) and for_it


def describe_run(
    run: Row, *, colored: bool, summary: Json = None, hint: str = "", width: int | None = None
) -> str:
    """Return a run as a list of names and values, followed by a table of its attempts.

    Args:
        run: JSON of the run.
        colored: True to colour states.
        summary: summary of the run; None to show only the values that the script has set.
        hint: likely cause of the end of the run.
        width: width of the terminal; None for unlimited.
    """
    entries = [
        *cells(run, "run", "sweep", "state"),
        ("reason", "\n".join(filter(None, (cell(run["reason"]), hint)))),
        ("repeat", cell(run["repeat"]) if run["repeat"] else "-"),
        ("value", shown_value(run["value"])),
        ("best value", shown_value(run["bestValue"]) if run["bestValue"] != run["value"] else "-"),
        ("last value", shown_value(run["lastValue"])),
        ("iterations", cell(run["iterations"]) if run["sweep"] else "-"),  # a standalone run has no objective
        ("parameters", point_lines(run["params"])),
        ("chosen", _origin(run)),
        ("verdict", "-" if run["reason"] else _verdict(run)),  # the reason includes the verdict
        ("logged", shown_words(run["loggedKeys"])),
        ("summary", _first_lines(point_lines(summary or lookup(run["details"], "summary")), of=run)),
        ("took", run_took(run)),
        *_details_entries(run),
    ]
    text = listing(entries, colored=colored, width=width)
    rows = rows_of(run["attempts"])
    return f"{text}\n{table(rows, _ATTEMPTS, colored=colored, width=width)}" if rows else text


def _first_lines(text: str, *, of: Row) -> str:
    lines = text.splitlines()
    left = len(lines) - _SUMMARY_LINES
    if left <= 0:
        return text
    return "\n".join(
        [*lines[:_SUMMARY_LINES], f"… and {left} more: sweepctl export {cell(of['run'])} -o csv"]
    )


def run_took(run: Row) -> str:
    """Return the time from the start of a run to its end, or until now if it is running."""
    return "-" if run["state"] in ("pending", "assigned") else elapsed(run["startTime"], run["endTime"])


def last_attempt(run: Row) -> Row:
    """Return the latest attempt of a run; empty before the first."""
    attempts = rows_of(run["attempts"])
    return attempts[-1] if attempts else {}


def end_reason(run: Row) -> str:
    """Return the reason why a run failed, from the run or from its latest attempt; may be empty."""
    last = last_attempt(run)
    for text in (run["reason"], lookup(last, "reason"), lookup(last, "exit.message")):
        if text:
            return cell(text)
    if (code := lookup(last, "exit.code")) is not None:
        return f"exit code {cell(code)}"
    cause = lookup(last, "exit.cause")
    return cell(cause) if cause else ""


def exit_text(value: Json) -> str:
    """Return the exit of a process as text."""
    cause = lookup(value, "cause")
    if cause is None:
        return "-"
    if cause == "exited":
        return f"code {cell(lookup(value, 'code'))}"
    if cause == "commanded":
        cause = "on command"
    signal = lookup(value, "signal")
    if signal is None:
        return cell(cause)
    return f"signal {cell(signal)}" if cause == "signaled" else f"{cell(cause)} (signal {cell(signal)})"


_ATTEMPTS = (
    Column("attempt", "attempt"),
    Column("state", "state"),
    Column("agent", "agent"),
    Column("host", "host", long=True, spare=3),
    Column("handed out", "assignTime", shown_time, spare=1),
    Column("ended", "endTime", shown_time, spare=2),
    Column("exit", "exit", exit_text, long=True),
    Column("reason", "reason", long=True),
)


def _objective(metric: Json) -> str:
    if not metric:
        return "-"
    of = lookup(metric, "value")
    text = f"{cell(lookup(metric, 'goal'))} {cell(lookup(metric, 'name'))}"
    return text if of == "best" else f"{text} ({cell(of)} of a run)"


def _best(sweep: Row) -> str:
    if sweep["best"] is None:
        return "-"
    text = f"{shown_value(lookup(sweep, 'best.value'))} in {cell(lookup(sweep, 'best.run'))}"
    return f"{text}, but every run has failed" if every_run_failed(sweep) else text


def _origin(run: Row) -> str:
    source = lookup(run, "provenance.source")
    if source is None:
        return "-"
    seen = lookup(run, "provenance.observationsSeen")
    after = f", after {counted(seen, 'value')}" if isinstance(seen, int) and seen else ""
    return f"{cell(source)}{after}"


def _verdict(run: Row) -> str:
    return "\n".join(map(verdict_text, rows_of(run["verdicts"]))) or "-"


def _details_entries(run: Row) -> list[tuple[str, str]]:
    """Return the details of a run as names and values; an empty value is a dash."""
    details = run["details"]
    if not isinstance(details, dict):
        return []
    return [
        ("name", cell(details["name"])),
        ("tags", shown_words(details["tags"])),
        ("group", cell(details["group"])),
        ("job type", cell(details["jobType"])),
        ("notes", cell(details["notes"])),
        ("config", point_lines(_script_only(details["config"], run["params"]))),
        ("resumed from", "-" if details["resumedFromStep"] is None else f"step {details['resumedFromStep']}"),
        ("preempting", "yes" if details["preempting"] else "-"),
        *_context_entries(details["context"]),
    ]


def _context_entries(context: Json) -> list[tuple[str, str]]:
    if not isinstance(context, dict):
        return []
    python = lookup(context, "python.version")
    packages = lookup(context, "python.packages")
    machine = [cell(context["os"])]
    if context["cpuCount"]:
        machine.append(f"{cell(context['cpuCount'])} CPUs")
    if isinstance(memory := context["memoryBytes"], int) and memory:
        machine.append(size_text(memory))
    return [
        ("directory", cell(context["directory"])),
        ("git", _git(context["git"])),
        ("python", f"{cell(python)}, {cell(packages)} packages" if python else "-"),
        ("machine", ", ".join(machine)),
        ("gpus", ", ".join(cell(gpu["name"]) for gpu in rows_of(context["gpus"])) or "-"),
    ]


def _script_only(config: Json, params: Json) -> Json:
    """Return the configuration without the values of the point, which are shown as parameters."""
    if not isinstance(config, dict) or not isinstance(params, dict):
        return config
    return {name: value for name, value in config.items() if params.get(name) != value}


def _git(git: Json) -> str:
    if not isinstance(git, dict):
        return "-"
    words = [clean(str(git["commit"] or "no commit"))[:_COMMIT_LETTERS]]
    if git["branch"]:
        words.append(f"on {cell(git['branch'])}")
    if git["dirty"]:
        words.append("with changes (git.diff)")
    if git["remote"]:
        words.append(f"of {cell(git['remote'])}")
    return " ".join(words)


_NAMES_SHOWN = 20


def rule_entries(sweep: Row) -> list[tuple[str, str]]:
    """Return the parameters of a sweep, and the rules that differ from the defaults, as names and values."""
    return [entry for entry in _rules(sweep) if entry[1]]


def verdict_text(verdict: Json) -> str:
    """Return the reason why early termination stopped a run."""
    value, threshold = (shown_value(lookup(verdict, name)) for name in ("value", "threshold"))
    at = f"{cell(lookup(verdict, 'rule'))} at iteration {cell(lookup(verdict, 'rung'))}: "
    match lookup(verdict, "rule"):
        case "hyperband" | "asha":
            return f"{at}{value} is worse than {threshold}, the threshold of this rung"
        case "median":
            return f"{at}its best, {value}, is worse than the median of the others, {threshold}"
        case "patience":
            return f"{at}its best, {value}, has not improved in time; it had to be better than {threshold}"
        case _:
            return f"{at}{value} is worse than the threshold {threshold}"


def _rules(sweep: Row) -> Iterator[tuple[str, str]]:
    names = list(_parameters(sweep["parameters"]))
    more = f", … ({len(names)} in all)" if len(names) > _NAMES_SHOWN else ""
    yield "parameters", ", ".join(names[:_NAMES_SHOWN]) + more
    if initial := _listed(sweep["initial"]):
        yield "initial", f"{counted(len(initial), 'point')} first"
    yield "constraints", "\n".join(map(cell, _listed(sweep["constraints"])))
    yield "zip", "\n".join(", ".join(map(cell, _listed(names))) for names in _listed(sweep["zip"]))
    if sweep["shuffle"]:
        yield "order", "shuffled"
    for rule in rows_of(sweep["earlyTerminate"]):
        yield "stops early", _bounds(rule)
    if isinstance(repeats := sweep["repeats"], int) and repeats > 1:
        yield "repeats", f"{counted(repeats, 'run')} of each point; value: {cell(sweep['aggregate'])}"
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
    """Yield the dotted names of parameters, each with its condition if any; skip constants."""
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


def _bounds(rule: Row) -> str:
    bounds = " ".join(f"{name}={cell(value)}" for name, value in rule.items() if name != "type")
    return f"{cell(rule['type'])} {bounds}"


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []

"""Explanation of a run or a sweep: origin of the point, verdicts, obstacles, attempts, events."""

from collections.abc import Iterator, Sequence

from sweepd.cli.output.table import listing, wrapped
from sweepd.cli.show.describe import cells, exit_text, objective_notice, prior_notice, run_took, verdict_text
from sweepd.cli.show.outcome import shell_line
from sweepd.spec.point import Json
from sweepd.views.rows import Row, lookup, point_lines, rows_of
from sweepd.views.text import cell, counted, elapsed, shown_counts, shown_time, shown_value

_INDENT = "   "
_SOURCES = {
    "grid": "point {index} of the grid, counted from 0",
    "random": "random draw {index} of seed {seed}",
    "sobol": "point {index} of the Sobol sequence of seed {seed}, counted from 0",
    "list": "entry {index} of the sweep's `runs`, counted from 0",
    "initial": "entry {index} of the sweep's `initial`, counted from 0; the method completed the rest",
    "standalone": "the configuration of a script that a person started",
    "enqueued": "enqueued by a person; the method chose the parameters left out",
    "fallback": "random draw {index} of seed {seed}, because no suggestion was available in time",
    "fresh": "suggested for this hand-out by {engine}, seed {seed}, for run {index}",
    "prefetched": "suggested in advance by {engine}, seed {seed}, for run {index}",
}


def run_explanation(
    run: Row, events: Sequence[Row], obstacles: Sequence[Row], *, colored: bool, width: int | None = None
) -> str:
    """Return the explanation of a run; `width` is that of the terminal, None for unlimited."""
    entries = [
        *cells(run, "run", "state", "reason"),
        ("parameters", point_lines(run["params"])),
        ("value", _value(run)),
        ("took", run_took(run)),
    ]
    parts = [listing(entries, colored=colored, width=width)]
    parts += _section("Why this point", _origin(run["provenance"]), width)
    stopped = run["state"] not in ("running", "finished")  # a finished run was not stopped
    heading = "Why it was stopped" if stopped else "What early termination decided"
    parts += _section(heading, _verdicts(run["verdicts"]), width)
    if run["state"] == "pending":
        parts += _section(
            "Why it waits", _obstacles(obstacles) or ["nothing: the next free agent slot runs it"], width
        )
    parts += _section("Attempts", _attempts(run["attempts"]), width)
    parts += _section("Record", map(_event, events), width)
    return "\n".join(parts)


def sweep_explanation(
    sweep: Row, obstacles: Sequence[Row], *, colored: bool, width: int | None = None
) -> str:
    """Return the state of a sweep and the obstacles to its hand-outs; `width` is that of the terminal."""
    entries = [
        ("sweep", cell(sweep["name"])),
        *cells(sweep, "state", "ending", "reason"),
        ("runs", shown_counts(sweep["runs"]) or "none yet"),
        ("prior runs", _prior(sweep)),
        ("agents", f"{cell(sweep['connectedAgents'])} connected"),
        ("objective", objective_notice(sweep) or "-"),
    ]
    text = listing(entries, colored=colored, width=width)
    lines = _obstacles(obstacles) or ["nothing: it hands out runs as agents request them"]
    return "\n".join([text, *_section("Waiting for", lines, width)])


def _prior(sweep: Row) -> str:
    notice = prior_notice(sweep)
    if notice == "-":
        return notice
    learnt = " the search learnt from them;" if sweep["method"] == "bayes" else ""
    compared = " early termination compares with them;" if sweep["earlyTerminate"] else ""
    return (
        f"{notice}\nno run repeats one of their points;{learnt}{compared} they do not count towards the "
        "cap and are never the best run"
    )


def _section(heading: str, lines: Iterator[str] | Sequence[str], width: int | None) -> list[str]:
    """Return a heading with its lines; an empty list if there are no lines."""
    # An indented line is a command to copy, so it is not wrapped.
    parts = (
        part
        for line in lines
        for part in wrapped(f"  {line}", None if line.startswith(_INDENT) else width, _INDENT)
    )
    shown = "".join(f"{part}\n" for part in parts)
    return [f"{heading}\n{shown}"] if shown else []


def _value(run: Row) -> str:
    if run["value"] is None:
        return "-"
    iterations = run["iterations"]
    after = f" after {counted(iterations, 'iteration')}" if isinstance(iterations, int) and iterations else ""
    return f"{shown_value(run['value'])}{after}"


def _origin(provenance: Json) -> Iterator[str]:
    source = lookup(provenance, "source")
    if not isinstance(source, str):
        return
    known = {name: cell(lookup(provenance, name)) for name in ("index", "seed", "engine")}
    yield _SOURCES.get(source, source).format(**known)
    if seen := lookup(provenance, "observationsSeen"):
        yield f"the search had seen {counted(seen, 'value') if isinstance(seen, int) else cell(seen)}"
    predicted = lookup(provenance, "predictedValue")
    if predicted is not None:
        deviation = lookup(provenance, "predictedDeviation")
        spread = "" if deviation is None else f" ± {shown_value(deviation)}"
        yield f"predicted value: {shown_value(predicted)}{spread}"
    improvement = lookup(provenance, "expectedImprovement")
    if improvement is not None:
        yield f"expected improvement over the best seen: {shown_value(improvement)}"


def _verdicts(verdicts: Json) -> Iterator[str]:
    for verdict in rows_of(verdicts):
        compared = verdict["compared"]
        prior = (
            f", prior runs among them: {cell(verdict['priorCompared'])}" if verdict["priorCompared"] else ""
        )
        rank = f" (rank {cell(verdict['rank'])} of {cell(compared)}{prior})" if compared else ""
        yield f"{verdict_text(verdict)}{rank}"
        if verdict["decideTime"] is not None:
            yield f"decided {shown_time(verdict['decideTime'])}"


def _attempts(attempts: Json) -> Iterator[str]:
    for attempt in rows_of(attempts):
        yield f"{cell(attempt['attempt'])}  {_attempt(attempt)}"
        if argv := attempt["argv"]:
            yield f"{_INDENT}{shell_line([str(word) for word in argv] if isinstance(argv, list) else [])}"


def _attempt(attempt: Row) -> str:
    where = f"on {cell(attempt['host'])}, agent {cell(attempt['agent'])}"
    parts = [f"{where}: {cell(attempt['state'])}"]
    reasons = [cell(text) for text in (attempt["reason"], lookup(attempt["exit"], "message")) if text]
    exited = exit_text(attempt["exit"])
    if exited != "-" and not any(exited in text for text in reasons):  # the reason often includes the code
        parts.append(exited)
    if attempt["startTime"] is not None:
        since = "for" if attempt["endTime"] is None else "after"
        parts.append(f"{since} {elapsed(attempt['startTime'], attempt['endTime'])}")
    return ", ".join(parts) + "".join(f"; {text}" for text in dict.fromkeys(reasons))


def _event(event: Row) -> str:
    attempt = f"  attempt {cell(event['attempt'])}" if event["attempt"] else ""
    detail = f": {cell(event['detail'])}" if event["detail"] else ""
    return f"{shown_time(event['time'])}{attempt}  {cell(event['kind'])}{detail}"


def _obstacles(obstacles: Sequence[Row]) -> list[str]:
    return [f"{cell(obstacle['kind'])}: {cell(obstacle['message'])}" for obstacle in obstacles]

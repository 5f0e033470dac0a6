"""Function `sweepd.sweep`, which creates a sweep from a dictionary.

The function runs `sweepctl create` in a separate process, so that the caller, which may fork or run an event
loop, does not import gRPC.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from sweepd.functions.running import legal_part
from sweepd.script.errors import AgentError, SweepError, UsageError
from sweepd.spec.keys.sweep import to_document
from sweepd.spec.parse import Parsed, parse_mapping
from sweepd.spec.sweep_spec import SweepSpec
from sweepd.spec.wording import unbounded_sentence

_NO_PROGRAM = "no-program"
_LAST_LINES = 5
_MAX_REPORTED = 20

Config = Mapping[str, object]


def sweep(
    sweep: Config | Callable[[], Config],
    entity: str | None = None,
    project: str | None = None,
    prior_runs: Sequence[str] | None = None,
) -> str:
    """Create a sweep and return its id, for `agent` and `sweepctl`.

    Args:
        sweep: content of a sweep file as a dictionary, or a function that returns one. `program` may be
            missing if the runs are function calls.
        entity: entity. Default: SWEEPD_ENTITY, `entity` in `sweep`, `config set`, or `local`.
        project: project. Default: SWEEPD_PROJECT, `project` in `sweep`, `config set`, or the program's name.
        prior_runs: names of runs whose results the search uses and whose points it does not repeat.
            Unsuitable runs are reported and left out.

    Raises:
        SweepError: the configuration is invalid; each finding names its position.
        AgentError: the sweep was not created; `exit_code` is the exit code of `sweepctl create`.
    """
    if isinstance(prior_runs, str):
        raise UsageError(f"prior_runs: expected a list of names, not the text {prior_runs!r}")
    document = sweep() if callable(sweep) else sweep
    if not isinstance(document, Mapping):
        raise SweepError(
            f"a sweep is a dictionary, or a function that returns one, not {type(document).__name__}"
        )
    spec = _spec(parse_mapping(document))
    place = {"entity": legal_part("entity", entity), "project": legal_part("project", project)}
    flags = [f"--{key}={part}" for key, part in place.items() if part]
    created = _create(spec, [*flags, *(f"--prior-run={run}" for run in prior_runs or ())])
    _report_prior_runs(created.get("priorRuns"))
    sweep_id = str(created["name"]).rpartition("/")[2]
    _say(f"Create sweep with ID: {sweep_id}")
    if created.get("url"):
        _say(f"Sweep URL: {created['url']}")
    if created.get("plannedRuns") is None:
        sys.stderr.write(f"warning: {unbounded_sentence(str(created['name']))}\n")
    return sweep_id


def controller(*arguments: object, **options: object) -> None:
    """Reject the call: W&B's local controller has no counterpart, as the server chooses the points.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        "sweepd.controller is not supported yet: the server chooses the points of a sweep"
    )


def _spec(parsed: Parsed) -> SweepSpec:
    """Print the warnings of a parsed sweep and return its specification; ignore a missing program."""
    for finding in parsed.diagnostics:
        if finding.severity == "warning" and finding.code != _NO_PROGRAM:
            sys.stderr.write(f"warning: {finding}\n")
    if parsed.spec is not None:
        return parsed.spec
    findings = tuple(str(finding) for finding in parsed.refusals)
    raise SweepError("the configuration is not a valid sweep:", findings)


def _report_prior_runs(report: object) -> None:
    """Print the number of prior runs that are used, and the reasons why others are left out."""
    if isinstance(report, dict):
        sys.stderr.write(f"sweepd: the sweep begins with {report['taken']} of the prior runs\n")
        for left_out in report["unsuitableRuns"][:_MAX_REPORTED]:
            sys.stderr.write(f"sweepd: left out: {left_out['run']}: {left_out['reason']}\n")
        if more := report["unsuitable"] - min(len(report["unsuitableRuns"]), _MAX_REPORTED):
            sys.stderr.write(f"sweepd: left out: {more:,} more\n")


def _create(spec: SweepSpec, flags: Sequence[str]) -> dict[str, object]:
    """Run `sweepctl create` and return its JSON output."""
    # `-P`: modules in the working directory must not shadow the standard library.
    command = [sys.executable, "-P", "-m", "sweepd.cli.main", "create", "-", "--output", "json"]
    done = subprocess.run(
        [*command, *flags],
        input=json.dumps(to_document(spec)).encode(),
        capture_output=True,
        env=dict(os.environ),
        check=False,
    )
    errors = done.stderr.decode(errors="replace").splitlines()
    if done.returncode != 0:
        raise _failure(errors, done.returncode)
    created: dict[str, object] = json.loads(done.stdout)
    return created


def _failure(errors: Sequence[str], exit_code: int) -> AgentError:
    """Return the error that `sweepctl` has printed as JSON in its last line."""
    try:
        error: Mapping[str, object] = json.loads(errors[-1])["error"]
    except (IndexError, ValueError, KeyError, TypeError):
        return AgentError("\n".join(errors[-_LAST_LINES:]) or "the sweep was not created", exit_code)
    parts = (error.get("message"), error.get("cause"), error.get("nextStep"))
    return AgentError("; ".join(str(part) for part in parts if part), exit_code)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")

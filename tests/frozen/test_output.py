"""Fields of `-o json`, columns of CSV, lines of `-o jsonl` and exit codes, of real commands."""

from __future__ import annotations

import csv
import io
import json
import signal
from collections.abc import Mapping

from frozen.golden_files import Golden, Unchanged, shape
from frozen.prepared_server import SHORT, WAITING, PreparedServer
from waiting import until

OF_A_MODEL = {
    "[].provenance.engine": "null | string",
    "[].provenance.expectedImprovement": "null | number",
    "[].provenance.predictedDeviation": "null | number",
    "[].provenance.predictedValue": "null | number",
}
"""Types of the fields of a run that exist only if the model was ready, which depends on the load."""


def without_machine(value: object) -> object:
    """Return a document without the parts that depend on the machine: GPUs, git, packages."""
    match value:
        case dict():
            return {
                name: "of this machine" if name == "gpus" else without_machine(member)
                for name, member in value.items()
            }
        case list():
            return [without_machine(item) for item in value]
        case _:
            return value


def with_either(found: Golden, either: Mapping[str, str]) -> Golden:
    """Return a shape in which some fields have all the types that they may have."""
    assert isinstance(found, Mapping)
    for path, types in either.items():
        types_now = found[path]
        assert isinstance(types_now, str)
        assert {*types_now.split(" | ")} <= {*types.split(" | ")}, path
    return {**found, **either}


def test_fields_of_json(prepared: PreparedServer, unchanged: Unchanged) -> None:
    here, grid = prepared.installation, prepared.grid
    standalone = here.ctl("runs", "--project", "by-hand", "-o", "name").stdout.strip()
    here.ctl("enqueue", prepared.waiting, "--param", "lr=0.25")
    here.write("rows.jsonl", '{"loss": 1.0}\n')
    here.write("with_metrics.yaml", f"{WAITING}metrics_from: {{file: rows.jsonl}}\n")
    calls: dict[str, tuple[str, ...]] = {
        "list": ("list",),
        "list --projects": ("list", "--projects"),
        "get SWEEP": ("get", grid),
        "get SWEEP, of a model": ("get", prepared.bayes),
        "get SWEEP, with prior runs": ("get", prepared.seeded),
        "get --spec": ("get", grid, "--spec"),
        "get RUN": ("get", f"{grid}:1"),
        "get RUN, failed": ("get", f"{grid}:6"),
        "get RUN, by hand": ("get", standalone),
        "runs": ("runs", grid),
        "runs, stopped early": ("runs", prepared.stopped),
        "runs, of a model": ("runs", prepared.bayes),
        "runs --prior": ("runs", prepared.seeded, "--prior"),
        "runs --project": ("runs", "--project", "by-hand"),
        "best": ("best", grid),
        "best -n": ("best", grid, "-n", "2"),
        "history": ("history", f"{grid}:1"),
        "files": ("files", f"{grid}:1"),
        "explain SWEEP": ("explain", prepared.waiting),
        "explain RUN, ended": ("explain", f"{grid}:6"),
        "explain RUN, waiting": ("explain", f"{prepared.waiting}:1"),
        "agents": ("agents",),
        "whoami": ("whoami",),
        "token create": ("token", "create", "--scope", "read"),
        "token list": ("token", "list"),
        "run": ("run", "run.yaml"),
        "config view": ("config", "view"),
        "config view --origin": ("config", "view", "--origin"),
        "config get": ("config", "get", "server"),
        "version": ("version",),
        "validate": ("validate", "sweep.yaml"),
        "preview": ("preview", "sweep.yaml", "-n", "2", "--run-time", "1m"),
        "metrics test": ("metrics", "test", "with_metrics.yaml", "--from", "rows.jsonl"),
        "sync": ("sync",),
        "create": ("create", "sweep.yaml", "--id", "made"),
        "pause": ("pause", "local/waiting/made"),
        "resume": ("resume", "local/waiting/made"),
        "edit": ("edit", "local/waiting/made", "--run-cap", "3"),
        "enqueue": ("enqueue", "local/waiting/made", "--param", "lr=0.5"),
        "stop RUN": ("stop", "local/waiting/made:1"),
        "retry": ("retry", "local/waiting/made:1"),
        "stop SWEEP": ("stop", "local/waiting/made"),
        "cancel": ("cancel", "local/waiting/gone", "--yes"),
    }
    here.create(WAITING, "--id", "gone")
    here.write("run.yaml", SHORT)
    here.write("token", prepared.server.access_token)
    here.ctl("login", prepared.server.address, "--token-file", "token")
    found: dict[str, Golden] = {}
    for title, words in calls.items():
        done = here.ctl(*words, "-o", "json", code=None)
        assert done.returncode == 0, (title, done)
        found[title] = shape(without_machine(json.loads(done.stdout)))
    found["runs, of a model"] = with_either(found["runs, of a model"], OF_A_MODEL)
    unchanged("json", found)


def test_fields_of_json_lines(prepared: PreparedServer, unchanged: Unchanged) -> None:
    here, found = prepared.installation, dict[str, Golden]()
    for title, words in {
        "export SWEEP": ("export", prepared.grid),
        "export SWEEP, with prior runs": ("export", prepared.seeded),
        "export RUN": ("export", f"{prepared.grid}:1"),
        "watch": ("watch", prepared.stopped),
        "preview": ("preview", "grid.yaml"),
    }.items():
        here.write("grid.yaml", WAITING)
        lines = [json.loads(line) for line in here.ctl(*words, "-o", "jsonl").stdout.splitlines()]
        kinds: dict[str, list[object]] = {}
        for line in lines:
            kinds.setdefault(line.get("type", "a line"), []).append(without_machine(line))
        found[title] = {kind: shape(*members) for kind, members in kinds.items()}
    unchanged("json_lines", found)


def test_columns_of_csv_and_headings_of_tables(prepared: PreparedServer, unchanged: Unchanged) -> None:
    here, found = prepared.installation, dict[str, Golden]()
    here.ctl("token", "create", "--scope", "read")  # an empty list has no heading
    for title, words in {
        "list": ("list",),
        "list --projects": ("list", "--projects"),
        "runs": ("runs", prepared.grid),
        "runs --prior": ("runs", prepared.seeded, "--prior"),
        "runs --project": ("runs", "--project", "by-hand"),
        "best": ("best", prepared.grid, "-n", "2"),
        "history": ("history", f"{prepared.grid}:1"),
        "files": ("files", f"{prepared.grid}:1"),
        "agents": ("agents",),
        "token list": ("token", "list"),
        "export": ("export", prepared.grid),
        "export, with prior runs": ("export", prepared.seeded),
    }.items():
        (heading, *_) = csv.reader(io.StringIO(here.ctl(*words, "-o", "csv").stdout))
        found[f"{title} -o csv"] = [*heading]
        if words[0] != "export":
            for form in ("table", "wide"):
                text = here.ctl(*words, "-o", form).stdout
                found[f"{title} -o {form}"] = text.partition("\n")[0].split()
    unchanged("columns", found)


def test_exit_codes(prepared: PreparedServer, unchanged: Unchanged) -> None:
    here, found = prepared.installation, dict[str, Golden]()
    here.write("bad.yaml", "method: grid\nparameters: {lr: {vals: [1]}}\n")
    here.write("good.yaml", WAITING)
    nowhere = ("--server", f"{here.host}:1")
    for title, words in {
        "ok": ("get", prepared.grid),
        "no such verb": ("gett",),
        "no such flag": ("get", prepared.grid, "--nothing"),
        "two of that id": ("get", "/"),
        "cancel without a terminal": ("cancel", prepared.grid),
        "no such sweep": ("get", "local/demo/nothing"),
        "no such run": ("get", f"{prepared.grid}:999"),
        "no such key": ("history", f"{prepared.grid}:1", "--key", "nothing"),
        "no such file": ("files", f"{prepared.grid}:1", "nothing"),
        "no such context": ("logout", "nothing"),
        "wrong token": ("get", prepared.grid, "--token-file", "token"),
        "sweep file not valid": ("create", "bad.yaml"),
        "sweep file not valid, checked": ("validate", "bad.yaml"),
        "sweep file not there": ("validate", "nothing.yaml"),
        "no server": ("get", prepared.grid, *nowhere),
        "wrong state": ("pause", prepared.grid),
        "wait: finished": ("wait", prepared.stopped),
        "wait: not yet": ("wait", prepared.waiting, "--timeout", "10ms"),
        "wait: a run that failed": ("wait", f"{prepared.grid}:6"),
        "wait: ended before that": ("wait", prepared.grid, "--for", "best<-100"),
        "watch: a run that failed": ("watch", f"{prepared.grid}:6"),
        "explain a failed run": ("explain", f"{prepared.grid}:6"),
    }.items():
        here.write("token", "no-token-of-this-server")
        found[f"sweepctl: {title}"] = str(here.ctl(*words, code=None).returncode)
    for title, words in {
        "no such flag": ("--nothing",),
        "no sweep": (),
        "no such sweep": ("local/demo/nothing",),
        "wrong token": (prepared.waiting, "--token-file", "token"),
        "no server in time": (prepared.waiting, *nowhere, "--wait", "10ms"),
    }.items():
        found[f"sweep-agent: {title}"] = str(here.run("sweep-agent", *words, timeout=90).returncode)
    here.write("fails.py", "raise SystemExit(3)\n")
    failing = here.create(
        WAITING.replace("trains.py", "fails.py").replace("program: ", "program: fails.py #")
    )
    agent = here.start_agent(failing, "--max-consecutive-failed-runs", "2")
    found["sweep-agent: a guard tripped"] = str(agent.process.wait(60))
    interrupted = here.start_agent(prepared.seeded)
    until(lambda: interrupted.events("run_started"), what="a run has started")
    for _ in range(3):
        interrupted.process.send_signal(signal.SIGINT)
    found["sweep-agent: Ctrl-C"] = str(interrupted.process.wait(60))
    for title, words in {
        "no such command": ("nothing",),
        "status: runs": ("status",),
        "no such flag": ("up", "--no"),
    }.items():
        data = ("--data", str(prepared.server.data)) if words[0] == "status" else ()
        found[f"sweepd: {title}"] = str(here.run("sweepd", *words, *data).returncode)
    found["sweepd: status: none runs"] = str(here.run("sweepd", "status", "--data", "nothing").returncode)
    found["sweepd: already running"] = str(
        here.run("sweepd", "up", "--data", str(prepared.server.data)).returncode
    )
    unchanged("exit_codes", found)


def test_fields_of_errors(prepared: PreparedServer, unchanged: Unchanged) -> None:
    here, found = prepared.installation, dict[str, Golden]()
    here.write("bad.yaml", "method: grid\nparameters: {lr: {vals: [1]}}\n")
    for title, words in {
        "not found": ("get", "local/demo/nothing"),
        "usage": ("gett",),
        "wrong state": ("pause", prepared.grid),
        "no server": ("get", prepared.grid, "--server", f"{here.host}:1"),
    }.items():
        found[title] = shape(json.loads(here.ctl(*words, "-o", "json", code=None).stderr))
    lines = here.ctl("validate", "bad.yaml", "--error-format", "json", code=5).stderr.splitlines()
    found["--error-format json"] = shape(*(json.loads(line) for line in lines))
    unchanged("json_of_errors", found)


def test_fields_of_the_log_of_an_agent(prepared: PreparedServer, unchanged: Unchanged) -> None:
    """Compare the events of every run; other tests check the events that occur only sometimes."""
    wanted = ("connected", "run_started", "run_ended", "result_acked", "metrics_acked", "exiting")
    first, idle = prepared.agents[0], prepared.agents[-1]
    found: dict[str, Golden] = {kind: shape(*first.events(kind)) for kind in wanted}
    unchanged("agent_log", found | {"withheld": shape(*idle.events("withheld"))})

"""Entry point of `sweepctl`: the table of commands, and handling of their exceptions."""

import os
import sys
from collections.abc import Sequence

import click

from sweepd.cli.command import CommandGroup
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.settings import Settings

COMMANDS = {
    "demo": ("local.demo:demo", "Show sweepd at work in a minute, with an example training script."),
    "run": ("local.run:run", "Run a sweep on this machine, from the file to the best run."),
    "create": ("define.create:create", "Create a sweep; agents may start at once."),
    "validate": ("define.validate:validate", "Check a sweep file, without a server."),
    "metrics": ("define.metrics:metrics", "Show what `metrics_from` of a sweep file would read."),
    "preview": ("define.preview:preview_", "Show what a sweep file would run, without a server."),
    "list": ("read.lists:list_", "List sweeps or projects."),
    "get": ("read.show:get", "Show a sweep or a run."),
    "runs": ("read.runs:runs", "List the runs of a sweep or a project."),
    "best": ("read.runs:best", "Show the best runs of a sweep, or the arguments of the best."),
    "history": ("read.points:history", "Show what a run has logged."),
    "logs": ("read.files:logs", "Show what a run has printed."),
    "files": ("read.files:files", "List the files of a run, print one, or download them."),
    "propose-config": ("define.propose_config:propose_config", "Propose a sweep file from earlier runs."),
    "sync": ("local.sync:sync", "Sync runs that exist only in folders on this machine."),
    "export": ("read.points:export", "Export all data of a sweep or a run."),
    "watch": ("read.watch:watch", "Follow a sweep or a run until it ends."),
    "wait": ("read.watch:wait", "Wait until a sweep or a run has ended."),
    "pause": ("steer.control:pause", "Pause a sweep: start no new runs until it is resumed."),
    "resume": ("steer.control:resume", "Resume a paused sweep: start new runs again."),
    "stop": ("steer.control:stop", "Stop a sweep (start no new runs), or one run."),
    "cancel": ("steer.control:cancel", "Cancel a sweep: start no new runs, and kill the live ones."),
    "retry": ("steer.control:retry", "Retry ended runs."),
    "enqueue": ("steer.edit:enqueue", "Add a run with parameters of your choice."),
    "edit": ("steer.edit:edit", "Change a sweep: run_cap, name, description, tags, metadata."),
    "explain": ("read.show:explain", "Explain why a run is in its state, or why a sweep waits."),
    "agents": ("read.lists:agents", "List agents, or release one that a guard has quarantined."),
    "login": ("account.login:login", "Log in to a server: store its address and a token."),
    "logout": ("account.login:logout", "Log out of a server: remove the stored token."),
    "whoami": ("account.login:whoami", "Show the account and the token that you use."),
    "token": ("account.login:token", "Create, list and revoke tokens."),
    "config": ("account.config:config", "Show and change settings of this account: servers, defaults."),
    "version": ("account.about:version", "Show the versions of client and server."),
    "help": ("account.about:help_", "Explain a command, `exit-codes` or `environment`."),
}

group = CommandGroup(
    package="sweepd.cli.commands",
    commands=COMMANDS,
    help="Search hyperparameters: create sweeps, follow them, find the best run.",
    examples=("sweepctl demo", "sweepctl run sweep.yaml --slots 2"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _replace_closed_streams()
    settings = Settings(environ=os.environ)
    try:
        with group.make_context("sweepctl", list(arguments), obj=settings) as context:
            result: object = group.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except BrokenPipeError:  # the reader has closed the pipe
        _discard_stdout()
        return ExitCode.OK
    except (KeyboardInterrupt, click.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - users must not get a traceback
        return _report(error, settings, as_json=_asks_for_json(arguments, settings))
    return int(result) if isinstance(result, int) else ExitCode.OK


def _report(error: Exception, settings: Settings, *, as_json: bool) -> int:
    """Write an error to stderr, as JSON or as text; return its exit code."""
    from sweepd.cli.failures import problem_of

    if settings.debug:
        import traceback

        traceback.print_exception(error)
    problem = problem_of(error)
    shown = [problem.document()] if as_json else problem.lines()
    sys.stderr.write("".join(f"{line}\n" for line in shown))
    try:
        sys.stdout.flush()
    except OSError:  # such as a full disk: the flush at exit would fail again
        _discard_stdout()
    return problem.exit_code


def _asks_for_json(arguments: Sequence[str], settings: Settings) -> bool:
    """Return True if the output format is JSON, even if the command line cannot be parsed."""
    wanted = settings.default("output")
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if before in ("-o", "--output"):
            wanted = argument
        elif argument.startswith(("-o", "--output=")):
            wanted = argument.removeprefix("--output").removeprefix("-o").removeprefix("=")
    return wanted in ("json", "jsonl")


def _replace_closed_streams() -> None:
    """Replace streams that the caller closed (`>&-`) with devnull, so no file reuses their descriptors."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - open until the process exits
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115


def _discard_stdout() -> None:
    """Redirect stdout to devnull, so that the flush at exit drops the text that could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())

"""`sweepctl demo`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.commands.define.sweep_options import checked_spec
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output.formats import note, put
from sweepd.cli.settings import current_settings
from sweepd.private_files import make_folder
from sweepd.views.text import number

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.cli.commands.local.console import Outcome
    from sweepd.cli.commands.local.processes import Interrupts, Process
    from sweepd.cli.commands.local.scratch_folder import ScratchFolder
    from sweepd.client import Client

_SLOTS = 2
_BASELINE_SECONDS = 60.0


@click.command(cls=Command, examples=("sweepctl demo", "sweepctl demo --keep digits"))
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep its script, sweep file and data in this new folder.",
)
def command(keep: Path | None) -> int:
    """Show all of it in a minute: a server, a sweep over a real training, an agent, the best run.

    Uses a folder and ports of its own and leaves nothing running, also after Ctrl-C.
    """
    from sweepd.cli.commands.local.processes import Interrupts
    from sweepd.cli.commands.local.scratch_folder import ScratchFolder

    with Interrupts() as interrupts:
        scratch: ScratchFolder | None = None
        try:
            try:
                with interrupts.shield():
                    scratch = ScratchFolder(interrupts, current_settings().environ, keep)
                return _show(scratch, interrupts, keep)
            finally:
                interrupts.close()
        finally:
            if scratch is not None:
                if interrupts.interrupted:
                    note("Ending…")
                scratch.close()


def _show(scratch: ScratchFolder, interrupts: Interrupts, keep: Path | None) -> int:
    scratch.lay_out()
    note(f"Starting a server and a sweep in {scratch.folder} …")
    alone = _start_alone(scratch)
    with scratch.start_server() as client:
        sweep = _create(scratch, client)
        note(f"Sweep {sweep.name}: 24 trainings of a small network on the digits, {_SLOTS} at a time.")
        outcome = _stay(scratch, interrupts, client, sweep)
        return _finish(scratch, client, sweep.name, outcome, alone, keep)


def _start_alone(scratch: ScratchFolder) -> Process:
    """Start the script standalone, so that the sweep has something to beat."""
    folder = scratch.folder / "defaults"
    make_folder(folder, exist_ok=False)
    script = str(scratch.folder / "train.py")
    # Only to compare with: it stays in its folder, so that no agent brings it in.
    offline = {"SWEEPD_MODE": "offline"}
    log = scratch.folder / "defaults.log"
    return scratch.start([sys.executable, script], folder=folder, log=log, variables=offline)


def _create(scratch: ScratchFolder, client: Client) -> v1.Sweep:
    from sweepd.calls.sweep_file import Overrides, parent_of, read_sweep
    from sweepd.cli.commands.define.creation import create_sweep

    text = read_sweep(str(scratch.folder / "sweep.yaml"))
    spec = checked_spec(text, error_format="text")
    return create_sweep(client, text, spec, parent_of(spec, Overrides(project="digits"), {}))


def _stay(scratch: ScratchFolder, interrupts: Interrupts, client: Client, sweep: v1.Sweep) -> Outcome:
    from sweepd.cli.commands.local.console import AgentConsole, start_agent
    from sweepd.cli.live.progress import view_on

    with interrupts.shield():
        agent = start_agent(
            sweep.name,
            slots=_SLOTS,
            address=client.address,
            folder=scratch.folder,
            environ=scratch.environ,
            flags=_agent_flags(scratch),
        )
        scratch.adopt(agent.process)
    with view_on(sys.stderr, current_settings()) as view:
        outcome = AgentConsole(client, sweep.name, agent, view).stay()
    if outcome.agent_exit != 0:
        for line in agent.lines:
            note(f"agent: {line}")
    return outcome


def _agent_flags(scratch: ScratchFolder) -> list[str]:
    """Return what keeps the agent in its place: its folder, a short end, no runs that outlive it."""
    # `python` may be another interpreter, without scikit-learn, or none: runs get this very one.
    own_python = ["--interpreter", sys.executable]
    return [*own_python, "--state", str(scratch.folder / "agent"), "--grace", "2s", "--no-adopt"]


def _finish(
    scratch: ScratchFolder, client: Client, name: str, outcome: Outcome, alone: Process, keep: Path | None
) -> int:
    from sweepd.cli.commands.local.console import patiently
    from sweepd.cli.commands.local.scratch_folder import best_of
    from sweepd.cli.show.outcome import best_lines, best_run, trouble_lines

    sweep = patiently(lambda: client.get_sweep(name))
    best = best_run(client, sweep)
    if best is None:
        for line in trouble_lines(client, sweep):
            note(line)
        return ExitCode.ENDED_BADLY
    alone.wait(_BASELINE_SECONDS)
    metric = sweep.spec.metric.name
    before = best_of(scratch.folder / "defaults", metric, log=scratch.folder / "defaults.log")
    lines = best_lines(sweep, best, scratch.environ)
    lines.append(_gain(metric, before, best.value))
    put("\n".join(lines) + "\n")
    for line in _next_steps(scratch, sweep, keep):
        note(line)
    return ExitCode.OK if outcome.progress.ended else ExitCode.FAILURE


def _gain(metric: str, before: float, after: float) -> str:
    change = (before - after) / before
    verdict = "better" if change > 0 else "worse"
    return f"The script's defaults reach {metric} {number(before)}: this is {abs(change):.0%} {verdict}."


def _next_steps(scratch: ScratchFolder, sweep: v1.Sweep, keep: Path | None) -> list[str]:
    lines = ["Next, with a script and a sweep file of your own:", "  sweepctl run sweep.yaml --slots 2"]
    if keep is None:
        return [*lines, "or look into this one:", "  sweepctl demo --keep digits"]
    return [
        *lines,
        f"or look into this one (script, sweep file and data are in {scratch.folder}):",
        f"  sweepd up -d --data {scratch.folder / 'data'}",
        f"  sweepctl runs {sweep.name} --sort best",
    ]

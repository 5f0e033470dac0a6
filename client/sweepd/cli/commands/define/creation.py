"""Helpers of commands that create sweeps: command lines of agents, notes, and export as a sweep file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from sweepd import v1
from sweepd.cli.output.formats import note
from sweepd.cli.settings import current_settings
from sweepd.rpc.discovery import current_address

if TYPE_CHECKING:
    from sweepd.calls.sweep_file import SweepText
    from sweepd.client import Client
    from sweepd.spec.point import Json


def source_of(text: SweepText) -> v1.SweepFile:
    """Return the message with the name and the content of a sweep file."""
    return v1.SweepFile(file_name=os.path.basename(text.file_name), content=text.content)  # noqa: PTH119


def agent_command(name: str, address: str, *, requires: Mapping[str, str] | None = None) -> str:
    """Return the command line that starts an agent for a sweep; omit the server if it is the default.

    Args:
        name: name of the sweep.
        address: address of its server.
        requires: labels that an agent needs to get runs of the sweep.
    """
    environ = current_settings().environ
    words = ["sweep-agent", "--sweep", name, *label_flags(requires or {})]
    if environ.get("SWEEPD_ADDRESS") or current_address(environ) != address:
        words += ["--server", address]
    return shlex.join(words)


def label_flags(labels: Mapping[str, str]) -> list[str]:
    """Return the flags of `sweep-agent` that set these labels."""
    return [f"--label={name}={value}" for name, value in sorted(labels.items())]


def note_standstill(client: Client, name: str) -> None:
    """Write a note if no run will start, because the sweep is paused or has no agent."""
    sweep = client.get_sweep(name)
    if sweep.state == v1.SWEEP_STATE_PAUSED:
        note(f"The sweep is paused; resume it:  sweepctl resume {name}")
    elif sweep.state in (v1.SWEEP_STATE_PENDING, v1.SWEEP_STATE_RUNNING) and not sweep.connected_agents:
        line = agent_command(name, client.address, requires=sweep.spec.requires)
        note(f"No agent is connected. Start one:  {line}")


def note_unbounded(sweep: v1.Sweep) -> None:
    """If no number of runs is planned for a sweep, write a note with the command that stops it."""
    if not sweep.HasField("planned_runs"):
        note(f"The sweep has no run_cap: it runs until `sweepctl stop {sweep.name}`.")


def sweep_document(sweep: v1.Sweep) -> dict[str, Json]:
    """Return the current sweep file of a sweep, with its edits, seed, entity and project."""
    from sweepd.codec.spec import spec_document

    entity, project, _ = sweep.name.split("/")
    document = cast("dict[str, Json]", spec_document(sweep.spec))
    return {"entity": entity, "project": project, **document}


def sweep_text(sweep: v1.Sweep) -> str:
    """Return the current sweep file of a sweep as YAML."""
    from sweepd.cli.output.yaml_text import yaml_text

    return f"# {sweep.name}, revision {sweep.revision}\n{yaml_text(sweep_document(sweep))}"

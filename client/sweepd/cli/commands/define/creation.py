"""Creation of sweeps, the lines that start agents for them, and the file that makes another one like it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from sweepd import v1
from sweepd.cli.output.formats import note
from sweepd.cli.settings import Settings
from sweepd.rpc.discovery import current_address

if TYPE_CHECKING:
    from sweepd.calls.sweep_file import SweepText
    from sweepd.client import Client
    from sweepd.spec.point import Json
    from sweepd.spec.sweep_spec import SweepSpec


def create_sweep(
    client: Client,
    text: SweepText,
    spec: SweepSpec,
    parent: str,
    *,
    sweep_id: str = "",
    request_id: str = "",
) -> v1.Sweep:
    """Create the sweep that `spec` describes in `parent` (entity/project), as `begin_sweep` does."""
    return begin_sweep(client, text, spec, parent, sweep_id=sweep_id, request_id=request_id).sweep


def begin_sweep(
    client: Client,
    text: SweepText,
    spec: SweepSpec,
    parent: str,
    *,
    prior_runs: v1.PriorRunSelection | None = None,
    sweep_id: str = "",
    request_id: str = "",
) -> v1.CreateSweepResponse:
    """Create the sweep that `spec` describes in `parent` (entity/project), with the runs that it begins with.

    Raises:
        ClientError: the id is not legal, or the server refuses.
    """
    from sweepd.codec.spec import spec_message  # here, as it loads the language of sweeps

    message = spec_message(spec)
    source = v1.SweepFile(file_name=os.path.basename(text.file_name), content=text.content)  # noqa: PTH119
    return client.begin_sweep(
        parent,
        message,
        prior_runs=prior_runs,
        source=source,
        sweep_id=sweep_id,
        request_id=request_id,
    )


def agent_command(
    name: str, address: str, settings: Settings, *, requires: Mapping[str, str] | None = None
) -> str:
    """Return the line that starts an agent for a sweep; the server is named where it would not be found.

    Args:
        name: the sweep.
        address: its server.
        settings: those of this call.
        requires: the labels without which an agent gets none of its runs.
    """
    words = ["sweep-agent", "--sweep", name, *label_flags(requires or {})]
    if settings.environ.get("SWEEPD_ADDRESS") or current_address(settings.environ) != address:
        words += ["--server", address]
    return shlex.join(words)


def label_flags(labels: Mapping[str, str]) -> list[str]:
    """Return the flags that give an agent some labels."""
    return [f"--label={name}={value}" for name, value in sorted(labels.items())]


def note_standstill(client: Client, name: str, settings: Settings) -> None:
    """Note what a sweep needs besides runs to start them: agents end with their sweeps."""
    sweep = client.get_sweep(name)
    if sweep.state == v1.SWEEP_STATE_PAUSED:
        note(f"The sweep is paused; resume it:  sweepctl resume {name}")
    elif sweep.state in (v1.SWEEP_STATE_PENDING, v1.SWEEP_STATE_RUNNING) and not sweep.connected_agents:
        line = agent_command(name, client.address, settings, requires=sweep.spec.requires)
        note(f"No agent is connected. Start one:  {line}")


def note_unbounded(sweep: v1.Sweep) -> None:
    """Note how a sweep without an end is ended."""
    if not sweep.HasField("planned_runs"):
        note(f"No run_cap: it runs until `sweepctl stop {sweep.name}`.")


def sweep_document(sweep: v1.Sweep) -> dict[str, Json]:
    """Return what the file of a sweep says, as it stands now: edits, its seed and its place included."""
    from sweepd.codec.spec import spec_document

    entity, project, _ = sweep.name.split("/")
    document = cast("dict[str, Json]", spec_document(sweep.spec))
    return {"entity": entity, "project": project, **document}


def sweep_text(sweep: v1.Sweep) -> str:
    """Return the file as YAML."""
    from sweepd.cli.output.yaml_text import yaml_text

    return f"# {sweep.name}, revision {sweep.revision}\n{yaml_text(sweep_document(sweep))}"

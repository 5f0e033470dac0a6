"""What `sweepd status` reads: the file in which the supervisor notes how its services stand."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

STATE_NAME = "status.json"
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """How one service stands."""

    name: str
    address: str
    pid: int
    """0: no process."""
    state: str
    restarts: int
    reason: str
    """Why it does not serve, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonState:
    """How a daemon stands."""

    pid: int
    data: str
    services: tuple[ServiceState, ...]
    arguments: tuple[str, ...] = ()
    """What was asked of it beside where it listens and keeps its data."""

    @property
    def gateway(self) -> str:
        """HOST:PORT that people and agents know."""
        return next((each.address for each in self.services if each.name == GATEWAY), "")

    def as_json(self) -> str:
        """Write it as JSON."""
        return json.dumps(asdict(self), indent=2)


def ready_line(gateway: str, data: str) -> str:
    """Return what `sweepd up` prints once all serves."""
    return f"sweepd ready grpc={gateway} data={data}"


def write_state(data: Path, state: DaemonState) -> None:
    """Note `state` in the folder `data`; on a full disk the old note stays."""
    draft = data / f".{STATE_NAME}.{os.getpid()}"
    with suppress(OSError):
        draft.write_text(state.as_json() + "\n")
        draft.replace(data / STATE_NAME)


def read_state(data: Path) -> DaemonState | None:
    """What was noted last in the folder `data`; None if nothing readable is there."""
    try:
        document = json.loads((data / STATE_NAME).read_text())
        services: Sequence[dict[str, str | int]] = document["services"]
        arguments: Sequence[str] = document.get("arguments", ())
        return DaemonState(
            pid=int(document["pid"]),
            data=str(document["data"]),
            services=tuple(
                ServiceState(
                    name=str(each["name"]),
                    address=str(each["address"]),
                    pid=int(each["pid"]),
                    state=str(each["state"]),
                    restarts=int(each["restarts"]),
                    reason=str(each["reason"]),
                )
                for each in services
            ),
            arguments=tuple(map(str, arguments)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_state(data: Path) -> None:
    """Forget the note."""
    with suppress(OSError):
        (data / STATE_NAME).unlink(missing_ok=True)

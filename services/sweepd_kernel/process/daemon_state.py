"""State of a daemon: the file that its supervisor writes and `sweepd status` reads."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sweepd.private_files import replace_file

STATE_NAME = "status.json"
GATEWAY = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """State of one service."""

    name: str
    address: str
    pid: int
    """0: no process."""
    state: str
    restarts: int
    reason: str
    """Reason why it does not serve, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonState:
    """State of a daemon."""

    pid: int
    data: str
    services: tuple[ServiceState, ...]
    arguments: tuple[str, ...] = ()
    """Its arguments besides its address and its data folder."""

    @property
    def gateway(self) -> str:
        """Address for people and agents."""
        return next((each.address for each in self.services if each.name == GATEWAY), "")

    def as_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=2)


def ready_line(gateway: str, data: str) -> str:
    """Return the line that `sweepd up` prints once all services serve."""
    return f"sweepd ready grpc={gateway} data={data}"


def write_state(data: Path, state: DaemonState) -> None:
    """Write `state` to the folder `data`; on a full disk the old one stays."""
    with suppress(OSError):
        replace_file(data / STATE_NAME, state.as_json() + "\n")


def read_state(data: Path) -> DaemonState | None:
    """Return the state last written to the folder `data`; None if nothing readable is there."""
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
    """Remove the state."""
    with suppress(OSError):
        (data / STATE_NAME).unlink(missing_ok=True)

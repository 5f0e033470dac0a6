"""Command `sweepd`: run all services or a single one, or control the running daemon."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING

from sweepd.errors import INSTALL_SERVER
from sweepd_kernel.console import answer, complain

if TYPE_CHECKING:
    from sweepd_kernel.service import ServiceDefinition

INTERRUPTED = 130
EPILOG = """\
sweepd up also takes the flags of every service; `sweepd SERVICE --help` lists them.

exit codes: 0 ok, 1 failure, 2 usage; status: 0 a server is running, 3 none is

examples:
  sweepd up                      all services, in the foreground, at 127.0.0.1:7333
  sweepd up -d --data ./sweeps   in the background, with the data in ./sweeps
  sweepd status
  sweepd down
"""


def main(argv: Sequence[str] | None = None, *, services: "Sequence[ServiceDefinition] | None" = None) -> int:
    """Run the command; return the exit code.

    Args:
        argv: arguments; by default those of the process.
        services: services for `up` and `pair`; by default all installed services.
    """
    # Set before gRPC is imported: its own log is redundant, and no process forks after gRPC has started.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    try:
        return _run(list(sys.argv[1:] if argv is None else argv), services)
    except KeyboardInterrupt:
        return INTERRUPTED
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("sweepd"):
            raise
        complain(f"the server needs {error.name}, which is not installed: {INSTALL_SERVER}")
        return 1


def _run(arguments: Sequence[str], services: "Sequence[ServiceDefinition] | None") -> int:
    match arguments[:1]:
        case ["up"]:
            return _up(arguments[1:], services)
        case ["status"]:
            return _status(arguments[1:])
        case ["down"]:
            return _down(arguments[1:])
        case ["pair"]:
            return _pair(arguments[1:], services)
        case ["--version" | "version"]:
            answer(f"sweepd {version('sweepd')}")
            return 0
        case [name] if not name.startswith("-"):
            return _service(name, arguments[1:])
        case _:
            return _help(arguments)


def _up(arguments: Sequence[str], services: "Sequence[ServiceDefinition] | None") -> int:
    from sweepd_kernel.flags import address
    from sweepd_kernel.process.up import load_services, up
    from sweepd_kernel.rpc.listener import DEFAULT_LISTEN

    parser = _parser("up", "Start and supervise all services.")
    parser.add_argument("-d", "--detach", action="store_true", help="run in the background once ready")
    parser.add_argument(
        "--listen",
        type=address,
        metavar="HOST:PORT",
        help="address for people and agents; port 0: the last used port, else a free one (default: "
        f"{DEFAULT_LISTEN}, or a free port if that is in use)",
    )
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    flags, rest = parser.parse_known_args(arguments)
    flags.data = flags.data.absolute()
    return up(flags, rest, load_services() if services is None else services)


def _status(arguments: Sequence[str]) -> int:
    from sweepd_kernel.process.running_server import status

    parser = _parser("status", "Print the state of the server. Exit codes: 0 if it is running, else 3.")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return status(parser.parse_args(arguments))


def _down(arguments: Sequence[str]) -> int:
    from sweepd_kernel.process.running_server import down

    parser = _parser("down", "Stop the server in the background, and wait until it has ended.")
    return down(parser.parse_args(arguments))


def _pair(arguments: Sequence[str], services: "Sequence[ServiceDefinition] | None") -> int:
    from sweepd_kernel.pairing.command import pair
    from sweepd_kernel.process.up import load_services

    parser = _parser(
        "pair",
        "Pair the databases of the scheduler and the metric store again after one of them was permanently "
        "lost; the server must be stopped. If there is a backup, restore both from it instead. Data of "
        "attempts that are unknown to the scheduler is removed from the metric store; a copy remains as "
        "metrics.sqlite.before-pair. Points that were lost cannot be recovered.",
    )
    return pair(parser.parse_args(arguments), load_services() if services is None else services)


def _service(name: str, arguments: Sequence[str]) -> int:
    found = entry_points(group="sweepd.services", name=name)
    if not found:
        complain(f"there is no service or command {name}; see `sweepd --help`")
        return 2
    from sweepd.rpc.discovery import state_folder
    from sweepd_kernel.process.bootstrap import run_standalone, service_parser

    definition = next(iter(found)).load()
    parser = service_parser(definition, data=default_data() / name, tokens=state_folder(os.environ))
    return run_standalone(definition, parser.parse_args(arguments))


def _help(arguments: Sequence[str]) -> int:
    names = sorted(entry.name for entry in entry_points(group="sweepd.services"))
    parser = argparse.ArgumentParser(
        prog="sweepd",
        description="The server of sweepd.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument(
        "command", metavar="COMMAND", help=f"up, status, down, pair, or a single service: {', '.join(names)}"
    )
    parser.parse_args(arguments)
    return 2


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"sweepd {name}",
        description=description,
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=default_data(),
        metavar="DIR",
        help="folder of the server's files (default: %(default)s)",
    )
    return parser


def default_data() -> Path:
    """Return the default folder of a server's data."""
    base = os.environ.get("XDG_DATA_HOME") or Path(os.environ.get("HOME") or Path.home()) / ".local/share"
    return Path(base) / "sweepd"


if __name__ == "__main__":
    sys.exit(main())

"""Command line of `sweep-agent`."""

import argparse
import json
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from sweepd.durations import parse_duration
from sweepd.flag_parsers import for_flag
from sweepd_agent.core.serving import SweepName, parse_sweep_name
from sweepd_agent.process.devices import parse_devices

_MAX_SLOTS = 1_024
_MAX_STORAGE = 256
_MAX_LABELS = 64
_MAX_LABEL_NAME = 128
_MAX_LABEL_VALUE = 256
_SHORTEST_INTERVAL = 0.1
_BYTES = {"": 1, "b": 1}
_BYTES |= {f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)}
_BYTES |= {f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")
_EXAMPLES = """examples:
  sweep-agent local/mnist/k3x9v2ab
  sweep-agent k3x9v2ab --slots 4 --count 20
  sweep-agent --sweep k3x9v2ab --sweep m2c4t8qz --slots 4 --gpus-per-run 2

exit codes: 0 done, 1 failure, 2 usage, 3 no such sweep, 4 token refused, 6 no server in time,
  9 a guard tripped, 130 Ctrl-C
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the command line; durations in seconds."""

    sweeps: tuple[SweepName, ...]
    server: str | None
    token_file: Path | None
    state: Path | None
    slots: int
    count: int | None
    gpus_per_run: int | None
    gpus: tuple[str, ...] | None
    max_failed_in_a_row: int | None
    fail_fast: bool
    grace: float
    wait: float | None
    adopt: bool
    stop_on_disconnect: bool
    interpreter: str | None
    compat: str | None
    show_output: str | None
    context: bool
    system_metrics: bool
    system_metrics_every: float
    # Passed only by `sweepd.agent` with a function: command that replaces the command of every run.
    call_proxy: tuple[str, ...] | None
    # Passed only by `sweepd.agent`: id of the calling process, whose end has the effect of SIGTERM.
    caller: int | None
    min_free: int
    spool_limit: int
    keep: float
    checkpoint_root: Path | None
    storage: str
    labels: dict[str, str]
    log_as_json: bool


def parse(arguments: Sequence[str] | None, *, version: str) -> Options:
    """Return the options; exit on `--help` or invalid arguments."""
    parser = _parser(version)
    given = parser.parse_args(arguments)
    sweeps = _sweeps(parser, given.id, given.sweep)
    if given.gpus is not None and not given.gpus_per_run:
        parser.error("--gpus requires --gpus-per-run, the number of GPUs of each run")
    if len(dict(given.label)) > _MAX_LABELS:
        parser.error(f"--label: an agent has at most {_MAX_LABELS} labels")
    if given.storage is not None and given.checkpoint_root is None:
        parser.error("--storage names the storage of --checkpoint-root; pass both")
    values = vars(given) | {
        "sweeps": sweeps,
        "stop_on_disconnect": given.on_disconnect == "stop",
        "checkpoint_root": given.checkpoint_root and given.checkpoint_root.absolute(),
        "storage": _storage(given.checkpoint_root, given.storage),
        "labels": dict(given.label),
        "log_as_json": given.log_format == "json",
    }
    return Options(**{field.name: values[field.name] for field in fields(Options)})


def _parser(version: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sweep-agent",
        usage="%(prog)s ID [options]; --help lists them",
        description="Runs the trials of a sweep on this machine, until the sweep ends.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"sweep-agent {version}")
    add(
        "id",
        nargs="?",
        type=for_flag(parse_sweep_name),
        metavar="ID",
        help="the sweep: ID, PROJECT/ID or ENTITY/PROJECT/ID",
    )
    add(
        "--sweep",
        action="append",
        default=[],
        type=for_flag(parse_sweep_name),
        metavar="ID",
        help="the same as ID; repeatable, to serve several sweeps",
    )
    add("--slots", type=_integer(1, _MAX_SLOTS), default=1, metavar="N", help="number of concurrent runs (1)")
    add("--count", type=_integer(1), metavar="N", help="exit after N runs have ended on this agent")
    add(
        "--gpus-per-run",
        type=_integer(0, _MAX_SLOTS),
        metavar="K",
        help=(
            "give each slot K dedicated GPUs through CUDA_VISIBLE_DEVICES; default: runs share all that the "
            "agent sees"
        ),
    )
    add(
        "--gpus",
        type=for_flag(parse_devices),
        metavar="LIST",
        help=(
            "GPUs to use, such as 0,1,2,3 or ids; default: CUDA_VISIBLE_DEVICES, else all that nvidia-smi "
            "lists"
        ),
    )
    add(
        "--max-consecutive-failed-runs",
        dest="max_failed_in_a_row",
        type=_integer(1),
        metavar="N",
        help="exit with code 9 after N consecutive failed runs; stopped runs do not count",
    )
    add(
        "--fail-fast",
        action="store_true",
        help=(
            "exit with code 9 if 3 runs fail in the first 60 s, or once at least 5 and nearly all have failed"
        ),
    )
    add("--server", metavar="HOST:PORT", help="default: SWEEPD_ADDRESS, else the server of this account")
    add("--token-file", type=Path, metavar="FILE", help="default: SWEEPD_TOKEN, else the stored token")
    add(
        "--state",
        type=Path,
        metavar="DIR",
        help="state folder of the agent; default: an unused one of this account",
    )
    duration, size = for_flag(parse_duration), for_flag(parse_size)
    add(
        "--wait",
        type=duration,
        metavar="D",
        help="how long to wait for the first connection; default: forever",
    )
    add(
        "--grace",
        type=duration,
        default=30.0,
        metavar="D",
        help="how long runs may continue after SIGTERM; also the longest wait for acknowledgements (30s)",
    )
    add("--no-adopt", dest="adopt", action="store_false", help="if the agent is killed, end runs within 2 s")
    add(
        "--on-disconnect",
        choices=("continue", "stop"),
        default="continue",
        help="what runs do if the lease expires while the server is unavailable (continue)",
    )
    add("--interpreter", metavar="PATH", help="value of ${interpreter} (python)")
    add("--compat", choices=("wandb",), help="replace that module with sweepd, for unmodified scripts")
    add(
        "--show-output",
        nargs="?",
        const="plain",
        choices=("plain", "json"),
        help="copy the output of runs to stdout; =json: as JSON lines with run, attempt and text",
    )
    # Not in the help, because only `sweepd.agent` uses these two options.
    add("--call-proxy", type=for_flag(_arguments), help=argparse.SUPPRESS)
    add("--caller", type=_integer(1), help=argparse.SUPPRESS)
    add(
        "--no-context",
        dest="context",
        action="store_false",
        help="do not record command, git state, Python packages and host of each run",
    )
    add(
        "--no-system-metrics",
        dest="system_metrics",
        action="store_false",
        help="do not sample CPU, memory and GPUs",
    )
    add(
        "--system-metrics-every",
        type=for_flag(_interval),
        default=10.0,
        metavar="D",
        help="interval between samples (10s)",
    )
    add(
        "--min-free",
        type=size,
        default=256 * 2**20,
        metavar="SIZE",
        help="start no run with less free disk space (256MiB)",
    )
    add(
        "--spool-limit",
        type=size,
        default=256 * 2**20,
        metavar="SIZE",
        help="disk space for unsent rows of a run before they are downsampled (256MiB)",
    )
    add(
        "--keep",
        type=duration,
        default=0.0,
        metavar="D",
        help="how long to keep folders of delivered runs (0)",
    )
    add(
        "--checkpoint-root",
        type=Path,
        metavar="DIR",
        help="keep checkpoints of runs below DIR, where other agents find them; default: the agent's folder",
    )
    add(
        "--storage",
        type=for_flag(_storage_name),
        metavar="NAME",
        help="name of the storage of DIR; retries prefer agents with the same name (this host and DIR)",
    )
    add(
        "--label",
        action="append",
        default=[],
        type=for_flag(_label),
        metavar="K=V",
        help="label of this agent, matched by `requires`; repeatable",
    )
    add(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="log format, for people (text) or machines (json); default: text",
    )
    return parser


def _sweeps(
    parser: argparse.ArgumentParser, positional: SweepName | None, named: Sequence[SweepName]
) -> tuple[SweepName, ...]:
    """Return the sweeps to serve; exit if there are none, or if ID and `--sweep` conflict."""
    if positional is None:
        if not named:
            parser.error("no sweep given; write sweep-agent ID; `sweepctl list` lists the sweeps")
        return tuple(named)
    if not all(other.may_be(positional) for other in named):
        parser.error("the ID and --sweep name different sweeps; to serve several, pass --sweep for each")
    return (max((positional, *named), key=lambda name: name.full is not None),)


def _integer(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    def integer(text: str) -> int:
        number = int(text) if text.isdecimal() else -1
        if number < minimum or (maximum is not None and number > maximum):
            upto = "" if maximum is None else f" to {maximum}"
            raise argparse.ArgumentTypeError(f"{text!r} is not an integer from {minimum}{upto}")
        return number

    return integer


def _interval(text: str) -> float:
    interval = parse_duration(text)
    if interval < _SHORTEST_INTERVAL:
        raise ValueError(
            f"{text!r} is less than {_SHORTEST_INTERVAL * 1000:g} ms; --no-system-metrics disables sampling"
        )
    return interval


def _arguments(text: str) -> tuple[str, ...]:
    arguments: object = json.loads(text)
    if (
        not isinstance(arguments, list)
        or not arguments
        or not all(isinstance(each, str) for each in arguments)
    ):
        raise ValueError(f"{text!r} is not a JSON list of arguments")
    return tuple(arguments)


def _storage_name(text: str) -> str:
    if not 1 <= len(text) <= _MAX_STORAGE:
        raise ValueError(f"a storage name has 1 to {_MAX_STORAGE} characters")
    return text


def _storage(root: Path | None, name: str | None) -> str:
    """Return the name of the checkpoint storage, by default host and path; empty if it is not shared."""
    if root is None:
        return ""
    return name or f"{socket.gethostname()}:{root.absolute()}"[-_MAX_STORAGE:]


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(f"{text!r} is not a label; write NAME=VALUE")
    if len(name) > _MAX_LABEL_NAME or len(value) > _MAX_LABEL_VALUE:
        most = f"{_MAX_LABEL_NAME} characters in its name and {_MAX_LABEL_VALUE} in its value"
        raise ValueError(f"the label {name:.100!r} is too long: a label has at most {most}")
    return name, value


def parse_size(text: str) -> int:
    """Return the number of bytes that a size such as `2GiB` denotes.

    Raises:
        ValueError: the text is not a size.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"{text!r} is not a size; write 500MB or 2GiB")
    return int(float(match[1]) * _BYTES[match[2]])

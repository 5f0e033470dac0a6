"""Call proxy: process of a run whose function is called in the process of the caller.

It passes its environment and output to the caller, forwards a stop, and exits with the outcome of the call.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

_FORWARDED = ("SWEEPD_", "CUDA_VISIBLE_DEVICES")
_MAX_MESSAGE_BYTES = 64


def main() -> None:
    """Represent one call; the last argument names the folder with the caller's socket."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder = os.open(Path(sys.argv[-1]), os.O_RDONLY | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{folder}/caller")
    except OSError as error:
        sys.exit(f"the process that calls the function is gone: {error.strerror}")
    signal.signal(signal.SIGTERM, lambda number, frame: _forward_stop(connection))
    variables = {name: value for name, value in os.environ.items() if name.startswith(_FORWARDED)}
    socket.send_fds(connection, [json.dumps(variables).encode()], [sys.stdout.fileno()])
    outcome = connection.recv(_MAX_MESSAGE_BYTES)
    if outcome == b"stopped":
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    if not outcome:
        sys.exit("the process that called the function has ended, or was killed")
    sys.exit(int(outcome))


def _forward_stop(connection: socket.socket) -> None:
    with suppress(OSError):  # the call has just ended
        connection.send(b"stop")

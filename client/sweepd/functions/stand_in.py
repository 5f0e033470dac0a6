"""The process of a run whose function is called in another process: it stands for the call, to the agent.

It hands its environment and its output to the caller, tells it of a stop, and ends as the caller says.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

_HANDED_ON = ("SWEEPD_", "CUDA_VISIBLE_DEVICES")
_LONGEST_WORD = 64


def main() -> None:
    """Stand for one call; the last argument names the folder with the caller's socket."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder = os.open(Path(sys.argv[-1]), os.O_RDONLY | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{folder}/caller")
    except OSError as error:
        sys.exit(f"the process that calls the function is gone: {error.strerror}")
    signal.signal(signal.SIGTERM, lambda number, frame: _tell_of_stop(connection))
    variables = {name: value for name, value in os.environ.items() if name.startswith(_HANDED_ON)}
    socket.send_fds(connection, [json.dumps(variables).encode()], [sys.stdout.fileno()])
    word = connection.recv(_LONGEST_WORD)
    if word == b"stopped":
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    if not word:
        sys.exit("the process that called the function has ended, or was killed")
    sys.exit(int(word))


def _tell_of_stop(connection: socket.socket) -> None:
    with suppress(OSError):  # the call has just ended, and its word is on the way
        connection.send(b"stop")

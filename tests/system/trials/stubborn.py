"""Trial that ignores SIGTERM and never ends, with a grandchild in its own session."""

import signal
import subprocess
import sys
import threading

import sweepd

signal.signal(signal.SIGTERM, signal.SIG_IGN)
sweepd.init()
subprocess.Popen(
    [
        sys.executable,
        "-c",
        "import signal, threading; signal.signal(15, signal.SIG_IGN); threading.Event().wait()",
    ],
    start_new_session=True,
)
sweepd.log({"loss": 1.0})
threading.Event().wait()

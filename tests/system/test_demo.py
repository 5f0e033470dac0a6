"""The demonstration: its output, and its cleanup whenever it is interrupted."""

from __future__ import annotations

import re
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from system.installation import BIN, Installation
from waiting import until


def start_demo(installation: Installation, *flags: str) -> subprocess.Popen[str]:
    environment = installation.environment | {"TMPDIR": str(installation.work)}
    return subprocess.Popen(
        [str(BIN / "sweepctl"), "demo", *flags],
        env=environment,
        cwd=installation.work,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_nothing_is_left(installation: Installation, allowed: set[Path] | None = None) -> None:
    until(lambda: not installation.processes(), within=5, what=str(installation.commands()))
    assert set(installation.work.iterdir()) == (allowed or set())


def processor_seconds() -> float:
    """Return the processor seconds of all ended child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.timeout(280)
def test_the_demo_beats_the_defaults_within_a_minute_and_keeps_its_folder_on_request(
    installation: Installation,
) -> None:
    kept = installation.work / "kept"
    begun, used = time.monotonic(), processor_seconds()
    out, err = start_demo(installation, "--keep", str(kept)).communicate(timeout=240)
    took, worked = time.monotonic() - begun, processor_seconds() - used
    assert "Best run: local/digits/" in out, err
    assert "--learning_rate=" in out
    gain = re.search(r"defaults reach val_loss (\S+): this is (\d+)% better", out)
    assert gain is not None, out
    assert int(gain[2]) > 0
    assert "sweepctl run sweep.yaml" in err
    assert "\x1b" not in out + err
    assert "Traceback" not in err
    assert worked < 2 * 60, "two free processors take less than a minute"
    assert took < 4 * worked, "it hardly waits, except for busy processors"
    assert_nothing_is_left(installation, {kept})
    assert {"train.py", "sweep.yaml", "data"} <= {path.name for path in kept.iterdir()}
    again = start_demo(installation, "--keep", str(kept))
    assert "is not empty" in again.communicate(timeout=30)[1]
    assert again.returncode == 2


def until_printed(process: subprocess.Popen[str], part: str) -> None:
    """Return once a process has printed a text."""
    assert process.stderr is not None
    while part not in (line := process.stderr.readline()):
        assert line, "it ended too early"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("number", "file", "message"),
    [
        (signal.SIGINT, "owner.pid", ""),
        (signal.SIGTERM, "server.log", ""),
        (signal.SIGINT, "data/*", ""),
        (signal.SIGINT, "", "Sweep local/"),
        (signal.SIGTERM, "", " started "),
    ],
)
def test_an_interrupted_demo_leaves_no_process_and_no_file(
    installation: Installation, number: signal.Signals, file: str, message: str
) -> None:
    """Interrupt it at the creation of its folder, at the start of the server, and at the start of runs."""
    process = start_demo(installation)
    if file:
        until(lambda: any(installation.work.glob(f"sweepd-demo-*/{file}")))
    else:
        until_printed(process, message)
    process.send_signal(number)
    _, err = process.communicate(timeout=40)
    assert process.returncode in (130, -number), err
    assert "Traceback" not in err
    assert_nothing_is_left(installation)


def test_killing_the_demo_ends_its_processes(installation: Installation) -> None:
    process = start_demo(installation)
    until_printed(process, " started ")
    process.kill()
    process.communicate()
    try:
        until(lambda: not installation.processes(), within=20)
    except AssertionError:
        raise AssertionError(f"still there: {installation.commands()}") from None

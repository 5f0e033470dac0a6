"""Modules that the package loads."""

import subprocess
import sys


def test_expanding_commands_loads_no_reader_of_files() -> None:
    program = "import sweepd.spec.command, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "sweepd.spec.command" in loaded
    assert not {"yaml", "sweepd.spec.parse", "grpc", "click"} & set(loaded)
